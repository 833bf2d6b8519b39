/* libspdm over the host library: its two transport callbacks are two calls. Usage: spdm_adapter ADDRESS
 * With libspdm itself, compile with -DWITH_LIBSPDM and its include directories, and call `libspdm_over_channel` between
 * libspdm_init_context and the registration of its MCTP transport layer; the rest of the set-up is libspdm's own. */
#include "caliptra_util_host.h"
#ifdef WITH_LIBSPDM
#include "library/spdm_common_lib.h"
#else
#include "mock_libspdm.h"
#endif
#include <stdio.h>

/* libspdm keeps one pointer for its application: here the channel. */
static CaliptraChannel *channel_of(void *spdm_context) {
    libspdm_data_parameter_t parameter = {.location = LIBSPDM_DATA_LOCATION_LOCAL};
    CaliptraChannel *channel = NULL;
    size_t size = sizeof channel;
    libspdm_get_data(spdm_context, LIBSPDM_DATA_APP_CONTEXT_DATA, &parameter, &channel, &size);
    return channel;
}

static libspdm_return_t send_message(void *spdm_context, size_t size, const void *message, uint64_t timeout) {
    (void)timeout;
    return caliptra_channel_send(channel_of(spdm_context), message, size) == CALIPTRA_SUCCESS ? LIBSPDM_STATUS_SUCCESS
                                                                                             : LIBSPDM_STATUS_SEND_FAIL;
}

/* libspdm gives its time-out in microseconds, and the buffer in *message. */
static libspdm_return_t receive_message(void *spdm_context, size_t *size, void **message, uint64_t timeout) {
    CaliptraError error = caliptra_channel_receive(channel_of(spdm_context), *message, size, (uint32_t)(timeout / 1000 + 1));
    return error == CALIPTRA_SUCCESS ? LIBSPDM_STATUS_SUCCESS : LIBSPDM_STATUS_RECEIVE_FAIL;
}

/* Has libspdm send and receive over `channel`. */
libspdm_return_t libspdm_over_channel(void *spdm_context, CaliptraChannel *channel);
libspdm_return_t libspdm_over_channel(void *spdm_context, CaliptraChannel *channel) {
    libspdm_data_parameter_t parameter = {.location = LIBSPDM_DATA_LOCATION_LOCAL};
    libspdm_register_device_io_func(spdm_context, send_message, receive_message);
    return libspdm_set_data(spdm_context, LIBSPDM_DATA_APP_CONTEXT_DATA, &parameter, &channel, sizeof channel);
}

#ifndef WITH_LIBSPDM
int main(int argc, char **argv) {
    CaliptraChannel *channel = NULL;
    if (argc != 2 || caliptra_channel_open(argv[1], &channel) != CALIPTRA_SUCCESS) return 2;
    mock_spdm_context spdm = {0};
    uint8_t version = 0;
    size_t count = 0;
    if (libspdm_over_channel(&spdm, channel) != LIBSPDM_STATUS_SUCCESS) return 3;
    if (mock_libspdm_get_version(&spdm, &version, &count) == LIBSPDM_STATUS_SUCCESS)
        printf("%zu SPDM versions, the first %x\n", count, version);
    else
        printf("no SPDM responder answered\n");
    caliptra_channel_close(channel);
    return 0;
}
#endif
