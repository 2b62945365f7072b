/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/checkops/checkops.h"
#include "tests/checkops/reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t check_element_size(const Buffer *buffer, RealType type) {
    return buffer->type == BUFFER_REAL ? real_size(type) : buffer->size;
}

double check_element(const Buffer *buffer, const void *values, RealType type, size_t i) {
    const size_t size = check_element_size(buffer, type);
    const unsigned char *at = (const unsigned char *)values + i * size;
    if (buffer->type == BUFFER_DOUBLE) {
        double value;
        memcpy(&value, at, sizeof value);
        return value;
    }
    uint32_t bits = 0; /* BF16 is the upper half of a float */
    memcpy((unsigned char *)&bits + sizeof bits - size, at, size);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* NaN, an infinity of either sign, or a number. */
static int kind_of(double x) {
    return isnan(x) ? 2 : isinf(x) ? x > 0 ? 1 : -1 : 0;
}

static double largest_of(const Buffer *b, const void *values, RealType type) {
    double largest = 0;
    for (size_t i = 0; i < b->count; i++) {
        const double value = fabs(check_element(b, values, type, i));
        largest = isfinite(value) && value > largest ? value : largest;
    }
    return largest;
}

/* Whether there is no BF16 value between two: what numbers next to each other may become when they are rounded, though
 * a step is up to 2^-7 of a value. */
static bool are_neighbours(double x, double y) {
    const int a = reference_bf16((float)x), b = reference_bf16((float)y);
    return abs(a - b) <= 1;
}

/* Rounding to the nearest errs either way alike. One that cuts off instead stays within a step of BF16, but its values
 * are half a step too small on average: seen in tensors of some length, among values that are not small, where they
 * may not differ by more than a rounding. */
static void compare_rounding(Check *check, const Buffer *b, const void *got, const void *want, double largest) {
    double error = 0;
    size_t seen = 0;
    for (size_t i = 0; i < b->count; i++) {
        const double x = fabs(check_element(b, got, REAL_BF16, i)), y = fabs(check_element(b, want, REAL_BF16, i));
        if (y < largest / 8 || !isfinite(x) || !isfinite(y))
            continue;
        error += ldexp(x - y, 7 - ilogb(y)); /* in steps between BF16 values there */
        seen++;
    }
    if (seen >= 256 && fabs(error) > 0.25 * (double)seen)
        check_fail(check, "%s is on average %.2f BF16 steps too %s", b->name, fabs(error) / (double)seen,
                   error < 0 ? "small" : "large");
}

/* BF16 against FP32: Real elements are the nearest to FP32's, all others the same. */
static void compare_exactly(Check *check, const Buffer *b, const void *got, const void *want) {
    for (size_t i = 0; i < b->count; i++) {
        const double x = check_element(b, got, REAL_BF16, i), y = check_element(b, want, REAL_FP32, i);
        const double exact = b->type == BUFFER_REAL ? reference_rounded((float)y) : y;
        if (x == exact || (isnan(x) && isnan(exact)))
            continue;
        check_fail(check, "%s[%zu] is %.9g, but FP32 in steps gives %.9g", b->name, i, x, y);
        return;
    }
}

void check_compare(Check *check, const Buffer *b, const void *got, RealType got_type, const void *want,
                   RealType want_type) {
    if (b->own_comparison)
        return;
    if (b->type == BUFFER_BYTES) {
        for (size_t i = 0; i < b->count * b->size; i++)
            if (((const unsigned char *)got)[i] != ((const unsigned char *)want)[i]) {
                check_fail(check, "%s differs from the CPU's at byte %zu of element %zu", b->name, i % b->size,
                           i / b->size);
                return;
            }
        return;
    }
    if (got_type != want_type) {
        compare_exactly(check, b, got, want);
        return;
    }
    const RealType type = b->type == BUFFER_BF16 ? REAL_BF16 : got_type;
    const bool codes = b->type == BUFFER_BF16 || (b->type == BUFFER_REAL && type == REAL_BF16);
    const double largest = largest_of(b, want, want_type), bound = b->bound[type] * largest;
    for (size_t i = 0; i < b->count; i++) {
        const double x = check_element(b, got, got_type, i), y = check_element(b, want, want_type, i);
        if (kind_of(x) == kind_of(y) && (!isfinite(y) || fabs(x - y) <= bound || (codes && are_neighbours(x, y))))
            continue;
        check_fail(check, "%s[%zu] is %.9g, but the CPU's %.9g, within %.2g", b->name, i, x, y, bound);
        return;
    }
    if (codes && largest > 0 && b->bound[REAL_BF16] <= 0x1p-8)
        compare_rounding(check, b, got, want, largest);
}
