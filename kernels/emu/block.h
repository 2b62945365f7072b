/* SPDX-License-Identifier: Apache-2.0 */
/* One block: its threads, which of them may run, and where the others wait. Internal to the emulator.
 *
 * The thread that runs is always the first in order of those that may; it runs until it waits or ends. A thread that
 * never waits runs on the fibre of the thread before it. */
#ifndef FOVEA_EMU_BLOCK_H
#define FOVEA_EMU_BLOCK_H

#include "kernels/emu/fibre.h"

#include <vector>

namespace emu {
enum { MOST_THREADS = 1024, LANES = 32 };
enum State { RUNNING, READY, AT_BARRIER, AT_WARP, ENDED };

struct Thread;
/* What the lanes of a warp do once all of `mask` have arrived: `warp` is lane 0; the threads have the operands. */
typedef void WarpAct(Thread *warp, unsigned mask);

struct Copy {
    void *to;
    const void *from; /* NULL: zeros */
    unsigned group;
};

struct Thread {
    uint3 index;
    unsigned number, position; /* in the block, in the order of running */
    State state;
    Fibre *fibre;
    const char *file; /* where it waits */
    int line;
    unsigned mask;
    WarpAct *act;
    void *operand;
    bool copying;             /* it has started asynchronous copies */
    unsigned groups;          /* of copies closed so far */
    std::vector<Copy> copies; /* started and not yet done */
};

struct Block {
    const Launch *launch;
    unsigned count;
    Thread threads[MOST_THREADS];
    unsigned order[MOST_THREADS];        /* thread numbers by position */
    uint64_t ready[MOST_THREADS / 64];   /* by position */
    unsigned ended, at_barrier, holding; /* threads; those at the barrier whose condition is true */
    unsigned barrier_result;
    unsigned warp_waiting[MOST_THREADS / LANES]; /* lanes at a collective call */
};
extern Block block;
extern Thread *running; /* NULL outside kernels */

/* Runs a launch, all its blocks in order. The failure's text, or NULL. Memory must be permitted. */
const char *run_grid(const Launch &launch);

/* Ends the kernel with a failure that names kernel, block and thread; in a kernel only. */
[[noreturn]] __attribute__((format(printf, 1, 2))) void fail(const char *format, ...);

/* The running thread waits at a call of its warp until all of `mask` have reached the same call. */
void meet(unsigned mask, WarpAct *act, void *operand, const char *what, const char *file, int line);
/* The path's last part but two: kernels/cuda/norm.cu. */
const char *short_path(const char *file);
} // namespace emu

#endif
