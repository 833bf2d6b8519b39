/* Every function of the C interface, against a device over UDP and over MCTP, and with custom transports.
 * Usage: test UDP-ADDRESS MCTP-ADDRESS */
#include "caliptra_util_host.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The numbers are those of the first design: programs that were built with its header keep them. */
_Static_assert(CALIPTRA_SUCCESS == 0, "");
_Static_assert(CALIPTRA_ERROR_UNKNOWN == 1, "");
_Static_assert(CALIPTRA_ERROR_INVALID_ARGUMENT == 2, "");
_Static_assert(CALIPTRA_ERROR_TIMEOUT == 3, "");
_Static_assert(CALIPTRA_ERROR_NOT_SUPPORTED == 4, "");
_Static_assert(CALIPTRA_ERROR_TRANSPORT == 5, "");
_Static_assert(CALIPTRA_ERROR_PROTOCOL == 6, "");
_Static_assert(CALIPTRA_ERROR_DEVICE == 7, "");
_Static_assert(CALIPTRA_ERROR_MEMORY == 8, "");
_Static_assert(CALIPTRA_ERROR_BUSY == 9, "");
_Static_assert(CALIPTRA_ERROR_STATE == 10, "");
_Static_assert(CALIPTRA_ERROR_IO == 11, "");
_Static_assert(CALIPTRA_PROTOCOL_MAILBOX == 0, "");
_Static_assert(CALIPTRA_PROTOCOL_MCTP_VDM == 1, "");
_Static_assert(CALIPTRA_PROTOCOL_CUSTOM == 2, "");

#define CHECK(condition)                                                                     \
    do {                                                                                     \
        if (!(condition)) {                                                                  \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                  \
            exit(1);                                                                         \
        }                                                                                    \
    } while (0)
#define OK(call) CHECK((call) == CALIPTRA_SUCCESS)

/* A custom transport that gives every command the same answer. */
typedef struct {
    int connected, sent, destroyed;
    uint32_t last_id;
    uint8_t answer[64];
    size_t answer_len;
    uint32_t fail;
} Custom;

static uint32_t c_connect(void *context) { ((Custom *)context)->connected++; return 0; }
static uint32_t c_disconnect(void *context) { ((Custom *)context)->connected--; return 0; }
static uint32_t c_send(void *context, uint32_t id, const uint8_t *payload, size_t len) {
    Custom *custom = context;
    custom->last_id = id;
    custom->sent++;
    if (custom->fail) return custom->fail;
    if (id == 0x7001u) {
        /* fips_status, and the payload, which has a length in front. */
        memset(custom->answer, 0, 4);
        memcpy(custom->answer + 4, payload, len);
        custom->answer_len = 4 + len;
    }
    return 0;
}
static uint32_t c_receive(void *context, uint8_t *out, size_t capacity, size_t *len) {
    Custom *custom = context;
    *len = custom->answer_len;
    if (capacity < custom->answer_len) return CALIPTRA_ERROR_BUFFER_TOO_SMALL;
    memcpy(out, custom->answer, custom->answer_len);
    return 0;
}
static void c_destroy(void *context) { ((Custom *)context)->destroyed++; }

static const CaliptraTransportOps OPS = {sizeof(CaliptraTransportOps), 0, c_connect, c_disconnect, c_send, c_receive, NULL, c_destroy};

static void custom_transports(void) {
    Custom custom = {0};
    CaliptraTransport *transport = NULL;
    CaliptraSession *session = NULL, *second = NULL;
    CaliptraTransportOps broken = OPS;
    broken.struct_size = 8;
    CHECK(caliptra_transport_create_custom(&broken, &custom, &transport) == CALIPTRA_ERROR_INVALID_ARGUMENT);
    broken = OPS;
    broken.send = NULL;
    CHECK(caliptra_transport_create_custom(&broken, &custom, &transport) == CALIPTRA_ERROR_INVALID_ARGUMENT);
    CHECK(caliptra_transport_create_custom(NULL, &custom, &transport) == CALIPTRA_ERROR_INVALID_ARGUMENT);

    OK(caliptra_transport_create_custom(&OPS, &custom, &transport));
    OK(caliptra_session_create_with_protocol(transport, CALIPTRA_PROTOCOL_CUSTOM, &session));
    CHECK(caliptra_session_create_with_protocol(transport, CALIPTRA_PROTOCOL_CUSTOM, &second) == CALIPTRA_ERROR_BUSY);
    CaliptraProtocolType other = CALIPTRA_PROTOCOL_MAILBOX;
    CHECK(caliptra_session_create_with_protocol(transport, other, &second) == CALIPTRA_ERROR_INVALID_ARGUMENT);
    CHECK(caliptra_cmd_debug_clear_log(session) == CALIPTRA_ERROR_STATE);
    OK(caliptra_session_connect(session));
    uint8_t out[64];
    size_t len = sizeof out;
    OK(caliptra_cmd_debug_echo(session, (const uint8_t *)"hello", 5, out, &len));
    CHECK(len == 5 && memcmp(out, "hello", 5) == 0 && custom.last_id == 0x7001u);
    len = 3;
    CHECK(caliptra_cmd_debug_echo(session, (const uint8_t *)"hello", 5, out, &len) == CALIPTRA_ERROR_BUFFER_TOO_SMALL && len == 5);
    CHECK(caliptra_cmd_debug_echo(session, NULL, 5, out, &len) == CALIPTRA_ERROR_INVALID_ARGUMENT);
    CHECK(caliptra_cmd_debug_echo(session, NULL, 0, NULL, NULL) == CALIPTRA_ERROR_INVALID_ARGUMENT);
    const uint8_t status[8] = {0, 0, 0, 0, 5, 0, 0, 0};
    memcpy(custom.answer, status, 8);
    custom.answer_len = 8;
    uint32_t value = 0;
    OK(caliptra_cmd_debug_get_status(session, &value));
    CHECK(value == 5);
    /* Certificates: the same answer is a length of 5 without the octets. */
    len = sizeof out;
    CHECK(caliptra_cmd_get_certificate(session, CALIPTRA_CERTIFICATE_IDEVID, out, &len) == CALIPTRA_ERROR_PROTOCOL);
    const uint8_t certificate[10] = {0, 0, 0, 0, 2, 0, 0, 0, 0x30, 0x00};
    memcpy(custom.answer, certificate, 10);
    custom.answer_len = 10;
    for (int which = 0; which < 4; which++) {
        len = sizeof out;
        OK(caliptra_cmd_get_certificate(session, (CaliptraCertificate)which, out, &len));
        CHECK(len == 2 && out[0] == 0x30);
    }
    len = sizeof out;
    OK(caliptra_cmd_get_cert_chain(session, 0, out, &len));
    len = sizeof out;
    OK(caliptra_cmd_export_idevid_csr(session, 1, out, &len));
    custom.answer_len = 4;
    OK(caliptra_cmd_store_certificate(session, 1, certificate, sizeof certificate));
    custom.fail = CALIPTRA_ERROR_DEVICE;
    CHECK(caliptra_cmd_store_certificate(session, 1, certificate, sizeof certificate) == CALIPTRA_ERROR_DEVICE);
    custom.fail = CALIPTRA_ERROR_NOT_SUPPORTED;
    CHECK(caliptra_cmd_debug_clear_log(session) == CALIPTRA_ERROR_NOT_SUPPORTED);
    char text[200];
    size_t text_len = sizeof text;
    uint32_t code = 0;
    OK(caliptra_session_last_error(session, text, &text_len, &code));
    CHECK(code != 0 && text_len == strlen(text) + 1 && text_len > 10);
    text_len = 4;
    CHECK(caliptra_session_last_error(session, text, &text_len, NULL) == CALIPTRA_ERROR_BUFFER_TOO_SMALL && text_len > 10);
    /* Transport first, session last. */
    OK(caliptra_transport_destroy(transport));
    CHECK(custom.destroyed == 0);
    OK(caliptra_session_destroy(session));
    CHECK(custom.destroyed == 1 && custom.connected == 0);

    /* Callbacks that carry mailbox messages: MC_CLEAR_LOG and an answer with its checksum. */
    Custom mailbox = {.answer_len = 8};
    OK(caliptra_transport_create_custom(&OPS, &mailbox, &transport));
    OK(caliptra_session_create_with_protocol(transport, CALIPTRA_PROTOCOL_MAILBOX, &session));
    OK(caliptra_session_connect(session));
    OK(caliptra_cmd_debug_clear_log(session));
    CHECK(mailbox.last_id == 0x4D434C47);
    OK(caliptra_session_destroy(session));
    OK(caliptra_session_create_with_protocol(transport, CALIPTRA_PROTOCOL_MAILBOX, &session));
    OK(caliptra_session_destroy(session));
    OK(caliptra_transport_destroy(transport));
    CHECK(mailbox.destroyed == 1);

    /* Callbacks that carry vendor defined messages. */
    Custom vdm = {.answer = {0, 0, 0xA6, 0x7F, 0, 4, 0, 0, 0, 0}, .answer_len = 10};
    OK(caliptra_transport_create_custom(&OPS, &vdm, &transport));
    OK(caliptra_session_create_with_protocol(transport, CALIPTRA_PROTOCOL_MCTP_VDM, &session));
    OK(caliptra_session_connect(session));
    OK(caliptra_cmd_debug_clear_log(session));
    OK(caliptra_session_destroy(session));
    OK(caliptra_transport_destroy(transport));
}

static void *asks(void *session) {
    for (int n = 0; n < 50; n++) {
        CaliptraDeviceId id;
        OK(caliptra_cmd_get_device_id(session, &id));
        CHECK(id.vendor_id == 0x1AB4 && id.device_id == 2 && id.subsystem_vendor_id == 0x1AB4 && id.subsystem_id == 1);
    }
    return NULL;
}

static void whole_device(const char *address) {
    CaliptraTransport *transport = NULL;
    CaliptraSession *session = NULL;
    CHECK(caliptra_transport_open("nonsense", &transport) == CALIPTRA_ERROR_INVALID_ARGUMENT);
    CHECK(caliptra_transport_open(NULL, NULL) == CALIPTRA_ERROR_INVALID_ARGUMENT);
    OK(caliptra_transport_open(address, &transport));
    CHECK(caliptra_session_create_with_protocol(transport, CALIPTRA_PROTOCOL_MCTP_VDM, &session) == CALIPTRA_ERROR_INVALID_ARGUMENT);
    CaliptraSessionConfig config = {1000, 1000, 3, 0, true};
    OK(caliptra_session_create_with_config(transport, CALIPTRA_PROTOCOL_MAILBOX, &config, &session));
    CaliptraSessionState state;
    OK(caliptra_session_get_state(session, &state));
    CHECK(state == CALIPTRA_SESSION_DISCONNECTED);
    OK(caliptra_session_connect(session));
    CHECK(caliptra_session_connect(session) == CALIPTRA_ERROR_STATE);

    CaliptraFirmwareVersion version;
    OK(caliptra_cmd_get_firmware_version(session, 1, &version));
    CHECK(version.version[0] == 2 && version.version[2] == 3 && strcmp((char *)version.commit, "0123456789abcdef") == 0);
    CaliptraDeviceCapabilities capabilities;
    OK(caliptra_cmd_get_device_capabilities(session, &capabilities));
    CHECK(capabilities.mcu_rom & 4);
    uint8_t out[4096], again[4096];
    size_t len = sizeof out;
    OK(caliptra_cmd_get_device_info(session, 0, out, &len));
    CHECK(len == 32);
    uint32_t formats = 0;
    OK(caliptra_cmd_get_attestation_formats(session, &formats));
    CHECK(formats == 2);
    uint8_t nonce[32] = {1, 2, 3};
    len = sizeof out;
    OK(caliptra_cmd_get_attestation(session, 1, 1, 0, nonce, out, &len));
    CHECK(len > 100);
    len = 10;
    CHECK(caliptra_cmd_get_attestation(session, 1, 1, 0, nonce, out, &len) == CALIPTRA_ERROR_BUFFER_TOO_SMALL && len > 100);
    CHECK(caliptra_cmd_get_attestation(session, 1, 3, 0, nonce, out, &len) == CALIPTRA_ERROR_INVALID_ARGUMENT);
    len = sizeof out;
    OK(caliptra_cmd_export_attested_csr(session, CALIPTRA_DEVICE_KEY_LDEVID, 1, nonce, out, &len));
    bool more = true, asked = true;
    len = sizeof out;
    OK(caliptra_cmd_debug_get_log(session, out, &len, &more));
    CHECK(len == 4 && !more && memcmp(out, "log", 4) == 0);
    OK(caliptra_cmd_debug_clear_log(session));
    OK(caliptra_session_keepalive(session, &asked));
    CHECK(!asked);

    /* Hash in pieces and at once. */
    CaliptraHashContext *hash = NULL;
    OK(caliptra_cmd_hash_init(session, 1, (const uint8_t *)"ab", 2, &hash));
    OK(caliptra_cmd_hash_update(session, hash, (const uint8_t *)"c", 1));
    len = sizeof out;
    OK(caliptra_cmd_hash_finalize(session, hash, NULL, 0, out, &len));
    CHECK(len == 48 && out[0] == 0xCB && out[1] == 0x00 && out[47] == 0xA7);
    len = sizeof again;
    OK(caliptra_cmd_hash_one_shot(session, 1, (const uint8_t *)"abc", 3, again, &len));
    CHECK(memcmp(out, again, 48) == 0);
    OK(caliptra_cmd_hash_init(session, 2, NULL, 0, &hash));
    caliptra_hash_context_free(hash);
    caliptra_hash_context_free(NULL);
    CHECK(caliptra_cmd_hash_init(session, 9, NULL, 0, &hash) == CALIPTRA_ERROR_INVALID_ARGUMENT);

    /* Keys. */
    uint8_t secret[48] = {1};
    CaliptraCmk hmac, aes, ecdsa, derived, shared;
    OK(caliptra_cmd_import(session, 1, secret, 48, &hmac));
    OK(caliptra_cmd_import(session, 3, secret, 32, &aes));
    OK(caliptra_cmd_import(session, 4, secret, 48, &ecdsa));
    CHECK(caliptra_cmd_import(session, 3, secret, 31, &aes) == CALIPTRA_ERROR_INVALID_ARGUMENT);
    len = sizeof out;
    OK(caliptra_cmd_hmac(session, &hmac, 2, secret, 4, out, &len));
    CHECK(len == 64);
    OK(caliptra_cmd_hmac_kdf_counter(session, &hmac, 1, 3, 32, secret, 4, &derived));
    uint32_t used = 0, total = 0;
    OK(caliptra_cmd_key_status(session, &used, &total));
    CHECK(used == 4 && total == 256);
    OK(caliptra_cmd_delete(session, &derived));
    OK(caliptra_cmd_random_generate(session, out, sizeof out));
    OK(caliptra_cmd_random_stir(session, secret, 8));

    /* AES. */
    uint8_t iv[16], plain[64], back[96];
    memset(plain, 0x33, sizeof plain);
    CaliptraAesEncryptContext *encrypt = NULL;
    CaliptraAesDecryptContext *decrypt = NULL;
    len = sizeof out;
    OK(caliptra_cmd_aes_encrypt_init(session, &aes, 1, plain, 32, iv, out, &len, &encrypt));
    CHECK(len == 32);
    len = sizeof out - 32;
    OK(caliptra_cmd_aes_encrypt_update(session, encrypt, plain + 32, 32, out + 32, &len));
    caliptra_aes_encrypt_context_free(encrypt);
    len = sizeof back;
    OK(caliptra_cmd_aes_decrypt_init(session, &aes, 1, iv, out, 48, back, &len, &decrypt));
    len = sizeof back - 48;
    OK(caliptra_cmd_aes_decrypt_update(session, decrypt, out + 48, 16, back + 48, &len));
    caliptra_aes_decrypt_context_free(decrypt);
    CHECK(memcmp(back, plain, 64) == 0);

    /* AES-GCM, with the right tag and a wrong one. */
    for (int wrong = 0; wrong < 2; wrong++) {
        uint8_t tag[16];
        CaliptraGcmEncryptContext *seal = NULL;
        CaliptraGcmDecryptContext *open = NULL;
        size_t at = sizeof out, end;
        OK(caliptra_cmd_aes_gcm_encrypt_init(session, &aes, secret, 5, iv, &seal));
        OK(caliptra_cmd_aes_gcm_encrypt_update(session, seal, plain, 30, out, &at));
        end = sizeof out - at;
        OK(caliptra_cmd_aes_gcm_encrypt_final(session, seal, plain + 30, 34, tag, out + at, &end));
        CHECK(at + end == 64);
        tag[0] ^= wrong;
        OK(caliptra_cmd_aes_gcm_decrypt_init(session, &aes, iv, secret, 5, &open));
        at = sizeof back;
        OK(caliptra_cmd_aes_gcm_decrypt_update(session, open, out, 40, back, &at));
        end = sizeof back - at;
        CaliptraError result = caliptra_cmd_aes_gcm_decrypt_final(session, open, tag, out + 40, 24, back + at, &end);
        CHECK(result == (wrong ? CALIPTRA_ERROR_DEVICE : CALIPTRA_SUCCESS));
        if (!wrong) CHECK(at + end == 64 && memcmp(back, plain, 64) == 0);
    }
    CaliptraGcmEncryptContext *unused_e = NULL;
    OK(caliptra_cmd_aes_gcm_encrypt_init(session, &aes, NULL, 0, iv, &unused_e));
    caliptra_aes_gcm_encrypt_context_free(unused_e);
    CaliptraGcmDecryptContext *unused_d = NULL;
    OK(caliptra_cmd_aes_gcm_decrypt_init(session, &aes, iv, NULL, 0, &unused_d));
    caliptra_aes_gcm_decrypt_context_free(unused_d);

    /* Curves. */
    CaliptraP384Pair key, signature, point;
    OK(caliptra_cmd_ecdsa_public_key(session, &ecdsa, &key));
    OK(caliptra_cmd_ecdsa_sign(session, &ecdsa, (const uint8_t *)"abc", 3, &signature));
    OK(caliptra_cmd_ecdsa_verify(session, &ecdsa, &signature, (const uint8_t *)"abc", 3));
    CHECK(caliptra_cmd_ecdsa_verify(session, &ecdsa, &signature, (const uint8_t *)"abd", 3) == CALIPTRA_ERROR_DEVICE);
    OK(caliptra_cmd_ecdsa_verify_digest(session, &key, &signature, again));
    CaliptraEcdhContext *ecdh = NULL;
    OK(caliptra_cmd_ecdh_generate(session, &point, &ecdh));
    OK(caliptra_cmd_ecdh_finish(session, ecdh, 1, &key, &shared));
    OK(caliptra_cmd_ecdh_generate(session, &point, &ecdh));
    caliptra_ecdh_context_free(ecdh);

    /* Fuses, provisioning, debug unlock. */
    uint32_t bits = 0;
    OK(caliptra_cmd_fuse_write(session, 17, 3, 3));
    len = 4;
    OK(caliptra_cmd_fuse_read(session, 2, 1, out, &len, &bits));
    CHECK(bits == 32 && len == 4 && out[0] == 3);
    OK(caliptra_cmd_fuse_lock(session, 2));
    OK(caliptra_cmd_get_auth_challenge(session, out));
    OK(caliptra_cmd_provision_vendor_pk_hash(session, 0, secret, NULL, 0));
    OK(caliptra_cmd_increase_min_svn(session, 0, 5, NULL, 0));
    CHECK(caliptra_cmd_increase_min_svn(session, 0, 500, NULL, 0) == CALIPTRA_ERROR_INVALID_ARGUMENT);
    CHECK(caliptra_cmd_provision_owner_pk_hash(session, secret, NULL, 0) == CALIPTRA_ERROR_DEVICE);
    CHECK(caliptra_cmd_program_field_entropy(session, 0, NULL, 0) == CALIPTRA_ERROR_DEVICE);
    CHECK(caliptra_cmd_revoke_vendor_pub_key(session, 0, 0, 0, NULL, 0) == CALIPTRA_ERROR_DEVICE);
    CHECK(caliptra_cmd_revoke_vendor_pk_hash(session, 0, NULL, 0) == CALIPTRA_ERROR_DEVICE);
    CaliptraDebugUnlockChallenge challenge;
    OK(caliptra_cmd_debug_unlock_request(session, 3, &challenge));
    CaliptraDebugUnlockToken *token = calloc(1, sizeof *token);
    memcpy(token->unique_device_identifier, challenge.unique_device_identifier, 32);
    memcpy(token->challenge, challenge.challenge, 48);
    token->unlock_level = 3;
    OK(caliptra_cmd_debug_unlock_token(session, token));
    free(token);
    len = sizeof out;
    OK(caliptra_cmd_raw(session, 0x8026, NULL, 0, out, &len));
    CHECK(len == 12);

    /* Threads share a session. */
    pthread_t threads[4];
    for (int n = 0; n < 4; n++) CHECK(pthread_create(&threads[n], NULL, asks, session) == 0);
    for (int n = 0; n < 4; n++) CHECK(pthread_join(threads[n], NULL) == 0);
    CaliptraSessionStatistics statistics;
    OK(caliptra_session_get_statistics(session, &statistics));
    CHECK(statistics.commands_succeeded > 250 && statistics.commands_sent >= statistics.commands_succeeded);
    OK(caliptra_session_disconnect(session));
    OK(caliptra_session_destroy(session));
    OK(caliptra_transport_destroy(transport));
    OK(caliptra_session_destroy(NULL));
    OK(caliptra_transport_destroy(NULL));
    CHECK(caliptra_session_connect(NULL) == CALIPTRA_ERROR_INVALID_ARGUMENT);
}

static void over_mctp(const char *address) {
    CaliptraTransport *transport = NULL;
    CaliptraSession *session = NULL;
    OK(caliptra_transport_open(address, &transport));
    OK(caliptra_session_create_with_protocol(transport, CALIPTRA_PROTOCOL_MCTP_VDM, &session));
    OK(caliptra_session_connect(session));
    CaliptraFirmwareVersion version;
    OK(caliptra_cmd_get_firmware_version(session, 0, &version));
    CHECK(version.version[0] == 2);
    CaliptraDeviceId id;
    CHECK(caliptra_cmd_get_device_id(session, &id) == CALIPTRA_ERROR_NOT_SUPPORTED);
    OK(caliptra_session_destroy(session));
    OK(caliptra_transport_destroy(transport));
    /* Whole messages: Get Vendor Defined Message Support of the MCTP control protocol. */
    CaliptraChannel *channel = NULL;
    CHECK(caliptra_channel_open("udp://127.0.0.1:1", &channel) == CALIPTRA_ERROR_INVALID_ARGUMENT);
    OK(caliptra_channel_open(address, &channel));
    const uint8_t ask[4] = {0x00, 0x80, 0x06, 0x00};
    uint8_t out[32];
    size_t len = 3;
    CHECK(caliptra_channel_request(channel, ask, sizeof ask, out, &len, 1000) == CALIPTRA_ERROR_BUFFER_TOO_SMALL);
    CHECK(len == 12);
    OK(caliptra_channel_receive(channel, out, &len, 1000));
    CHECK(out[2] == 0x06 && out[5] == 0x01 && out[8] == 0xA6 && out[9] == 0x7F);
    const uint8_t unknown[2] = {0x05, 0x10};
    OK(caliptra_channel_send(channel, unknown, sizeof unknown));
    len = sizeof out;
    CHECK(caliptra_channel_receive(channel, out, &len, 30) == CALIPTRA_ERROR_TIMEOUT);
    caliptra_channel_close(channel);
    caliptra_channel_close(NULL);
}

int main(int argc, char **argv) {
    CHECK(argc == 3);
    CHECK(strcmp(caliptra_error_string(CALIPTRA_ERROR_TIMEOUT), caliptra_error_string(99)) != 0);
    CHECK(strlen(caliptra_version_string()) > 2);
    custom_transports();
    whole_device(argv[1]);
    over_mctp(argv[2]);
    puts("all of the C interface works");
    return 0;
}
