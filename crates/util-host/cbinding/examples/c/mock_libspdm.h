/* The shapes of libspdm's transport callbacks (its include/library/spdm_common_lib.h), for an example that builds without it. */
#ifndef MOCK_LIBSPDM_H
#define MOCK_LIBSPDM_H
#include <stddef.h>
#include <stdint.h>

typedef uint32_t libspdm_return_t;
#define LIBSPDM_STATUS_SUCCESS ((libspdm_return_t)0)
#define LIBSPDM_STATUS_SEND_FAIL ((libspdm_return_t)0x80020001)
#define LIBSPDM_STATUS_RECEIVE_FAIL ((libspdm_return_t)0x80020002)

typedef libspdm_return_t (*libspdm_device_send_message_func)(void *spdm_context, size_t message_size, const void *message,
                                                             uint64_t timeout);
typedef libspdm_return_t (*libspdm_device_receive_message_func)(void *spdm_context, size_t *message_size, void **message,
                                                                uint64_t timeout);

/* What libspdm does with them in libspdm_get_version: it sends GET_VERSION behind the MCTP message type. */
typedef struct {
    void *app_context;
    libspdm_device_send_message_func send;
    libspdm_device_receive_message_func receive;
} mock_spdm_context;

static inline libspdm_return_t mock_libspdm_get_version(mock_spdm_context *spdm, uint8_t *versions, size_t *count) {
    static const uint8_t get_version[5] = {0x05, 0x10, 0x84, 0x00, 0x00};
    uint8_t buffer[256];
    void *message = buffer;
    size_t size = sizeof buffer;
    libspdm_return_t status = spdm->send(spdm, sizeof get_version, get_version, 100000);
    if (status != LIBSPDM_STATUS_SUCCESS) return status;
    status = spdm->receive(spdm, &size, &message, 100000);
    if (status != LIBSPDM_STATUS_SUCCESS) return status;
    *count = size > 6 ? ((uint8_t *)message)[6] : 0;
    *versions = size > 8 ? ((uint8_t *)message)[8] : 0;
    return LIBSPDM_STATUS_SUCCESS;
}
#endif
