/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/emu/shared_memory.h"
#include "kernels/emu/order.h"
#include "kernels/emu/sanitizer.h"

#include <vector>

namespace emu {
unsigned long block_serial;

struct Array {
    char *memory;
    size_t bytes;
    const char *name;
};

enum { GAP = 64, CANARY = 0xe5 };
/* Arrays start 16 bytes past a multiple of 128: the GPU promises multiples of 16, no more. */
enum { MULTIPLE = 128, PAST = 16 };

static std::vector<Array> arrays; /* the first is the dynamic one */
alignas(MULTIPLE) static char arena[1024 * 1024];
static char *fresh; /* from here on nothing is allocated in this block */

/* The bytes between arrays must not be touched; they are checked after the block. */
static void *take_array(size_t bytes, const char *name) {
    char *at = (char *)(((uintptr_t)fresh + GAP + MULTIPLE - 1) / MULTIPLE * MULTIPLE) + PAST;
    permit(at - GAP, GAP + bytes + GAP);
    memset(at - GAP, CANARY, GAP);
    memset(at, order_garbage(), bytes);
    memset(at + bytes, CANARY, GAP);
    forbid(at - GAP, GAP);
    forbid(at + bytes, GAP);
    fresh = at + bytes + GAP;
    arrays.push_back({at, bytes, name});
    return at;
}

void shared_begin(size_t dynamic) {
    block_serial++;
    arrays.clear();
    fresh = arena;
    take_array(dynamic, "dynamic shared memory");
}

static bool gap_untouched(char *at) {
    permit(at, GAP);
    bool same = true;
    for (int i = 0; i < GAP; i++)
        same = same && (unsigned char)at[i] == CANARY;
    return same;
}

std::string shared_end() {
    std::string damage;
    for (const Array &array : arrays)
        if (!gap_untouched(array.memory - GAP) || !gap_untouched(array.memory + array.bytes))
            damage = std::string(array.name) + " (" + std::to_string(array.bytes) +
                     " bytes of shared memory) was written beyond its ends";
    forbid(arena, (size_t)(fresh - arena));
    return damage;
}

bool shared_holds(const void *at, size_t bytes) {
    for (const Array &array : arrays)
        if ((const char *)at >= array.memory && (const char *)at + bytes <= array.memory + array.bytes)
            return true;
    return false;
}

void *shared_dynamic() {
    return arrays[0].memory;
}

std::string shared_refusal(size_t bytes, size_t alignment, const char *name) {
    size_t fixed = bytes;
    for (size_t i = 1; i < arrays.size(); i++)
        fixed += (arrays[i].bytes + 15) / 16 * 16;
    if (alignment > 16)
        return std::string(name) + " asks for an alignment of " + std::to_string(alignment) + ", shared memory has 16";
    if (fixed > STATIC_SHARED_LIMIT)
        return std::to_string(fixed) + " bytes of shared memory in arrays, the limit is " +
               std::to_string(STATIC_SHARED_LIMIT);
    if (fixed + arrays[0].bytes > SHARED_LIMIT)
        return std::to_string(fixed + arrays[0].bytes) + " bytes of shared memory, the limit is " +
               std::to_string(SHARED_LIMIT);
    return "";
}

void *shared_take(size_t bytes, const char *name) {
    return take_array(bytes, name);
}
} // namespace emu
