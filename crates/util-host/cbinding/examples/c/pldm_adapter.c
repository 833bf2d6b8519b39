/* libpldm over the host library: libpldm encodes, the channel carries, libpldm decodes. Usage: pldm_adapter ADDRESS */
#include "caliptra_util_host.h"
#include "mock_libpldm.h"
#include <stdio.h>

int main(int argc, char **argv) {
    CaliptraChannel *channel = NULL;
    if (argc != 2 || caliptra_channel_open(argv[1], &channel) != CALIPTRA_SUCCESS) return 2;
    uint8_t request[4] = {0x01}; /* the MCTP message type of PLDM, and the message */
    uint8_t answer[64], code = 0, tid = 0;
    size_t len = sizeof answer;
    encode_get_tid_req(1, request + 1);
    CaliptraError error = caliptra_channel_request(channel, request, sizeof request, answer, &len, 100);
    if (error == CALIPTRA_SUCCESS && decode_get_tid_resp(answer + 1, len - 1, &code, &tid) == 0)
        printf("terminus %u\n", tid);
    else
        printf("no PLDM responder answered\n");
    caliptra_channel_close(channel);
    return 0;
}
