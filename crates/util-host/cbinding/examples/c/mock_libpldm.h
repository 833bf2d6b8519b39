/* What the example needs of libpldm (its libpldm/base.h), with the same names and types: GetTID, DSP0240. */
#ifndef MOCK_LIBPLDM_H
#define MOCK_LIBPLDM_H
#include <stddef.h>
#include <stdint.h>

#define PLDM_SUCCESS 0
#define PLDM_ERROR_INVALID_DATA 2
#define PLDM_ERROR_INVALID_LENGTH 3
#define PLDM_GET_TID 0x02

struct pldm_msg_hdr {
    uint8_t instance_id : 5;
    uint8_t reserved : 1;
    uint8_t datagram : 1;
    uint8_t request : 1;
    uint8_t type : 6;
    uint8_t header_ver : 2;
    uint8_t command;
} __attribute__((packed));

struct pldm_msg {
    struct pldm_msg_hdr hdr;
    uint8_t payload[1];
} __attribute__((packed));

static inline int encode_get_tid_req(uint8_t instance_id, struct pldm_msg *msg) {
    if (msg == NULL || instance_id > 31) return PLDM_ERROR_INVALID_DATA;
    msg->hdr = (struct pldm_msg_hdr){.instance_id = instance_id, .request = 1, .command = PLDM_GET_TID};
    return PLDM_SUCCESS;
}

/* payload_length counts the octets behind the header, the completion code first. */
static inline int decode_get_tid_resp(const struct pldm_msg *msg, size_t payload_length, uint8_t *completion_code, uint8_t *tid) {
    const uint8_t *payload = (const uint8_t *)msg + sizeof(struct pldm_msg_hdr);
    if (payload_length < 1) return PLDM_ERROR_INVALID_LENGTH;
    *completion_code = payload[0];
    if (*completion_code != PLDM_SUCCESS) return PLDM_SUCCESS;
    if (payload_length != 2) return PLDM_ERROR_INVALID_LENGTH;
    *tid = payload[1];
    return PLDM_SUCCESS;
}
#endif
