/* SPDX-License-Identifier: Apache-2.0 */
/* Where a block's shared memory lies. */
#ifndef FOVEA_EMU_SHARED_MEMORY_H
#define FOVEA_EMU_SHARED_MEMORY_H

#include <stddef.h>
#include <string>

namespace emu {
enum { STATIC_SHARED_LIMIT = 48 * 1024, SHARED_LIMIT = 227 * 1024 };

/* New shared memory for a block, `dynamic` bytes of it at once. */
void shared_begin(size_t dynamic);
/* What was written beside an array since shared_begin(); "" when nothing was. */
std::string shared_end();
/* Whether these bytes lie in one of the block's arrays. */
bool shared_holds(const void *at, size_t bytes);
} // namespace emu

#endif
