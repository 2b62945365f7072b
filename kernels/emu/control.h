/* SPDX-License-Identifier: Apache-2.0 */
/* How tests control the emulated GPU. The library exports `fovea_emu`; programs that cannot call it set variables,
 * which are read when the device is first used:
 *
 *   FOVEA_EMU_ORDER=ascending | descending | shuffled | shuffled-again
 *   FOVEA_EMU_MEMORY=BYTES      of the device's memory
 *   FOVEA_EMU_HELD=BYTES        of it that another process uses
 *   FOVEA_EMU_CAPABILITY=75     compute capability 7.5, not 9.0
 *   FOVEA_EMU_TIMES=NUMBER      seeds the made-up times of autotuning; read at each of them
 *   FOVEA_EMU_FAULT=NAME[:N]    no-driver, old-driver, no-device, old-device; memory, pinned, capture, launch, ecc,
 * lost at the Nth from now; several separated by commas */
#ifndef FOVEA_EMU_CONTROL_H
#define FOVEA_EMU_CONTROL_H

#include "kernels/emu/kinds.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    /* For kernels that run from now on; wait for the device before. */
    void (*order)(EmuOrder order);
    void (*fault)(EmuFault fault, long nth); /* counted from 1 */
    void (*memory)(size_t total);            /* bytes of the device's memory */
    /* Every kernel that the library's code launches anywhere, and how often each has completed. */
    size_t (*kernels)(void);
    const char *(*kernel_name)(size_t kernel); /* with template arguments; valid while the library is loaded */
    unsigned long (*kernel_executions)(size_t kernel);
    /* Bytes allocated on the device now. */
    size_t (*allocated)(void);
    /* Ranges begun so far; *open: how many of them have not ended. */
    unsigned long (*ranges)(long *open);
} EmuControl;

extern const EmuControl fovea_emu;

#ifdef __cplusplus
}
#endif
#endif
