/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/emu/order.h"

#include <stdint.h>
#include <utility>

EmuOrder emu::order = EMU_ASCENDING;

void emu::order_fill(unsigned *numbers, size_t count, unsigned seed) {
    for (size_t i = 0; i < count; i++)
        numbers[i] = (unsigned)(order == EMU_DESCENDING ? count - 1 - i : i);
    if (order != EMU_SHUFFLED && order != EMU_SHUFFLED_AGAIN)
        return;
    uint64_t random = seed * 2u + (order == EMU_SHUFFLED);
    for (size_t i = count; i > 1; i--) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        std::swap(numbers[i - 1], numbers[(random >> 33) % i]);
    }
}

int emu::order_garbage() {
    static const int bytes[EMU_ORDERS] = {0xff, 0x3f, 0xc1, 0x47};
    return bytes[order];
}
