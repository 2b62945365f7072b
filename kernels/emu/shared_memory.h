/* SPDX-License-Identifier: Apache-2.0 */
/* A block's shared memory. */
#ifndef FOVEA_EMU_SHARED_MEMORY_H
#define FOVEA_EMU_SHARED_MEMORY_H

#include <stddef.h>
#include <string>

namespace emu {
enum { STATIC_SHARED_LIMIT = 48 * 1024, SHARED_LIMIT = 227 * 1024 };

/* New shared memory for a block, `dynamic` bytes of it at once. */
void shared_begin(size_t dynamic);
/* Why a further array cannot be in the block; "" when it can. */
std::string shared_refusal(size_t bytes, size_t alignment, const char *name);
/* A further array of the block. */
void *shared_take(size_t bytes, const char *name);
/* Which array was written beyond its ends since shared_begin(); "" when none was. */
std::string shared_end();
/* Whether these bytes are in one of the block's arrays. */
bool shared_holds(const void *at, size_t bytes);
} // namespace emu

#endif
