/* libspdm over the host library: its two transport callbacks are two calls. With libspdm itself, include its headers in place
 * of the mock's, and register the callbacks with libspdm_register_device_io_func. Usage: spdm_adapter ADDRESS */
#include "caliptra_util_host.h"
#include "mock_libspdm.h"
#include <stdio.h>

static libspdm_return_t send_message(void *spdm_context, size_t size, const void *message, uint64_t timeout) {
    CaliptraChannel *channel = ((mock_spdm_context *)spdm_context)->app_context;
    (void)timeout;
    return caliptra_channel_send(channel, message, size) == CALIPTRA_SUCCESS ? LIBSPDM_STATUS_SUCCESS
                                                                              : LIBSPDM_STATUS_SEND_FAIL;
}

/* libspdm gives its time-out in microseconds, and the buffer in *message. */
static libspdm_return_t receive_message(void *spdm_context, size_t *size, void **message, uint64_t timeout) {
    CaliptraChannel *channel = ((mock_spdm_context *)spdm_context)->app_context;
    CaliptraError error = caliptra_channel_receive(channel, *message, size, (uint32_t)(timeout / 1000 + 1));
    return error == CALIPTRA_SUCCESS ? LIBSPDM_STATUS_SUCCESS : LIBSPDM_STATUS_RECEIVE_FAIL;
}

int main(int argc, char **argv) {
    CaliptraChannel *channel = NULL;
    if (argc != 2 || caliptra_channel_open(argv[1], &channel) != CALIPTRA_SUCCESS) return 2;
    mock_spdm_context spdm = {channel, send_message, receive_message};
    uint8_t version = 0;
    size_t count = 0;
    if (mock_libspdm_get_version(&spdm, &version, &count) == LIBSPDM_STATUS_SUCCESS)
        printf("%zu SPDM versions, the first %x\n", count, version);
    else
        printf("no SPDM responder answered\n");
    caliptra_channel_close(channel);
    return 0;
}
