/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/emu/memory.h"
#include "kernels/emu/order.h"
#include "kernels/emu/sanitizer.h"

#include <map>

namespace emu {
namespace {
enum { GAP = 256 };
/* Before and after each allocation; as float and as BF16 it is NaN, so that a read there shows. */
const uint16_t CANARY = 0xffe5;

struct Allocation {
    size_t bytes;
    unsigned long number; /* since the library was loaded */
};

/* Never destroyed: programs may still free memory when they end. */
std::map<char *, Allocation> &allocations = *new std::map<char *, Allocation>;
size_t total = (size_t)4 << 30, held, used;
unsigned long made;
int opened;

struct Gap {
    uint16_t canaries[GAP / sizeof(CANARY)];
    Gap() {
        for (uint16_t &canary : canaries)
            canary = CANARY;
    }
};
const Gap untouched_gap;

void write_gap(char *at) {
    memcpy(at, &untouched_gap, GAP);
}

bool gap_untouched(const char *at) {
    return !memcmp(at, &untouched_gap, GAP);
}
} // namespace

void memory_limit(size_t bytes) {
    total = bytes;
}
size_t memory_total() {
    return total;
}
void memory_hold(size_t bytes) {
    held = bytes;
}
size_t memory_left() {
    return total > held && total - held > used ? total - held - used : 0;
}
size_t memory_used() {
    return used;
}

void *memory_new(size_t bytes) {
    if (memory_left() == 0 || bytes > memory_left())
        return nullptr;
    const size_t room = (GAP + bytes + GAP + GAP - 1) / GAP * GAP;
    char *const raw = (char *)aligned_alloc(GAP, room), *const at = raw + GAP;
    if (!raw)
        return nullptr;
    write_gap(raw);
    memset(at, 0xff, bytes);
    write_gap(at + bytes);
    forbid(raw, room);
    if (opened)
        permit(at, bytes);
    used += bytes;
    allocations[at] = {bytes, ++made};
    return at;
}

bool memory_free(void *memory) {
    const auto found = allocations.find((char *)memory);
    if (found == allocations.end())
        return false;
    used -= found->second.bytes;
    permit(found->first - GAP, GAP + found->second.bytes + GAP);
    memset(found->first, 0xff, found->second.bytes);
    free(found->first - GAP);
    allocations.erase(found);
    return true;
}

bool memory_holds(const void *at, size_t bytes) {
    auto after = allocations.upper_bound((char *)at);
    if (after == allocations.begin())
        return false;
    --after;
    const size_t offset = (size_t)((const char *)at - after->first);
    return offset <= after->second.bytes && bytes <= after->second.bytes - offset;
}

std::string memory_damage() {
    if (EMU_ASAN)
        return "";
    std::string damage;
    for (const auto &[at, allocation] : allocations)
        if (!gap_untouched(at - GAP) || !gap_untouched(at + allocation.bytes)) {
            damage = "device memory was written beyond the ends of allocation " + std::to_string(allocation.number) +
                     ", of " + std::to_string(allocation.bytes) + " bytes";
            write_gap(at - GAP);
            write_gap(at + allocation.bytes);
        }
    return damage;
}

MemoryOpen::MemoryOpen() {
    if (!opened++ && EMU_ASAN)
        for (const auto &[at, allocation] : allocations)
            permit(at, allocation.bytes);
}

MemoryOpen::~MemoryOpen() {
    if (!--opened && EMU_ASAN)
        for (const auto &[at, allocation] : allocations)
            forbid(at, allocation.bytes);
}
} // namespace emu
