/* SPDX-License-Identifier: Apache-2.0 */
/* Fibres: stacks that one operating system thread switches between. */
#ifndef FOVEA_EMU_FIBRE_H
#define FOVEA_EMU_FIBRE_H

#include <stddef.h>

namespace emu {
struct Fibre {
    void *saved; /* where it continues: its stack pointer, or its ucontext_t */
    void *stack; /* lowest address; the host's own is detected on the first change */
    size_t bytes;
    void *fake_stack; /* the address sanitizer's */
    void (*entry)();  /* NULL for the host's own stack */
};

/* A fibre with a stack of its own that starts at `entry`, which must not return; false without memory. `number` spreads
 * the stacks' ends over the cache. */
bool fibre_create(Fibre *fibre, void (*entry)(), unsigned number);
/* The fibre abandons its work and starts again. */
void fibre_restart(Fibre *fibre, unsigned number);
void fibre_change(Fibre *from, Fibre *to);
} // namespace emu

#endif
