/* SPDX-License-Identifier: Apache-2.0 */
/* Conversions to BF16 and FP8 and CUDA's small functions: every value where there are few, the CPU's and a search for
 * the nearest where there is a choice. */
#include "tests/emu/emulated.h"

#include "kernels/cuda/real.cuh"

#include <cuda_fp8.h>

enum { VALUES = 65536 };

static void bf16_to_float_and_back(void **) {
    for (unsigned bits = 0; bits < VALUES; bits++) {
        const float x = __bfloat162float(__ushort_as_bfloat16((unsigned short)bits));
        assert_int_equal(__float_as_uint(x), bits << 16);
        assert_int_equal(__bfloat16_as_ushort(__float2bfloat16_rn(x)), isnan(x) ? 0x7fff : bits);
        if (!isfinite(x))
            continue;
        /* Half way to the next, below and above it. The next one after the largest is infinity. */
        const unsigned down = bits, up = bits + 1, even = bits + (bits & 1);
        assert_int_equal(__bfloat16_as_ushort(__float2bfloat16_rn(__uint_as_float((bits << 16) + 0x7fff))), down);
        assert_int_equal(__bfloat16_as_ushort(__float2bfloat16_rn(__uint_as_float((bits << 16) + 0x8000))), even);
        assert_int_equal(__bfloat16_as_ushort(__float2bfloat16_rn(__uint_as_float((bits << 16) + 0x8001))), up);
    }
    const __nv_bfloat162 pair = __floats2bfloat162_rn(1, 2);
    assert_int_equal(__bfloat16_as_ushort(pair.x), 0x3f80);
    assert_true(__bfloat1622float2(pair).y == 2);
}

/* The value of a code without sign; NaN and infinity as such. */
static double fp8_value(unsigned code, __nv_fp8_interpretation_t format) {
    const int bits = format == __NV_E4M3 ? 3 : 2, bias = format == __NV_E4M3 ? 7 : 15;
    const int exponent = (int)(code >> bits), fraction = (int)(code & ((1u << bits) - 1));
    if (format == __NV_E4M3 ? code == 0x7f : code > 0x7c)
        return NAN;
    if (format == __NV_E5M2 && code == 0x7c)
        return INFINITY;
    return ldexp(fraction + (exponent ? 1 << bits : 0), (exponent ? exponent : 1) - bias - bits);
}

/* The nearest code, the even one of two. */
static unsigned nearest(double x, __nv_fp8_interpretation_t format) {
    const unsigned largest = format == __NV_E4M3 ? 0x7e : 0x7b;
    unsigned best = 0;
    for (unsigned code = 1; code <= largest; code++) {
        const double closer = fabs(fp8_value(best, format) - x) - fabs(fp8_value(code, format) - x);
        if (closer > 0 || (closer == 0 && code % 2 == 0))
            best = code;
    }
    return best;
}

static void check_fp8(float x, __nv_fp8_interpretation_t format) {
    const unsigned code = __nv_cvt_float_to_fp8(x, __NV_SATFINITE, format), sign = signbit(x) ? 0x80 : 0;
    if (isnan(x)) {
        assert_int_equal(code, 0x7f);
        return;
    }
    assert_int_equal(code, sign | nearest(fmin(fabs((double)x), 1e6), format));
    const double half_beyond = format == __NV_E4M3 ? 464 : 61440;
    const bool over = format == __NV_E4M3 ? fabsf(x) > half_beyond : fabsf(x) >= half_beyond;
    const unsigned unsaturated = __nv_cvt_float_to_fp8(x, __NV_NOSAT, format);
    assert_int_equal(unsaturated, over ? sign | (format == __NV_E4M3 ? 0x7f : 0x7c) : code);
}

static void fp8_is_the_nearest(void **) {
    for (int i = 0; i < 2; i++) {
        const __nv_fp8_interpretation_t format = i ? __NV_E5M2 : __NV_E4M3;
        for (unsigned bits = 0; bits < VALUES; bits++)
            check_fp8(__uint_as_float(bits << 16), format);
        for (unsigned code = 0; code + 1 < (i ? 0x7bu : 0x7eu); code++) {
            const float half = (float)((fp8_value(code, format) + fp8_value(code + 1, format)) / 2);
            for (const float x : {half, nextafterf(half, 0), nextafterf(half, INFINITY)}) {
                check_fp8(x, format);
                check_fp8(-x, format);
            }
        }
    }
    assert_int_equal(__nv_cvt_float2_to_fp8x2(make_float2(1, -2), __NV_SATFINITE, __NV_E4M3), 0xc038);
}

static void fp8_is_the_cpu_s(void **) {
    std::vector<uint16_t> x(VALUES);
    for (size_t i = 0; i < VALUES; i++)
        x[i] = (uint16_t)i;
    Ops cpu;
    ops_cpu(&cpu, 1);
    cpu.type = REAL_BF16;
    for (int i = 0; i < 2; i++) {
        std::vector<uint8_t> codes(VALUES);
        Fp8Scale scale = {};
        scale.format = i ? FP8_E5M2 : FP8_E4M3;
        const QuantiseFp8 quantise = {x.data(), &scale, false, codes.data(), nullptr, 1, VALUES};
        cpu.quantise_fp8(&cpu, &quantise);
        assert_null(cpu.error);
        for (size_t j = 0; j < VALUES; j++)
            assert_int_equal(codes[j], __nv_cvt_float_to_fp8(__uint_as_float((unsigned)j << 16), __NV_SATFINITE,
                                                             i ? __NV_E5M2 : __NV_E4M3));
    }
}

static void small_functions(void **) {
    assert_int_equal(__popc(0xf0f0u), 8);
    assert_int_equal(__ffs(0), 0);
    assert_int_equal(__ffs(8), 4);
    assert_int_equal(__clz(0), 32);
    assert_int_equal(__clz(1), 31);
    assert_int_equal(__float2int_rn(2.5f), 2);
    assert_int_equal(__float2int_rn(3.5f), 4);
    assert_int_equal(__float2int_rn(-1e20f), INT32_MIN);
    assert_int_equal(__float2int_rn(NAN), 0);
    assert_int_equal(__float_as_int(-0.0f), INT32_MIN);
    assert_true(__fdividef(6, 3) == 2 && __fdividef(1, 2e38f) == 0 && __fdividef(1, INFINITY) == 0);
    assert_true(rsqrtf(4) == 0.5f && __expf(0) == 1);
    assert_true(max(-1, 2u) == 0xffffffffu && min(1, 2) == 1 && max(1.5f, 2.0f) == 2.0f);
    assert_true(max(NAN, 1.0f) == 1.0f && min(1.0f, NAN) == 1.0f);
    int i = 5;
    unsigned long long u = 7;
    assert_int_equal(atomicAdd(&i, -2), 5);
    assert_int_equal(atomicMax(&i, 9), 3);
    assert_int_equal(atomicMin(&i, 4), 9);
    assert_int_equal(atomicExch(&i, 1), 4);
    assert_int_equal(atomicCAS(&i, 2, 8), 1);
    assert_int_equal(atomicCAS(&i, 1, 8), 1);
    assert_int_equal(i, 8);
    assert_int_equal(atomicAdd(&u, ~0ull), 7);
    assert_int_equal(u, 6);
    i = INT32_MAX;
    assert_int_equal(atomicAdd(&i, 1), INT32_MAX);
    assert_int_equal(i, INT32_MIN);
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(bf16_to_float_and_back),
        cmocka_unit_test(fp8_is_the_nearest),
        cmocka_unit_test(fp8_is_the_cpu_s),
        cmocka_unit_test(small_functions),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
