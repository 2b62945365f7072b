/* SPDX-License-Identifier: Apache-2.0 */
/* Wide registers without a processor's own intrinsics: loops compiled for several widths, and 4 x 4 squares of floats
 * transposed in registers. */
#ifndef FOVEA_BASE_SIMD_H
#define FOVEA_BASE_SIMD_H

#include <stddef.h>

/* Hot loops are compiled twice, for AVX2 as the build asks and for AVX-512, chosen when the program is loaded. The
 * sanitizers' own start-up comes after that choice, and clang 14 has no such attribute for static functions. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) &&               \
    !defined(__SANITIZE_THREAD__) && !defined(__AVX512F__)
#define WIDE __attribute__((target_clones("arch=x86-64-v4", "default")))
#else
#define WIDE
#endif

typedef float Four __attribute__((vector_size(16), aligned(4), may_alias));

#ifdef __clang__
#define ZIP_LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define ZIP_HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#else
typedef int FourPlaces __attribute__((vector_size(16)));
#define ZIP_LOW(a, b) __builtin_shuffle(a, b, (FourPlaces){0, 4, 1, 5})
#define ZIP_HIGH(a, b) __builtin_shuffle(a, b, (FourPlaces){2, 6, 3, 7})
#endif

/* Rows are from_row and to_row floats apart. Two riffles of rows 0, 2 with rows 1, 3. */
static inline void transpose_four(const float *from, size_t from_row, float *to, size_t to_row) {
    Four r[4];
    for (int i = 0; i < 4; i++)
        r[i] = *(const Four *)(from + i * from_row);
    const Four a = ZIP_LOW(r[0], r[2]), b = ZIP_LOW(r[1], r[3]), c = ZIP_HIGH(r[0], r[2]), d = ZIP_HIGH(r[1], r[3]);
    *(Four *)to = ZIP_LOW(a, b);
    *(Four *)(to + to_row) = ZIP_HIGH(a, b);
    *(Four *)(to + 2 * to_row) = ZIP_LOW(c, d);
    *(Four *)(to + 3 * to_row) = ZIP_HIGH(c, d);
}

#endif
