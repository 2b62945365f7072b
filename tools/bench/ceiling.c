/* SPDX-License-Identifier: Apache-2.0 */
/* ceiling [--backend cpu|emu|cuda]
 *
 * Measures a large BF16 product and a copy by the device's own clock: the ceilings that a comparison's figures are
 * relative to. Prints one JSON object. */
#include "base/json.h"
#include "base/threads.h"
#include "device/device.h"
#include "ops/ops.h"
#include "profile/ceilings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As in training the fastest algorithm is taken. */
static Status run(const Device *device) {
    enum { THREADS = 2 }; /* as mae_bench's */
    Ops ops;
    Ceilings ceilings;
    CeilingSizes sizes;
    device->operations(device, THREADS, &ops);
    ops.type = REAL_BF16;
    if (*device->tuned_on)
        device->tune(device, true);
    TRY(ceilings_measure(&ops, &ceilings, &sizes));
    Json json;
    json_open(&json, stdout);
    json_object(&json, NULL, JSON_LINE);
    json_integer(&json, "product_side", sizes.product);
    json_real(&json, "product_tflop_per_s", ceilings.product / 1e12);
    json_real(&json, "copy_gb_per_s", ceilings.copy / 1e9);
    json_end(&json);
    json_newline(&json);
    return NULL;
}

static Status parse(int count, char **arguments, DeviceKind *kind) {
    static const char *const names[] = {"cpu", "cuda", "emu"};
    static const DeviceKind kinds[] = {DEVICE_CPU, DEVICE_CUDA, DEVICE_EMU};
    *kind = DEVICE_CPU;
    if (count == 1)
        return NULL;
    for (int i = 0; i < 3; i++)
        if (count == 3 && strcmp(arguments[1], "--backend") == 0 && strcmp(arguments[2], names[i]) == 0) {
            *kind = kinds[i];
            return NULL;
        }
    return status_error(EXIT_USAGE, "usage: ceiling [--backend cpu|emu|cuda]");
}

int main(int count, char **arguments) {
    threads_wait_passively(arguments);
    DeviceKind kind;
    Device *device = NULL;
    char *note = NULL;
    Status status = parse(count, arguments, &kind);
    if (!status)
        status = device_open(kind, &device, &note);
    if (!status)
        status = run(device);
    free(note);
    device_close(device);
    if (status)
        fprintf(stderr, "ceiling: %s\n", status_message(status));
    const ExitCode code = status_code(status);
    status_free(status);
    return (int)code;
}
