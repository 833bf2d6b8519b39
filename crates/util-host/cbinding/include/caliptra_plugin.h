/* Plugins for the Caliptra host library, in C. Licence: Apache-2.0.
 *
 * A plugin is a shared library that exports one structure by the name CALIPTRA_PLUGIN_DESCRIPTOR. Every structure begins with
 * its size in octets. Functions give 0 for success, or one of the numbers of CaliptraError. Strings are UTF-8 and stay as
 * long as the plugin is loaded. A function that writes an answer sets *out_len to the answer's length; when the buffer is too
 * small it sets the length needed and gives 12.
 */
#ifndef CALIPTRA_PLUGIN_H
#define CALIPTRA_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CALIPTRA_PLUGIN_ABI_VERSION 1u

/* A session, lent to a command for one call. */
typedef struct CaliptraPluginSession {
    uint32_t struct_size;
    uint32_t session_id;
    void *context;
    /* Executes a command of the library by its number. */
    uint32_t (*execute)(void *context, uint32_t command_id, const uint8_t *payload, size_t payload_len, uint8_t *out,
                        size_t out_capacity, size_t *out_len);
} CaliptraPluginSession;

typedef struct CaliptraPluginCommand {
    uint32_t struct_size;
    uint32_t command_id;
    const char *name;
    const char *description;
    void *user_data;
    uint32_t (*execute)(void *user_data, const CaliptraPluginSession *session, const uint8_t *payload,
                        size_t payload_len, uint8_t *out, size_t out_capacity, size_t *out_len);
} CaliptraPluginCommand;

/* A transport by callbacks; the same structure as CaliptraTransportOps. */
typedef struct CaliptraPluginTransportOps {
    uint32_t struct_size;
    uint32_t reserved;
    uint32_t (*connect)(void *context);
    uint32_t (*disconnect)(void *context);
    uint32_t (*send)(void *context, uint32_t command_id, const uint8_t *payload, size_t payload_len);
    uint32_t (*receive)(void *context, uint8_t *out, size_t out_capacity, size_t *len);
    void (*set_timeouts)(void *context, uint32_t connection_ms, uint32_t command_ms);
    void (*destroy)(void *context);
} CaliptraPluginTransportOps;

typedef struct CaliptraPluginFactory {
    uint32_t struct_size;
    uint32_t reserved;
    const char *name;
    const char *description;
    void *user_data;
    uint32_t (*create)(void *user_data, size_t max_message_size, uint32_t timeout_ms, CaliptraPluginTransportOps *ops,
                       void **context);
} CaliptraPluginFactory;

typedef struct CaliptraPluginHandler {
    uint32_t struct_size;
    uint32_t protocol; /* 0 mailbox, 1 MCTP VDM, 2 custom, 3 SPDM, 4 PLDM */
    void *user_data;
    uint32_t (*handle_message)(void *user_data, const uint8_t *message, size_t message_len, uint8_t *out,
                               size_t out_capacity, size_t *out_len);
} CaliptraPluginHandler;

/* What the library offers to a plugin; it lives as long as the plugin is loaded. */
typedef struct CaliptraPluginHost {
    uint32_t struct_size;
    uint32_t abi_version;
    void *context;
    uint32_t (*register_command)(void *context, const CaliptraPluginCommand *command);
    uint32_t (*unregister_command)(void *context, const char *name);
    uint32_t (*register_transport)(void *context, const CaliptraPluginFactory *factory);
    uint32_t (*unregister_transport)(void *context, const char *name);
    uint32_t (*register_protocol_handler)(void *context, const CaliptraPluginHandler *handler);
    uint32_t (*unregister_protocol_handler)(void *context, uint32_t protocol);
} CaliptraPluginHost;

typedef struct CaliptraPluginDescriptor {
    uint32_t struct_size;
    uint32_t abi_version;
    const char *name;
    const char *version;
    uint32_t (*register_plugin)(const CaliptraPluginHost *host);
    uint32_t (*unregister_plugin)(void); /* may be null */
} CaliptraPluginDescriptor;

/* What every plugin defines. */
extern const CaliptraPluginDescriptor CALIPTRA_PLUGIN_DESCRIPTOR;

#ifdef __cplusplus
}
#endif
#endif
