/* SPDX-License-Identifier: Apache-2.0 */
/* The device's memory: host memory that the host must not touch. */
#ifndef FOVEA_EMU_MEMORY_H
#define FOVEA_EMU_MEMORY_H

#include <stddef.h>
#include <string>

namespace emu {
void memory_limit(size_t total);
size_t memory_total();
/* Another process uses so much of it. */
void memory_hold(size_t bytes);
size_t memory_left();
size_t memory_used();
/* 256-byte aligned and filled with 0xff; NULL when less is left. */
void *memory_new(size_t bytes);
/* Whether `memory` was an allocation. */
bool memory_free(void *memory);
/* Whether these bytes are inside one live allocation; its end also counts as an address. */
bool memory_holds(const void *at, size_t bytes);
/* Which allocation was written beyond its ends since the last call; "" when none was. */
std::string memory_damage();

/* While one exists, the device works and memory may be touched. */
class MemoryOpen {
  public:
    MemoryOpen();
    ~MemoryOpen();
    MemoryOpen(const MemoryOpen &) = delete;
};
} // namespace emu

#endif
