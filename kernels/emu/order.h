/* SPDX-License-Identifier: Apache-2.0 */
/* In what order threads and blocks run. */
#ifndef FOVEA_EMU_ORDER_H
#define FOVEA_EMU_ORDER_H

#include "kernels/emu/kinds.h"

#include <stddef.h>

namespace emu {
extern EmuOrder order;

/* The numbers 0 .. count - 1 in the present order; `seed` distinguishes shuffles. */
void order_fill(unsigned *numbers, size_t count, unsigned seed);
/* The content of memory that was never written: another byte in each order, NaN in the first. */
int order_garbage();
} // namespace emu

#endif
