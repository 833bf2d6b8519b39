/* What the example needs of libpldm (its libpldm/base.h): encoding of GetTID and decoding of its answer. */
#ifndef MOCK_LIBPLDM_H
#define MOCK_LIBPLDM_H
#include <stddef.h>
#include <stdint.h>

static inline int encode_get_tid_req(uint8_t instance_id, uint8_t message[3]) {
    message[0] = 0x80 | instance_id;
    message[1] = 0x00;
    message[2] = 0x02;
    return 0;
}

static inline int decode_get_tid_resp(const uint8_t *message, size_t len, uint8_t *completion_code, uint8_t *tid) {
    if (len < 5) return 1;
    *completion_code = message[3];
    *tid = message[4];
    return 0;
}
#endif
