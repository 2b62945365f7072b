/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/checkops/checkops.h"
#include "tests/checkops/reference.h"

#include <math.h>

enum { CODES = 65536, MORE = 5 }; /* MORE: so that counts are odd */

void check_cast_to_bf16(Check *check) {
    check_once(check);
    /* Every BF16 value, its float neighbours, the halfway points between two and their neighbours. */
    static const uint32_t offsets[] = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff};
    const size_t count = (size_t)CODES * 6 + MORE;
    float *x = check_buffer(check, "x", BUFFER_INPUT, BUFFER_FLOAT, count);
    for (size_t i = 0; i < count; i++)
        x[i] = reference_float(((uint32_t)(i / 6) << 16) + offsets[i % 6]);
    uint16_t *y = check_buffer(check, "y", BUFFER_OUTPUT, BUFFER_BF16, count);
    RUN(check)
    check->ops.cast_to_bf16(&check->ops, &(CastToBf16){.x = AT(x), .y = AT(y), .count = count});
    EACH(check)
    for (size_t i = 0; i < count && !check->failed; i++) {
        const uint16_t want = reference_bf16(x[i]);
        if (isnan(x[i]) ? (y[i] & 0x7fc0) != 0x7fc0 || (y[i] & 0x7fff) <= 0x7f80 : y[i] != want)
            check_fail(check, "%a became %04x, not %04x", x[i], y[i], want);
    }
}

void check_cast_from_bf16(Check *check) {
    check_once(check);
    uint16_t *x = check_buffer(check, "x", BUFFER_INPUT, BUFFER_BF16, CODES + MORE);
    float *y = check_float_output(check, "y", CODES + MORE);
    for (int i = 0; i < CODES + MORE; i++)
        x[i] = (uint16_t)i;
    RUN(check)
    check->ops.cast_from_bf16(&check->ops, &(CastFromBf16){.x = AT(x), .y = AT(y), .count = CODES + MORE});
    EACH(check)
    for (int i = 0; i < CODES + MORE && !check->failed; i++) {
        const int code = i % CODES, exponent = code >> 7 & 255, fraction = code & 127;
        double want = ldexp(fraction + (exponent ? 128 : 0), (exponent ? exponent : 1) - 134);
        want = exponent == 255 ? fraction ? NAN : INFINITY : want;
        want = code >> 15 ? -want : want;
        if (isnan(want) ? !isnan(y[i]) : y[i] != want || !signbit(y[i]) != !signbit(want))
            check_fail(check, "%04x became %a, not %a", (unsigned)code, y[i], want);
    }
}
