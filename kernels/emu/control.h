/* SPDX-License-Identifier: Apache-2.0 */
/* How tests control the emulated GPU. The library exports `fovea_emu`; programs that cannot call it set variables,
 * which are read when the device is first used:
 *
 *   FOVEA_EMU_ORDER=ascending | descending | shuffled | shuffled-again
 *   FOVEA_EMU_MEMORY=BYTES      of the device's memory
 *   FOVEA_EMU_HELD=BYTES        of it that another process uses
 *   FOVEA_EMU_CAPABILITY=75     compute capability 7.5, not 9.0
 *   FOVEA_EMU_TIMES=NUMBER      seeds the made-up times of autotuning; read at each of them
 *   FOVEA_EMU_FAULT=NAME[:N]    no-driver, old-driver, no-device, old-device; memory, pinned, launch, ecc, lost at the
 * Nth from now; several separated by commas */
#ifndef FOVEA_EMU_CONTROL_H
#define FOVEA_EMU_CONTROL_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of the threads in a block and of the blocks in a grid. Memory never written contains other bytes in each. */
typedef enum { EMU_ASCENDING, EMU_DESCENDING, EMU_SHUFFLED, EMU_SHUFFLED_AGAIN, EMU_ORDERS } EmuOrder;

typedef enum {
    EMU_FAULT_NONE,       /* clears all faults and failures; memory stays allocated */
    EMU_FAULT_NO_DRIVER,  /* the machine has none */
    EMU_FAULT_OLD_DRIVER, /* one older than the library */
    EMU_FAULT_NO_DEVICE,
    EMU_FAULT_OLD_DEVICE, /* one of compute capability 8.0 */
    EMU_FAULT_MEMORY,     /* the nth allocation of device memory from now is refused */
    EMU_FAULT_PINNED,     /* the nth allocation of pinned memory */
    EMU_FAULT_LAUNCH, /* the nth kernel from now does not run; the device is unusable from then on, as for the next */
    EMU_FAULT_ECC,    /* at the nth kernel an uncorrectable memory error */
    EMU_FAULT_LOST,   /* at the nth kernel the device is gone */
    EMU_FAULTS
} EmuFault;

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
