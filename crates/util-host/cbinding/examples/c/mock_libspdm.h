/* What the example needs of libspdm (its include/library/spdm_common_lib.h), with the same names and types, and a GET_VERSION. */
#ifndef MOCK_LIBSPDM_H
#define MOCK_LIBSPDM_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint32_t libspdm_return_t;
#define LIBSPDM_STATUS_SUCCESS ((libspdm_return_t)0)
#define LIBSPDM_STATUS_SEND_FAIL ((libspdm_return_t)0x80020001)
#define LIBSPDM_STATUS_RECEIVE_FAIL ((libspdm_return_t)0x80020002)

typedef libspdm_return_t (*libspdm_device_send_message_func)(void *spdm_context, size_t message_size, const void *message,
                                                             uint64_t timeout);
typedef libspdm_return_t (*libspdm_device_receive_message_func)(void *spdm_context, size_t *message_size, void **message,
                                                                uint64_t timeout);

typedef enum { LIBSPDM_DATA_APP_CONTEXT_DATA } libspdm_data_type_t;
typedef enum { LIBSPDM_DATA_LOCATION_LOCAL = 1 } libspdm_data_location_t;
typedef struct {
    libspdm_data_location_t location;
    uint8_t additional_data[4];
} libspdm_data_parameter_t;

typedef struct {
    void *app_context;
    libspdm_device_send_message_func send;
    libspdm_device_receive_message_func receive;
} mock_spdm_context;

static inline void libspdm_register_device_io_func(void *spdm_context, libspdm_device_send_message_func send_message,
                                                   libspdm_device_receive_message_func receive_message) {
    mock_spdm_context *spdm = spdm_context;
    spdm->send = send_message;
    spdm->receive = receive_message;
}

static inline libspdm_return_t libspdm_set_data(void *spdm_context, libspdm_data_type_t data_type,
                                                const libspdm_data_parameter_t *parameter, void *data, size_t data_size) {
    mock_spdm_context *spdm = spdm_context;
    if (data_type != LIBSPDM_DATA_APP_CONTEXT_DATA || parameter == NULL || data_size != sizeof(void *)) return LIBSPDM_STATUS_SEND_FAIL;
    memcpy(&spdm->app_context, data, sizeof(void *));
    return LIBSPDM_STATUS_SUCCESS;
}

static inline libspdm_return_t libspdm_get_data(void *spdm_context, libspdm_data_type_t data_type,
                                                const libspdm_data_parameter_t *parameter, void *data, size_t *data_size) {
    mock_spdm_context *spdm = spdm_context;
    if (data_type != LIBSPDM_DATA_APP_CONTEXT_DATA || parameter == NULL || *data_size < sizeof(void *)) return LIBSPDM_STATUS_SEND_FAIL;
    memcpy(data, &spdm->app_context, sizeof(void *));
    *data_size = sizeof(void *);
    return LIBSPDM_STATUS_SUCCESS;
}

/* What libspdm does with the callbacks in libspdm_get_version: it sends GET_VERSION behind the MCTP message type. */
static inline libspdm_return_t mock_libspdm_get_version(void *spdm_context, uint8_t *versions, size_t *count) {
    static const uint8_t get_version[5] = {0x05, 0x10, 0x84, 0x00, 0x00};
    mock_spdm_context *spdm = spdm_context;
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
