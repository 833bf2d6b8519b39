/* Caliptra host library. Licence: Apache-2.0.
 *
 * This file is made from the Rust source by cbindgen; a test compares it. Do not edit it.
 *
 * Threads: every function may be called from any thread. Calls on one session run one after the other. A session, transport
 * or context must not be destroyed or ended while another call uses it. */

#ifndef CALIPTRA_UTIL_HOST_H
#define CALIPTRA_UTIL_HOST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

// Result of a call.
typedef enum CaliptraError {
  // It is done.
  CALIPTRA_SUCCESS = 0,
  // It is not known what went wrong.
  CALIPTRA_ERROR_UNKNOWN = 1,
  // An argument is null or out of its range.
  CALIPTRA_ERROR_INVALID_ARGUMENT = 2,
  // The device did not answer in time.
  CALIPTRA_ERROR_TIMEOUT = 3,
  // The device or the transport does not have the command.
  CALIPTRA_ERROR_NOT_SUPPORTED = 4,
  // The transport failed.
  CALIPTRA_ERROR_TRANSPORT = 5,
  // The device broke the protocol, or an answer was damaged.
  CALIPTRA_ERROR_PROTOCOL = 6,
  // The device declined the command.
  CALIPTRA_ERROR_DEVICE = 7,
  // Memory is exhausted.
  CALIPTRA_ERROR_MEMORY = 8,
  // The device or the object is in use.
  CALIPTRA_ERROR_BUSY = 9,
  // The session is not in the right state.
  CALIPTRA_ERROR_STATE = 10,
  // The system refused.
  CALIPTRA_ERROR_IO = 11,
  // The buffer is too small; its length was set to the length needed, and nothing was copied.
  CALIPTRA_ERROR_BUFFER_TOO_SMALL = 12,
} CaliptraError;

// What a transport carries.
typedef enum CaliptraProtocolType {
  // Mailbox messages: the callbacks of a custom transport get mailbox codes and messages with their checksum.
  CALIPTRA_PROTOCOL_MAILBOX = 0,
  // Vendor defined messages: the callbacks of a custom transport get messages from the enterprise number on.
  CALIPTRA_PROTOCOL_MCTP_VDM = 1,
  // Payloads: the callbacks of a custom transport get the library's command numbers and payloads.
  CALIPTRA_PROTOCOL_CUSTOM = 2,
} CaliptraProtocolType;

// State of a session.
typedef enum CaliptraSessionState {
  // There is no connection.
  CALIPTRA_SESSION_DISCONNECTED = 0,
  // The connection is being made.
  CALIPTRA_SESSION_CONNECTING = 1,
  // Commands can be sent.
  CALIPTRA_SESSION_CONNECTED = 2,
  // Commands can be sent, and the application has authenticated the device.
  CALIPTRA_SESSION_AUTHENTICATED = 3,
  // The connection was lost.
  CALIPTRA_SESSION_ERROR = 4,
} CaliptraSessionState;

// A certificate of the device.
typedef enum CaliptraCertificate {
  // IDevID.
  CALIPTRA_CERTIFICATE_IDEVID = 0,
  // LDevID.
  CALIPTRA_CERTIFICATE_LDEVID = 1,
  // FMC alias.
  CALIPTRA_CERTIFICATE_FMC_ALIAS = 2,
  // Runtime alias.
  CALIPTRA_CERTIFICATE_RT_ALIAS = 3,
} CaliptraCertificate;

// A device key whose signing request can be exported.
typedef enum CaliptraDeviceKey {
  // Asks which keys there are.
  CALIPTRA_DEVICE_KEY_DISCOVERY = 0,
  // LDevID.
  CALIPTRA_DEVICE_KEY_LDEVID = 1,
  // FMC alias.
  CALIPTRA_DEVICE_KEY_FMC_ALIAS = 2,
  // Runtime alias.
  CALIPTRA_DEVICE_KEY_RT_ALIAS = 3,
} CaliptraDeviceKey;

// An AES decryption that was begun. It belongs to its session, and is freed by the call that ends it or by `caliptra_aes_decrypt_context_free`.
typedef struct CaliptraAesDecryptContext CaliptraAesDecryptContext;

// An AES encryption that was begun. It belongs to its session, and is freed by the call that ends it or by `caliptra_aes_encrypt_context_free`.
typedef struct CaliptraAesEncryptContext CaliptraAesEncryptContext;

// A way for whole MCTP messages.
typedef struct CaliptraChannel CaliptraChannel;

// A Diffie-Hellman exchange that was begun. It belongs to its session, and is freed by the call that ends it or by `caliptra_ecdh_context_free`.
typedef struct CaliptraEcdhContext CaliptraEcdhContext;

// An AES-GCM decryption that was begun. It belongs to its session, and is freed by the call that ends it or by `caliptra_aes_gcm_decrypt_context_free`.
typedef struct CaliptraGcmDecryptContext CaliptraGcmDecryptContext;

// An AES-GCM encryption that was begun. It belongs to its session, and is freed by the call that ends it or by `caliptra_aes_gcm_encrypt_context_free`.
typedef struct CaliptraGcmEncryptContext CaliptraGcmEncryptContext;

// A hash that was begun. It belongs to its session, and is freed by the call that ends it or by `caliptra_hash_context_free`.
typedef struct CaliptraHashContext CaliptraHashContext;

// A session.
typedef struct CaliptraSession CaliptraSession;

// A transport.
typedef struct CaliptraTransport CaliptraTransport;

// A transport by callbacks. The library calls from one thread at a time, but not always from the same.
typedef struct CaliptraTransportOps {
  // Octets of this structure.
  uint32_t struct_size;
  // Zero.
  uint32_t reserved;
  // Connects.
  uint32_t (*connect)(void *context);
  // Disconnects.
  uint32_t (*disconnect)(void *context);
  // Sends a command and waits for its answer.
  uint32_t (*send)(void *context, uint32_t command_id, const uint8_t *payload, size_t payload_len);
  // Gives the answer, from `fips_status` on. `len` tells its length, or the length needed.
  uint32_t (*receive)(void *context, uint8_t *out, size_t out_capacity, size_t *len);
  // Sets how long a connection and a command may take; may be null.
  void (*set_timeouts)(void *context, uint32_t connection_ms, uint32_t command_ms);
  // Frees the context; may be null.
  void (*destroy)(void *context);
} CaliptraTransportOps;

// Settings of a session.
typedef struct CaliptraSessionConfig {
  // How long a connection may take, in milliseconds; not 0.
  uint32_t connection_timeout_ms;
  // How long each attempt at a command may take, in milliseconds; not 0.
  uint32_t command_timeout_ms;
  // How often a command is sent again at most.
  uint8_t max_retries;
  // After how long without a command the session asks for a sign of life, in milliseconds; 0 for never.
  uint32_t keepalive_interval_ms;
  // Whether a lost connection is made anew.
  bool auto_reconnect;
} CaliptraSessionConfig;

// What a session did.
typedef struct CaliptraSessionStatistics {
  // Requests given to the transport, repeated ones included.
  uint64_t commands_sent;
  // Commands that ended with the device's answer.
  uint64_t commands_succeeded;
  // Commands that ended with an error.
  uint64_t commands_failed;
  // Octets of payload in the requests.
  uint64_t bytes_sent;
  // Octets of payload in the answers.
  uint64_t bytes_received;
  // How often a lost connection was made anew.
  uint32_t reconnect_count;
  // Errors since the last success.
  uint32_t last_error_count;
} CaliptraSessionStatistics;

// PCI identity of a device.
typedef struct CaliptraDeviceId {
  // Vendor.
  uint16_t vendor_id;
  // Device.
  uint16_t device_id;
  // Vendor of the subsystem.
  uint16_t subsystem_vendor_id;
  // Subsystem.
  uint16_t subsystem_id;
} CaliptraDeviceId;

// What a device can do.
typedef struct CaliptraDeviceCapabilities {
  // Caliptra's runtime firmware.
  uint64_t caliptra_rt;
  // Caliptra's first mutable code.
  uint32_t caliptra_fmc;
  // Caliptra's ROM.
  uint32_t caliptra_rom;
  // The MCU's ROM; bit 2: it boots from the network.
  uint32_t mcu_rom;
  // The MCU's runtime firmware.
  uint32_t mcu_rt;
  // Common commands; bit n is command n + 1.
  uint32_t external_commands;
  // Subcommands that need an authorization.
  uint32_t authorized_subcommands;
} CaliptraDeviceCapabilities;

// Version of a firmware image.
typedef struct CaliptraFirmwareVersion {
  // Major, minor, patch and build number.
  uint32_t version[4];
  // The commit behind the version; ends with a zero.
  uint8_t commit[21];
} CaliptraFirmwareVersion;

// A key that only the device can open.
typedef struct CaliptraCmk {
  // The sealed key.
  uint8_t octets[128];
} CaliptraCmk;

// A signature or a public point: two numbers of 48 octets, big endian.
typedef struct CaliptraP384Pair {
  // R, or X.
  uint8_t first[48];
  // S, or Y.
  uint8_t second[48];
} CaliptraP384Pair;

// A challenge for debug unlock.
typedef struct CaliptraDebugUnlockChallenge {
  // Which device it is.
  uint8_t unique_device_identifier[32];
  // What has to be signed.
  uint8_t challenge[48];
} CaliptraDebugUnlockChallenge;

// The answer to a challenge for debug unlock. Keys and signatures are in the hardware's order of octets.
typedef struct CaliptraDebugUnlockToken {
  // Which device it is.
  uint8_t unique_device_identifier[32];
  // The level, 1 to 8.
  uint8_t unlock_level;
  // The challenge.
  uint8_t challenge[48];
  // P-384 public key.
  uint8_t ecc_public_key[96];
  // ML-DSA-87 public key.
  uint8_t mldsa_public_key[2592];
  // P-384 signature.
  uint8_t ecc_signature[96];
  // ML-DSA-87 signature of 4627 octets and a zero.
  uint8_t mldsa_signature[4628];
} CaliptraDebugUnlockToken;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// A sentence for a result. It lives for ever.
const char *caliptra_error_string(uint32_t error);

// The library's version. It lives for ever.
const char *caliptra_version_string(void);

// Makes a transport of an address: `udp://HOST:PORT`, `mctp+tcp://HOST:PORT[?eid=N][&own=N]`, `mctp+unix:PATH`,
// `mctp+serial:PATH` or `mctp+linux:EID[@NETWORK]`. Nothing is connected yet. Destroy it with `caliptra_transport_destroy`.
//
// # Safety
// `address` has to be a string that ends with a zero, `transport` valid; both may be null.
enum CaliptraError caliptra_transport_open(const char *address,
                                           struct CaliptraTransport **transport);

// Makes a transport of callbacks. `context` comes back with each; `destroy` is called once, when the transport and its
// session are destroyed. The structure is copied. On failure `context` is still the caller's.
//
// # Safety
// `ops` has to be null or valid; its callbacks have to be sound to call with `context` from any thread, one at a time, and
// must not unwind.
enum CaliptraError caliptra_transport_create_custom(const struct CaliptraTransportOps *ops,
                                                    void *context,
                                                    struct CaliptraTransport **transport);

// Destroys a transport. A session that uses it keeps what it needs, so the order does not matter. Null is allowed.
//
// # Safety
// `transport` has to be null or a transport that is not destroyed.
enum CaliptraError caliptra_transport_destroy(struct CaliptraTransport *transport);

// Makes a session over a transport, with the default settings. A transport has one session at a time; a second one is
// refused as busy. Destroy the session with `caliptra_session_destroy`.
//
// # Safety
// `transport` has to be null or a transport that is not destroyed, `session` null or valid.
enum CaliptraError caliptra_session_create_with_protocol(struct CaliptraTransport *transport,
                                                         enum CaliptraProtocolType protocol_type,
                                                         struct CaliptraSession **session);

// As `caliptra_session_create_with_protocol`, with settings; null for the default ones.
//
// # Safety
// As for `caliptra_session_create_with_protocol`; `config` has to be null or valid.
enum CaliptraError caliptra_session_create_with_config(struct CaliptraTransport *transport,
                                                       enum CaliptraProtocolType protocol_type,
                                                       const struct CaliptraSessionConfig *config,
                                                       struct CaliptraSession **session);

// Connects to the device.
//
// # Safety
// `session` has to be null or a session that is not destroyed.
enum CaliptraError caliptra_session_connect(struct CaliptraSession *session);

// Disconnects from the device.
//
// # Safety
// As for `caliptra_session_connect`.
enum CaliptraError caliptra_session_disconnect(struct CaliptraSession *session);

// Destroys a session. Its transport can be used for another. Null is allowed.
//
// # Safety
// As for `caliptra_session_connect`.
enum CaliptraError caliptra_session_destroy(struct CaliptraSession *session);

// Tells a session's state.
//
// # Safety
// As for `caliptra_session_connect`; `state` has to be null or valid.
enum CaliptraError caliptra_session_get_state(struct CaliptraSession *session,
                                              enum CaliptraSessionState *state);

// Tells what a session did.
//
// # Safety
// As for `caliptra_session_connect`; `statistics` has to be null or valid.
enum CaliptraError caliptra_session_get_statistics(struct CaliptraSession *session,
                                                   struct CaliptraSessionStatistics *statistics);

// Asks the device for a sign of life if one is due. `asked` tells whether it was; it may be null.
//
// # Safety
// As for `caliptra_session_connect`; `asked` has to be null or valid.
enum CaliptraError caliptra_session_keepalive(struct CaliptraSession *session, bool *asked);

// Writes the sentence of the last call's failure, which ends with a zero, and its stable number. After a success the sentence
// is empty and the number 0. `text_len` holds the buffer's length and then the sentence's, with its zero.
//
// # Safety
// As for `caliptra_session_connect`; `text` has to be valid for `*text_len` octets; `code` may be null.
enum CaliptraError caliptra_session_last_error(struct CaliptraSession *session,
                                               char *text,
                                               size_t *text_len,
                                               uint32_t *code);

// Asks for the device's PCI identity.
//
// # Safety
// `session` has to be null or a session that is not destroyed; other pointers null or valid. So for all commands.
enum CaliptraError caliptra_cmd_get_device_id(struct CaliptraSession *session,
                                              struct CaliptraDeviceId *device_id);

// Asks for information about the device; `info_type` 0 is its unique identifier. `info_len` holds the buffer's length and then
// the information's, or the length needed.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; `info` has to be valid for `*info_len` octets.
enum CaliptraError caliptra_cmd_get_device_info(struct CaliptraSession *session,
                                                uint32_t info_type,
                                                uint8_t *info,
                                                size_t *info_len);

// Asks what the device can do.
//
// # Safety
// As for `caliptra_cmd_get_device_id`.
enum CaliptraError caliptra_cmd_get_device_capabilities(struct CaliptraSession *session,
                                                        struct CaliptraDeviceCapabilities *capabilities);

// Asks for the version of a firmware image: `index` 0 is Caliptra's core firmware, 1 the MCU's runtime, 2 the SoC's set.
//
// # Safety
// As for `caliptra_cmd_get_device_id`.
enum CaliptraError caliptra_cmd_get_firmware_version(struct CaliptraSession *session,
                                                     uint32_t index,
                                                     struct CaliptraFirmwareVersion *version);

// Asks for a certificate of the device, DER.
//
// # Safety
// As for `caliptra_cmd_get_device_info`.
enum CaliptraError caliptra_cmd_get_certificate(struct CaliptraSession *session,
                                                enum CaliptraCertificate certificate,
                                                uint8_t *out,
                                                size_t *out_len);

// Asks for the certificate chain of a slot.
//
// # Safety
// As for `caliptra_cmd_get_device_info`.
enum CaliptraError caliptra_cmd_get_cert_chain(struct CaliptraSession *session,
                                               uint32_t slot,
                                               uint8_t *out,
                                               size_t *out_len);

// Stores a certificate, DER, in a slot.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; `certificate` has to be valid for `certificate_len` octets.
enum CaliptraError caliptra_cmd_store_certificate(struct CaliptraSession *session,
                                                  uint32_t slot,
                                                  const uint8_t *certificate,
                                                  size_t certificate_len);

// Asks for the attested signing request of a device key, a COSE_Sign1. `algorithm` is 1 for ECC P-384, 2 for ML-DSA-87; `nonce`
// has 32 octets.
//
// # Safety
// As for `caliptra_cmd_get_device_info`; `nonce` has to be valid for 32 octets.
enum CaliptraError caliptra_cmd_export_attested_csr(struct CaliptraSession *session,
                                                    enum CaliptraDeviceKey key,
                                                    uint32_t algorithm_number,
                                                    const uint8_t *nonce,
                                                    uint8_t *out,
                                                    size_t *out_len);

// Asks for the signing request of the IDevID key, in manufacturing.
//
// # Safety
// As for `caliptra_cmd_get_device_info`.
enum CaliptraError caliptra_cmd_export_idevid_csr(struct CaliptraSession *session,
                                                  uint32_t algorithm_number,
                                                  uint8_t *out,
                                                  size_t *out_len);

// Asks which formats of evidence the device has: bit n for format n.
//
// # Safety
// As for `caliptra_cmd_get_device_id`.
enum CaliptraError caliptra_cmd_get_attestation_formats(struct CaliptraSession *session,
                                                        uint32_t *formats);

// Asks for evidence: format 1 is an OCP entity attestation token, 2 a quote over PCRs. `nonce` has 32 octets.
//
// # Safety
// As for `caliptra_cmd_export_attested_csr`.
enum CaliptraError caliptra_cmd_get_attestation(struct CaliptraSession *session,
                                                uint32_t format,
                                                uint32_t algorithm_number,
                                                uint32_t pki_entity_slot,
                                                const uint8_t *nonce,
                                                uint8_t *out,
                                                size_t *out_len);

// Has the device give back what it gets.
//
// # Safety
// As for `caliptra_cmd_get_device_info`; `data` has to be valid for `data_len` octets.
enum CaliptraError caliptra_cmd_debug_echo(struct CaliptraSession *session,
                                           const uint8_t *data,
                                           size_t data_len,
                                           uint8_t *out,
                                           size_t *out_len);

// Asks for the device's status.
//
// # Safety
// As for `caliptra_cmd_get_device_id`.
enum CaliptraError caliptra_cmd_debug_get_status(struct CaliptraSession *session, uint32_t *status);

// Drains a part of the log, defmt frames in rzCOBS. What was read is gone from the device: give room for 4096 octets. `more`
// tells whether there is more.
//
// # Safety
// As for `caliptra_cmd_get_device_info`; `more` has to be null or valid.
enum CaliptraError caliptra_cmd_debug_get_log(struct CaliptraSession *session,
                                              uint8_t *out,
                                              size_t *out_len,
                                              bool *more);

// Clears the log.
//
// # Safety
// As for `caliptra_cmd_get_device_id`.
enum CaliptraError caliptra_cmd_debug_clear_log(struct CaliptraSession *session);

// Executes a command by its number with a payload of the caller's; the answer is the payload from `fips_status` on.
//
// # Safety
// As for `caliptra_cmd_debug_echo`.
enum CaliptraError caliptra_cmd_raw(struct CaliptraSession *session,
                                    uint32_t command_id,
                                    const uint8_t *payload,
                                    size_t payload_len,
                                    uint8_t *out,
                                    size_t *out_len);

// Frees a context whose operation is not ended. Null is allowed.
//
// # Safety
// `context` has to be null, or a context that was neither ended nor freed.
void caliptra_hash_context_free(struct CaliptraHashContext *context);

// Frees a context whose operation is not ended. Null is allowed.
//
// # Safety
// `context` has to be null, or a context that was neither ended nor freed.
void caliptra_aes_encrypt_context_free(struct CaliptraAesEncryptContext *context);

// Frees a context whose operation is not ended. Null is allowed.
//
// # Safety
// `context` has to be null, or a context that was neither ended nor freed.
void caliptra_aes_decrypt_context_free(struct CaliptraAesDecryptContext *context);

// Frees a context whose operation is not ended. Null is allowed.
//
// # Safety
// `context` has to be null, or a context that was neither ended nor freed.
void caliptra_aes_gcm_encrypt_context_free(struct CaliptraGcmEncryptContext *context);

// Frees a context whose operation is not ended. Null is allowed.
//
// # Safety
// `context` has to be null, or a context that was neither ended nor freed.
void caliptra_aes_gcm_decrypt_context_free(struct CaliptraGcmDecryptContext *context);

// Frees a context whose operation is not ended. Null is allowed.
//
// # Safety
// `context` has to be null, or a context that was neither ended nor freed.
void caliptra_ecdh_context_free(struct CaliptraEcdhContext *context);

// Begins a hash: `algorithm` 1 is SHA-384, 2 SHA-512. The data may be of any length.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_hash_init(struct CaliptraSession *session,
                                          uint32_t algorithm,
                                          const uint8_t *data,
                                          size_t data_len,
                                          struct CaliptraHashContext **context_out);

// Continues a hash.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_hash_update(struct CaliptraSession *session,
                                            struct CaliptraHashContext *hash,
                                            const uint8_t *data,
                                            size_t data_len);

// Ends a hash and frees its context, whatever the result.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_hash_finalize(struct CaliptraSession *session,
                                              struct CaliptraHashContext *hash,
                                              const uint8_t *data,
                                              size_t data_len,
                                              uint8_t *out,
                                              size_t *out_len);

// Hashes data of any length.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_hash_one_shot(struct CaliptraSession *session,
                                              uint32_t algorithm,
                                              const uint8_t *data,
                                              size_t data_len,
                                              uint8_t *out,
                                              size_t *out_len);

// Imports a key: `usage` 1 is HMAC (48 or 64 octets), 3 AES (32), 4 ECDSA (48), 5 ML-DSA (32).
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_import(struct CaliptraSession *session,
                                       uint32_t usage,
                                       const uint8_t *key,
                                       size_t key_len,
                                       struct CaliptraCmk *cmk);

// Deletes a key.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_delete(struct CaliptraSession *session,
                                       const struct CaliptraCmk *cmk);

// Tells how much of the device's key storage is used.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_key_status(struct CaliptraSession *session,
                                           uint32_t *used,
                                           uint32_t *total);

// Computes a message authentication code.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_hmac(struct CaliptraSession *session,
                                     const struct CaliptraCmk *cmk,
                                     uint32_t algorithm,
                                     const uint8_t *data,
                                     size_t data_len,
                                     uint8_t *out,
                                     size_t *out_len);

// Derives a key, SP 800-108 in counter mode.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_hmac_kdf_counter(struct CaliptraSession *session,
                                                 const struct CaliptraCmk *cmk,
                                                 uint32_t algorithm,
                                                 uint32_t usage,
                                                 uint32_t key_size,
                                                 const uint8_t *label,
                                                 size_t label_len,
                                                 struct CaliptraCmk *derived);

// Fills a buffer with random octets of the device.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_random_generate(struct CaliptraSession *session,
                                                uint8_t *out,
                                                size_t out_len);

// Adds entropy to the device's random number generator.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_random_stir(struct CaliptraSession *session,
                                            const uint8_t *data,
                                            size_t data_len);

// Begins an AES encryption: `mode` 1 is CBC, 2 CTR. `iv` gets 16 octets.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_aes_encrypt_init(struct CaliptraSession *session,
                                                 const struct CaliptraCmk *cmk,
                                                 uint32_t mode,
                                                 const uint8_t *data,
                                                 size_t data_len,
                                                 uint8_t *iv,
                                                 uint8_t *out,
                                                 size_t *out_len,
                                                 struct CaliptraAesEncryptContext **context_out);

// Continues an AES encryption.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_aes_encrypt_update(struct CaliptraSession *session,
                                                   struct CaliptraAesEncryptContext *aes,
                                                   const uint8_t *data,
                                                   size_t data_len,
                                                   uint8_t *out,
                                                   size_t *out_len);

// Begins an AES decryption: `mode` 1 is CBC, 2 CTR. `iv` has 16 octets.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_aes_decrypt_init(struct CaliptraSession *session,
                                                 const struct CaliptraCmk *cmk,
                                                 uint32_t mode,
                                                 const uint8_t *iv,
                                                 const uint8_t *data,
                                                 size_t data_len,
                                                 uint8_t *out,
                                                 size_t *out_len,
                                                 struct CaliptraAesDecryptContext **context_out);

// Continues an AES decryption.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_aes_decrypt_update(struct CaliptraSession *session,
                                                   struct CaliptraAesDecryptContext *aes,
                                                   const uint8_t *data,
                                                   size_t data_len,
                                                   uint8_t *out,
                                                   size_t *out_len);

// Begins an AES-GCM encryption. `iv` gets 12 octets.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_aes_gcm_encrypt_init(struct CaliptraSession *session,
                                                     const struct CaliptraCmk *cmk,
                                                     const uint8_t *aad,
                                                     size_t aad_len,
                                                     uint8_t *iv,
                                                     struct CaliptraGcmEncryptContext **context_out);

// Begins an AES-GCM decryption. `iv` has 12 octets.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_aes_gcm_decrypt_init(struct CaliptraSession *session,
                                                     const struct CaliptraCmk *cmk,
                                                     const uint8_t *iv,
                                                     const uint8_t *aad,
                                                     size_t aad_len,
                                                     struct CaliptraGcmDecryptContext **context_out);

// Continues an AES-GCM encryption. The buffer needs room for 16 octets more than go in.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_aes_gcm_encrypt_update(struct CaliptraSession *session,
                                                       struct CaliptraGcmEncryptContext *gcm,
                                                       const uint8_t *data,
                                                       size_t data_len,
                                                       uint8_t *out,
                                                       size_t *out_len);

// Continues an AES-GCM decryption. The buffer needs room for 16 octets more than go in. What it gets is not authentic yet.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_aes_gcm_decrypt_update(struct CaliptraSession *session,
                                                       struct CaliptraGcmDecryptContext *gcm,
                                                       const uint8_t *data,
                                                       size_t data_len,
                                                       uint8_t *out,
                                                       size_t *out_len);

// Ends an AES-GCM encryption and frees its context, whatever the result. `tag` gets 16 octets.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_aes_gcm_encrypt_final(struct CaliptraSession *session,
                                                      struct CaliptraGcmEncryptContext *gcm,
                                                      const uint8_t *data,
                                                      size_t data_len,
                                                      uint8_t *tag,
                                                      uint8_t *out,
                                                      size_t *out_len);

// Ends an AES-GCM decryption and frees its context, whatever the result. `tag` has 16 octets. A wrong tag is
// `CALIPTRA_ERROR_DEVICE`: nothing that the operation gave may then be used.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_aes_gcm_decrypt_final(struct CaliptraSession *session,
                                                      struct CaliptraGcmDecryptContext *gcm,
                                                      const uint8_t *tag,
                                                      const uint8_t *data,
                                                      size_t data_len,
                                                      uint8_t *out,
                                                      size_t *out_len);

// Asks for the public key of a device key.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_ecdsa_public_key(struct CaliptraSession *session,
                                                 const struct CaliptraCmk *cmk,
                                                 struct CaliptraP384Pair *public_key);

// Signs the SHA-384 of a message.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_ecdsa_sign(struct CaliptraSession *session,
                                           const struct CaliptraCmk *cmk,
                                           const uint8_t *message,
                                           size_t message_len,
                                           struct CaliptraP384Pair *signature);

// Verifies a signature with a key of the device. A wrong one is `CALIPTRA_ERROR_DEVICE`.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_ecdsa_verify(struct CaliptraSession *session,
                                             const struct CaliptraCmk *cmk,
                                             const struct CaliptraP384Pair *signature,
                                             const uint8_t *message,
                                             size_t message_len);

// Verifies a signature over a SHA-384 of 48 octets with a public key. A wrong one is `CALIPTRA_ERROR_DEVICE`.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_ecdsa_verify_digest(struct CaliptraSession *session,
                                                    const struct CaliptraP384Pair *public_key,
                                                    const struct CaliptraP384Pair *signature,
                                                    const uint8_t *digest);

// Begins a Diffie-Hellman exchange on P-384.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_ecdh_generate(struct CaliptraSession *session,
                                              struct CaliptraP384Pair *point,
                                              struct CaliptraEcdhContext **context_out);

// Ends a Diffie-Hellman exchange and frees its context, whatever the result.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_ecdh_finish(struct CaliptraSession *session,
                                            struct CaliptraEcdhContext *ecdh,
                                            uint32_t usage,
                                            const struct CaliptraP384Pair *peer,
                                            struct CaliptraCmk *cmk);

// Reads a fuse. `bits` tells how many bits are valid.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_fuse_read(struct CaliptraSession *session,
                                          uint32_t partition,
                                          uint32_t entry,
                                          uint8_t *out,
                                          size_t *out_len,
                                          uint32_t *bits);

// Writes those bits of a fuse word that are set in `mask`. A fuse never goes back to 0.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_fuse_write(struct CaliptraSession *session,
                                           uint32_t word_addr,
                                           uint32_t data,
                                           uint32_t mask);

// Locks a fuse partition for good.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_fuse_lock(struct CaliptraSession *session, uint32_t partition);

// Asks for a challenge of 48 octets that authorizes one command.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_get_auth_challenge(struct CaliptraSession *session,
                                                   uint8_t *challenge);

// Provisions the hash, 48 octets, of the vendor's public keys. `authorization` follows the command's fields; it may have no octets.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_provision_vendor_pk_hash(struct CaliptraSession *session,
                                                         uint32_t slot,
                                                         const uint8_t *hash,
                                                         const uint8_t *authorization,
                                                         size_t authorization_len);

// Provisions the hash, 48 octets, of the owner's public keys. `authorization` follows the command's fields; it may have no octets.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_provision_owner_pk_hash(struct CaliptraSession *session,
                                                        const uint8_t *hash,
                                                        const uint8_t *authorization,
                                                        size_t authorization_len);

// Programs field entropy of a partition. `authorization` follows the command's fields; it may have no octets.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_program_field_entropy(struct CaliptraSession *session,
                                                      uint32_t partition,
                                                      const uint8_t *authorization,
                                                      size_t authorization_len);

// Raises the least security version of a target: 0 is Caliptra's runtime, 1 the SoC manifest. `authorization` follows the command's fields; it may have no octets.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_increase_min_svn(struct CaliptraSession *session,
                                                 uint32_t target,
                                                 uint32_t svn,
                                                 const uint8_t *authorization,
                                                 size_t authorization_len);

// Revokes a vendor's public key: `key_type` 0 is ECDSA, 1 LMS, 2 ML-DSA. `authorization` follows the command's fields; it may have no octets.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_revoke_vendor_pub_key(struct CaliptraSession *session,
                                                      uint32_t slot,
                                                      uint32_t key_type,
                                                      uint32_t key_index,
                                                      const uint8_t *authorization,
                                                      size_t authorization_len);

// Revokes a hash of the vendor's public keys. `authorization` follows the command's fields; it may have no octets.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_revoke_vendor_pk_hash(struct CaliptraSession *session,
                                                      uint32_t slot,
                                                      const uint8_t *authorization,
                                                      size_t authorization_len);

// Asks for a debug unlock challenge of a level from 1 to 8.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_debug_unlock_request(struct CaliptraSession *session,
                                                     uint8_t unlock_level,
                                                     struct CaliptraDebugUnlockChallenge *challenge);

// Answers a debug unlock challenge.
//
// # Safety
// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
enum CaliptraError caliptra_cmd_debug_unlock_token(struct CaliptraSession *session,
                                                   const struct CaliptraDebugUnlockToken *token);

// Opens a channel: `mctp+tcp://HOST:PORT[?eid=N][&own=N]`, `mctp+unix:PATH` or `mctp+serial:PATH`. It connects with the first
// message. Close it with `caliptra_channel_close`.
//
// # Safety
// `address` has to be null or a string that ends with a zero, `channel` null or valid.
enum CaliptraError caliptra_channel_open(const char *address,
                                         struct CaliptraChannel **channel);

// Closes a channel. Null is allowed.
//
// # Safety
// `channel` has to be null or a channel that is not closed.
void caliptra_channel_close(struct CaliptraChannel *channel);

// Sends a message. Its first octet is the MCTP message type: 5 for SPDM, 1 for PLDM.
//
// # Safety
// As for `caliptra_channel_close`; `message` has to be valid for `message_len` octets.
enum CaliptraError caliptra_channel_send(struct CaliptraChannel *channel,
                                         const uint8_t *message,
                                         size_t message_len);

// Receives the message that answers the last one sent. `out_len` holds the buffer's length and then the message's, or the
// length needed; the message can then be received again.
//
// # Safety
// As for `caliptra_channel_close`; `out` has to be valid for `*out_len` octets.
enum CaliptraError caliptra_channel_receive(struct CaliptraChannel *channel,
                                            uint8_t *out,
                                            size_t *out_len,
                                            uint32_t timeout_ms);

// Sends a message and receives the message of the same type that answers it.
//
// # Safety
// As for `caliptra_channel_send` and `caliptra_channel_receive`.
enum CaliptraError caliptra_channel_request(struct CaliptraChannel *channel,
                                            const uint8_t *message,
                                            size_t message_len,
                                            uint8_t *out,
                                            size_t *out_len,
                                            uint32_t timeout_ms);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* CALIPTRA_UTIL_HOST_H */
