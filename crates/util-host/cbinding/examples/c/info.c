/* Asks a device what it is. Usage: info ADDRESS, for example info udp://127.0.0.1:62222 */
#include "caliptra_util_host.h"
#include <stdio.h>

int main(int argc, char **argv) {
    CaliptraTransport *transport = NULL;
    CaliptraSession *session = NULL;
    CaliptraDeviceCapabilities capabilities;
    CaliptraFirmwareVersion version;
    CaliptraDeviceId id;
    int failed = 1;

    if (argc != 2 || caliptra_transport_open(argv[1], &transport) != CALIPTRA_SUCCESS) {
        fprintf(stderr, "usage: info udp://HOST:PORT\n");
        return 2;
    }
    if (caliptra_session_create_with_protocol(transport, CALIPTRA_PROTOCOL_MAILBOX, &session) != CALIPTRA_SUCCESS ||
        caliptra_session_connect(session) != CALIPTRA_SUCCESS ||
        caliptra_cmd_get_device_id(session, &id) != CALIPTRA_SUCCESS ||
        caliptra_cmd_get_firmware_version(session, 1, &version) != CALIPTRA_SUCCESS ||
        caliptra_cmd_get_device_capabilities(session, &capabilities) != CALIPTRA_SUCCESS) {
        char text[256] = "no session";
        size_t len = sizeof text;
        caliptra_session_last_error(session, text, &len, NULL);
        fprintf(stderr, "%s\n", text);
    } else {
        printf("Vendor ID: 0x%04x\nDevice ID: 0x%04x\n", id.vendor_id, id.device_id);
        printf("MCU runtime: %u.%u.%u %s\n", version.version[0], version.version[1], version.version[2],
               (const char *)version.commit);
        printf("network boot: %s\n", capabilities.mcu_rom & 4 ? "yes" : "no");
        failed = 0;
    }
    caliptra_session_destroy(session);
    caliptra_transport_destroy(transport);
    return failed;
}
