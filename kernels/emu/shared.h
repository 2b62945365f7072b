/* SPDX-License-Identifier: Apache-2.0 */
/* Shared memory of a block. Each array is found by its declaration: one object for each instantiation, as __shared__
 * has it, new and full of garbage in every block. */
#ifndef FOVEA_EMU_SHARED_H
#define FOVEA_EMU_SHARED_H

namespace emu {
struct SharedSite {
    unsigned long block; /* whose array `memory` is */
    void *memory;
};
extern EMU_HIDDEN unsigned long block_serial; /* counts the blocks run, from 1 */

void *shared_new(SharedSite *site, size_t bytes, size_t alignment, const char *name);
void *shared_dynamic();

static inline void *shared(SharedSite *site, size_t bytes, size_t alignment, const char *name) {
    return site->block == block_serial ? site->memory : shared_new(site, bytes, alignment, name);
}
} // namespace emu

#define SHARED(type, name, dimensions)                                                                                 \
    typedef type name##_type_ dimensions;                                                                              \
    static emu::SharedSite name##_site_;                                                                               \
    name##_type_ &name = *(name##_type_ *)emu::shared(&name##_site_, sizeof(name##_type_), alignof(name##_type_), #name)
#define DYNAMIC_SHARED(type, name) type *const name = (type *)emu::shared_dynamic()

#endif
