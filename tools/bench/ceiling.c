/* SPDX-License-Identifier: Apache-2.0 */
/* Measures a large BF16 product and a copy by the device's own clock: the ceilings that a comparison's figures are
 * relative to. Prints one JSON object. */
#include "base/json.h"
#include "base/program.h"
#include "base/threads.h"
#include "device/open.h"
#include "ops/ops.h"
#include "profile/ceilings.h"

#include <stdio.h>
#include <stdlib.h>

/* As in training the fastest algorithm is taken. */
static Status measure_ceilings(const Device *device) {
    enum { THREADS = 2 }; /* as mae_bench's */
    Ops ops;
    Ceilings ceilings;
    CeilingSizes sizes;
    device->operations(device, THREADS, &ops);
    ops.type = REAL_BF16;
    if (*device->tuned_on)
        device->autotune(device, true);
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

typedef struct {
    int backend;
} Arguments;

static const char *const backends[] = {"cpu", "emu", "cuda", NULL};
static const DeviceKind kinds[] = {DEVICE_CPU, DEVICE_EMU, DEVICE_CUDA};
static const Option options[] = {
    {.name = "--backend",
     .type = OPTION_CHOICE,
     .choices = backends,
     .offset = offsetof(Arguments, backend),
     .fallback = "cpu",
     .help = "What is measured."},
    {0},
};
static const ExitCode exits[] = {EXIT_USAGE, EXIT_MISSING, EXIT_NO_MEMORY, EXIT_OK};
static const Program program = {
    .name = "ceiling",
    .about = "Measures a large BF16 product and a copy on the device and prints one JSON object.",
    .options = options,
    .exits = exits,
};

static Status run(void *context) {
    const Arguments *a = context;
    Device *device = NULL;
    char *note = NULL;
    Status status = device_open(kinds[a->backend], &device, &note);
    if (!status)
        status = measure_ceilings(device);
    free(note);
    device_close(device);
    return status;
}

int main(int count, char **arguments) {
    threads_wait_passively(arguments);
    Arguments a = {0};
    return program_main(&program, count, arguments, &a, run);
}
