/* SPDX-License-Identifier: Apache-2.0 */
/* AddressSanitizer annotations for memory it does not manage; nothing in other builds. */
#ifndef FOVEA_EMU_SANITIZER_H
#define FOVEA_EMU_SANITIZER_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define EMU_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EMU_ASAN 1
#endif
#endif

#ifdef EMU_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#else
#define EMU_ASAN 0
#endif

/* For what changes stacks, and for the emulator's innermost loops. */
#define EMU_UNSANITIZED __attribute__((no_sanitize("address"), no_sanitize("undefined")))

namespace emu {
/* From now on an access to these bytes is an error. */
static inline void forbid(void *at, size_t bytes) {
#if EMU_ASAN
    __asan_poison_memory_region(at, bytes);
#else
    (void)at;
    (void)bytes;
#endif
}
static inline void permit(void *at, size_t bytes) {
#if EMU_ASAN
    __asan_unpoison_memory_region(at, bytes);
#else
    (void)at;
    (void)bytes;
#endif
}
/* Whether one of these bytes must not be touched, as far as the sanitizer knows. */
static inline bool forbidden(const void *at, size_t bytes) {
#if EMU_ASAN
    return __asan_region_is_poisoned((void *)at, bytes) != nullptr;
#else
    (void)at;
    (void)bytes;
    return false;
#endif
}
} // namespace emu

#endif
