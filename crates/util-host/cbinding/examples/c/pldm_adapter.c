/* libpldm over the host library: libpldm encodes, the channel carries, libpldm decodes. Usage: pldm_adapter ADDRESS
 * With libpldm itself: cc -DWITH_LIBPLDM ... $(pkg-config --cflags --libs libpldm) */
#include "caliptra_util_host.h"
#ifdef WITH_LIBPLDM
#include <libpldm/base.h>
#else
#include "mock_libpldm.h"
#endif
#include <stdio.h>
#include <string.h>

/* The MCTP message type of PLDM, DSP0239. */
#define MCTP_TYPE_PLDM 0x01

/* Sends a message of libpldm's and receives the answer. *answer_len is the room for it, and then its length. */
static CaliptraError exchange(CaliptraChannel *channel, const struct pldm_msg *message, size_t len, struct pldm_msg *answer,
                              size_t *answer_len) {
    uint8_t request[256] = {MCTP_TYPE_PLDM}, octets[256];
    size_t got = sizeof octets;
    if (len > sizeof request - 1) return CALIPTRA_ERROR_INVALID_ARGUMENT;
    memcpy(request + 1, message, len);
    CaliptraError error = caliptra_channel_request(channel, request, len + 1, octets, &got, 100);
    if (error != CALIPTRA_SUCCESS) return error;
    if (got < 1 + sizeof(struct pldm_msg_hdr) || octets[0] != MCTP_TYPE_PLDM || got - 1 > *answer_len) return CALIPTRA_ERROR_PROTOCOL;
    *answer_len = got - 1;
    memcpy(answer, octets + 1, got - 1);
    return CALIPTRA_SUCCESS;
}

int main(int argc, char **argv) {
    CaliptraChannel *channel = NULL;
    if (argc != 2 || caliptra_channel_open(argv[1], &channel) != CALIPTRA_SUCCESS) return 2;
    union {
        struct pldm_msg message;
        uint8_t room[64];
    } request = {.room = {0}}, answer = {.room = {0}};
    size_t len = sizeof answer;
    uint8_t code = 0, tid = 0;
    if (encode_get_tid_req(1, &request.message) != PLDM_SUCCESS) return 3;
    CaliptraError error = exchange(channel, &request.message, sizeof(struct pldm_msg_hdr), &answer.message, &len);
    if (error == CALIPTRA_SUCCESS &&
        decode_get_tid_resp(&answer.message, len - sizeof(struct pldm_msg_hdr), &code, &tid) == PLDM_SUCCESS && code == PLDM_SUCCESS)
        printf("terminus %u\n", tid);
    else
        printf("no PLDM responder answered\n");
    caliptra_channel_close(channel);
    return 0;
}
