/* SPDX-License-Identifier: Apache-2.0 */
/* The process that reads the GPUs' gauges for the daemon, so that a driver that hangs stops that process alone. It is
 * the program itself under the name "pool-gauges", asked on standard input, answering on standard output; it ends when
 * its input does. */
#ifndef FOVEA_POOL_DAEMON_PARTS_GAUGE_READER_H
#define FOVEA_POOL_DAEMON_PARTS_GAUGE_READER_H

#include "gauges/gauges.h"
#include "pool/rule/rule.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What it says first when its arguments are the path of a rule ("": the default one) and "first" or "again". Without
 * arguments it answers questions alone. Again, that is in a pool that has been served before, a GPU that has gone since
 * is no mistake of the rule: the others are served, and that one is unknown. */
typedef struct {
    int32_t code; /* ExitCode; other than EXIT_OK: only `message` is set */
    char message[1024];
    Rule rule;
    GaugeGpu gpus[POOL_GPUS]; /* of the rule's GPUs, in its order; no UUID: a slot */
    char missing[GAUGE_WHY];  /* why there are no gauges; "" */
} GaugeHello;

typedef struct {
    int32_t gpu; /* comes back with the answer */
    char uuid[GAUGE_UUID];
} GaugeQuestion;

typedef struct {
    int32_t gpu;
    GaugeSample sample;
} GaugeAnswer;

/* Its exit code. */
int gauge_reader_main(int argc, char **argv);
/* Reads or writes `size` bytes of a descriptor that blocks; false at its end. */
bool gauge_reader_read(int descriptor, void *data, size_t size);
bool gauge_reader_write(int descriptor, const void *data, size_t size);

#endif
