/* A plugin in C. Compiled several times, with flaws as the macros say. */
#include "caliptra_plugin.h"
#include <string.h>

#ifndef ABI
#define ABI CALIPTRA_PLUGIN_ABI_VERSION
#endif
#ifndef SIZE
#define SIZE sizeof(CaliptraPluginDescriptor)
#endif
#ifndef NAME
#define NAME "c-plugin"
#endif

static const CaliptraPluginHost *host;

/* Asks the device for its capabilities and gives the octet with the MCU ROM's bits, and the payload. */
static uint32_t rom_bits(void *user_data, const CaliptraPluginSession *session, const uint8_t *payload, size_t payload_len,
                         uint8_t *out, size_t capacity, size_t *out_len) {
    uint8_t answer[128];
    size_t len = 0;
    uint32_t status = session->execute(session->context, 2, NULL, 0, answer, sizeof answer, &len);
    if (status != 0) return status;
    if (len < 24) return 6;
    *out_len = 1 + payload_len;
    if (capacity < *out_len) return 12;
    out[0] = answer[4 + 19];
    memcpy(out + 1, payload, payload_len);
    return *(uint32_t *)user_data == 7 ? 0 : 1;
}

/* Claims more octets than there is room for. */
static uint32_t liar(void *user_data, const CaliptraPluginSession *session, const uint8_t *payload, size_t payload_len,
                     uint8_t *out, size_t capacity, size_t *out_len) {
    (void)user_data, (void)session, (void)payload, (void)payload_len, (void)out;
    *out_len = capacity + 1;
    return 0;
}

static uint32_t seven = 7;

static uint32_t register_plugin(const CaliptraPluginHost *given) {
    host = given;
    CaliptraPluginCommand command = {sizeof command, 0xE0000001, NAME ".rom_bits", "capability bits of the MCU's ROM", &seven, rom_bits};
    uint32_t status = host->register_command(host->context, &command);
    if (status != 0) return status;
    CaliptraPluginCommand lying = {sizeof lying, 0xE0000002, NAME ".liar", "lies", NULL, liar};
    status = host->register_command(host->context, &lying);
    if (status != 0) return status;
    /* A structure with a wrong size is refused, and a second command of the name is too. */
    lying.struct_size = 4;
    if (host->register_command(host->context, &lying) != 2) return 1;
    if (host->register_command(host->context, &command) != 9) return 1;
    return 0;
}

static uint32_t unregister_plugin(void) {
    return host->unregister_command(host->context, NAME ".rom_bits");
}

#ifdef SMALL
/* A symbol that is smaller than it says. */
const uint32_t CALIPTRA_PLUGIN_DESCRIPTOR_SMALL[2] __asm__("CALIPTRA_PLUGIN_DESCRIPTOR") = {sizeof(CaliptraPluginDescriptor), ABI};
void *used[2] = {register_plugin, unregister_plugin};
#else
const CaliptraPluginDescriptor CALIPTRA_PLUGIN_DESCRIPTOR = {SIZE, ABI, NAME, "3.1", register_plugin, unregister_plugin};
#endif
