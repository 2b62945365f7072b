/* SPDX-License-Identifier: Apache-2.0 */
/* The orders that kernels run in and the faults that tests request. */
#ifndef FOVEA_EMU_KINDS_H
#define FOVEA_EMU_KINDS_H

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
    EMU_FAULT_CAPTURE,    /* the nth capture of a stream's work from now comes to nothing */
    EMU_FAULT_LAUNCH, /* the nth kernel from now does not run; the device is unusable from then on, as for the next */
    EMU_FAULT_ECC,    /* at the nth kernel an uncorrectable memory error */
    EMU_FAULT_LOST,   /* at the nth kernel the device is gone */
    EMU_FAULTS
} EmuFault;

#endif
