/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes beyond 2^31 elements, or as large as a model's largest, on a GPU alone: nothing else would notice an index that
 * overflows. Inputs repeat a small block, so that the results must repeat those of the block by itself, which the other
 * checks have compared with the CPU's. They are looked at in places all over the tensor. */
#include "tests/checkops/checkops.h"
#include "tests/checkops/reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES = 200, MOST_TENSORS = 16 };
static const size_t ELEMENTS = (size_t)1 << 31, GIGABYTE = 1000000000;
static const size_t NEEDED = 14; /* gigabytes: the norm's two tensors, and what cuBLASLt and others hold */

typedef struct {
    Check *check;
    const Device *device;
    Ops ops;
    void *tensors[MOST_TENSORS];
    int count;
} Large;

static bool expect_fine(Large *l, Status status) {
    if (status)
        check_fail(l->check, "%s: %s", l->device->name, status_message(status));
    status_free(status);
    return !l->check->failed;
}

/* Freed by finish_case(); NULL after a failure. */
static void *new_tensor(Large *l, size_t bytes) {
    void **tensor = &l->tensors[l->count++];
    return expect_fine(l, l->device->allocate(l->device, bytes, "a large tensor", tensor)) ? *tensor : NULL;
}

/* `block` so many times in a row. */
static void *repeat(Large *l, const void *block, size_t bytes, size_t times) {
    char *tensor = new_tensor(l, bytes * times);
    if (!tensor || !expect_fine(l, device_write(l->device, tensor, block, bytes)))
        return NULL;
    for (size_t done = 1; done < times; done *= 2) {
        const size_t more = times - done < done ? times - done : done;
        if (!expect_fine(l,
                         l->device->copy(l->device, NULL, tensor + done * bytes, tensor, more * bytes, COPY_ON_DEVICE)))
            return NULL;
    }
    return tensor;
}

/* `large` is `small`, of that many bytes, over and over; BF16 values may differ by `tolerance` of the largest. */
static void expect_repeated(Large *l, const char *what, const void *large, const void *small, size_t bytes,
                            size_t times, float tolerance) {
    unsigned char *want = malloc(bytes), *got = malloc(bytes);
    if (!want || !got)
        check_fail(l->check, "no memory");
    bool fine =
        want && got && expect_fine(l, ops_error(&l->ops)) && expect_fine(l, device_read(l->device, want, small, bytes));
    for (size_t i = 0; fine && i < PLACES; i++) {
        const size_t place = i * (times - 1) / (PLACES - 1);
        fine = expect_fine(l, device_read(l->device, got, (const char *)large + place * bytes, bytes));
        size_t wrong = 0;
        for (size_t j = 0; j < bytes; j += sizeof(uint16_t)) {
            uint16_t a, b;
            memcpy(&a, got + j, sizeof a);
            memcpy(&b, want + j, sizeof b);
            wrong += a != b && (!tolerance || !(fabsf(reference_from_bf16(a) - reference_from_bf16(b)) <= tolerance));
        }
        if (wrong)
            check_fail(l->check, "%s: %zu of %zu bytes differ in block %zu of %zu", what, wrong, bytes, place, times);
        fine = fine && !wrong;
    }
    free(want);
    free(got);
}

static void finish_case(Large *l) {
    while (l->count)
        l->device->release(l->device, l->tensors[--l->count]);
}

/* Normally distributed, as BF16 or FP32; the check's to free. */
static void *draw_block(Large *l, size_t count, bool rounded) {
    float *values = check_allocate(count * sizeof *values);
    uint16_t *halves = (uint16_t *)values;
    for (size_t i = 0; i < count; i++) {
        const float value = 4 * random_uniform(&l->check->random) - 2;
        if (rounded)
            halves[i] = reference_bf16(value);
        else
            values[i] = value;
    }
    return values;
}

static void check_large_gelu(Large *l) {
    enum { BLOCK = 65536 };
    const size_t times = ELEMENTS / BLOCK + 1, bytes = BLOCK * sizeof(uint16_t);
    void *block = draw_block(l, BLOCK, true);
    const Real *few = repeat(l, block, bytes, 1), *many = repeat(l, block, bytes, times);
    Real *one = new_tensor(l, bytes), *all = new_tensor(l, bytes * times);
    free(block);
    if (l->check->failed)
        return;
    l->ops.gelu_forward(&l->ops, &(GeluForward){.x = few, .act = ACTIVATION_GELU_ERF, .y = one, .count = BLOCK});
    l->ops.gelu_forward(&l->ops,
                        &(GeluForward){.x = many, .act = ACTIVATION_GELU_ERF, .y = all, .count = BLOCK * times});
    expect_repeated(l, "gelu_forward", all, one, bytes, times, 0);
}

static void check_large_norm(Large *l) {
    enum { ROWS = 64, DIM = 1024 };
    const size_t times = ELEMENTS / (ROWS * DIM) + 1, bytes = ROWS * DIM * sizeof(uint16_t);
    void *block = draw_block(l, ROWS * DIM, true), *weights = draw_block(l, 2 * DIM, false);
    const Real *few = repeat(l, block, bytes, 1), *many = repeat(l, block, bytes, times);
    const float *weight = repeat(l, weights, 2 * DIM * sizeof(float), 1);
    Real *one = new_tensor(l, bytes), *all = new_tensor(l, bytes * times);
    float *facts = new_tensor(l, 2 * ROWS * times * sizeof *facts);
    free(block);
    free(weights);
    if (l->check->failed)
        return;
    NormForward norm = {.x = few,
                        .weight = weight,
                        .bias = weight + DIM,
                        .eps = 1e-6f,
                        .y = one,
                        .mean = facts,
                        .rstd = facts + ROWS * times,
                        .rows = ROWS,
                        .dim = DIM};
    l->ops.norm_forward(&l->ops, &norm);
    norm.x = many;
    norm.y = all;
    norm.rows = (int)(ROWS * times);
    l->ops.norm_forward(&l->ops, &norm);
    expect_repeated(l, "norm_forward", all, one, bytes, times, 0);
}

/* As large as GELU's results of a ViT-L. */
static void check_large_codes(Large *l) {
    enum { ROWS = 64, COLUMNS = 4096, BLOCK = ROWS * COLUMNS };
    const size_t times = ELEMENTS / BLOCK / 8;
    const Fp8Scale scale = {.format = FP8_E4M3, .scale = 64, .inverse = 1.0f / 64};
    void *block = draw_block(l, BLOCK, true);
    const Real *few = repeat(l, block, BLOCK * sizeof(uint16_t), 1),
               *many = repeat(l, block, BLOCK * sizeof(uint16_t), times);
    Fp8Scale *scales = repeat(l, &scale, sizeof scale, 1);
    uint8_t *one = new_tensor(l, 2 * BLOCK), *all = new_tensor(l, 2 * BLOCK * times);
    free(block);
    if (l->check->failed)
        return;
    QuantiseFp8 quantise = {
        .x = few, .scale = scales, .y = one, .transposed = one + BLOCK, .rows = ROWS, .columns = COLUMNS};
    l->ops.quantise_fp8(&l->ops, &quantise);
    quantise = (QuantiseFp8){.x = many,
                             .scale = scales,
                             .y = all,
                             .transposed = all + BLOCK * times,
                             .rows = (int)(ROWS * times),
                             .columns = COLUMNS};
    l->ops.quantise_fp8(&l->ops, &quantise);
    expect_repeated(l, "quantise_fp8", all, one, BLOCK, times, 0);
    /* A transposed row is the block's, over and over. */
    for (int column = 0; column < COLUMNS && !l->check->failed; column += COLUMNS / 3)
        expect_repeated(l, "quantise_fp8, transposed", quantise.transposed + (size_t)column * ROWS * times,
                        one + BLOCK + (size_t)column * ROWS, ROWS, times, 0);
}

/* As many parameters as a ViT-L has. */
static void check_large_update(Large *l) {
    enum { BLOCK = 65536, SETS = 4 };
    const size_t times = ELEMENTS / BLOCK / 6, bytes = BLOCK * sizeof(float);
    float *few[SETS], *many[SETS];
    for (int i = 0; i < SETS; i++) {
        float *block = draw_block(l, BLOCK, false);
        for (int j = 0; i == SETS - 1 && j < BLOCK; j++)
            block[j] *= block[j]; /* the second moment */
        few[i] = repeat(l, block, bytes, 1);
        many[i] = repeat(l, block, bytes, times);
        free(block);
    }
    const AdamwValues values = {.lr = 1e-3f,
                                .weight1 = 0.1f,
                                .weight2 = 0.05f,
                                .eps = 1e-8f,
                                .weight_decay = 0.05f,
                                .bias1 = 0.1f,
                                .bias2 = 0.05f};
    const float one = 1;
    const AdamwValues *at = repeat(l, &values, sizeof values, 1);
    const float *norm = repeat(l, &one, sizeof one, 1);
    for (int large = 0; large < 2 && !l->check->failed; large++) {
        float **set = large ? many : few;
        const size_t count = BLOCK * (large ? times : 1);
        const AdamwSegment segment = {.count = count, .lr_scale = 1, .decay = DECAY_ZERO};
        l->ops.adamw(&l->ops, &(Adamw){.param = set[0],
                                       .grad = set[1],
                                       .m = set[2],
                                       .v = set[3],
                                       .count = count,
                                       .segments = repeat(l, &segment, sizeof segment, 1),
                                       .segment_count = 1,
                                       .values = at,
                                       .norm = norm});
    }
    for (int i = 0; i < SETS && !l->check->failed; i++)
        expect_repeated(l, "adamw", many[i], few[i], bytes, times, 0);
}

/* A ViT-L's decoder over 1024 images. Another plan of cuDNN's may round otherwise: in BF16, of values below 2. */
static void check_large_attention(Large *l) {
    enum { TOKENS = 197, HEADS = 16, HEAD = 32, WIDTH = HEADS * HEAD, TIMES = 1024 };
    const size_t in = TOKENS * 3 * WIDTH * sizeof(uint16_t), out = TOKENS * WIDTH * sizeof(uint16_t);
    void *block = draw_block(l, TOKENS * 3 * WIDTH, true);
    const Real *few = repeat(l, block, in, 1), *many = repeat(l, block, in, TIMES);
    Real *one = new_tensor(l, out), *all = new_tensor(l, out * TIMES);
    float *lse = new_tensor(l, (size_t)TIMES * HEADS * TOKENS * sizeof *lse);
    free(block);
    if (l->check->failed)
        return;
    AttentionForward attention = {
        .qkv = few, .out = one, .lse = lse, .batch = 1, .tokens = TOKENS, .heads = HEADS, .head = HEAD};
    l->ops.attention_forward(&l->ops, &attention);
    attention.qkv = many;
    attention.out = all;
    attention.batch = TIMES;
    l->ops.attention_forward(&l->ops, &attention);
    expect_repeated(l, "attention_forward", all, one, out, TIMES, 0x1p-7f);
}

void check_large(Check *check) {
    static void (*const cases[])(Large *) = {check_large_gelu, check_large_norm, check_large_codes, check_large_update,
                                             check_large_attention};
    Large l = {.check = check, .device = check->backends->of[BACKEND_CUDA].device};
    size_t available, total;
    check_once(check);
    if (!l.device) {
        check->skipped = "a GPU alone has the memory and the speed";
        return;
    }
    if (!expect_fine(&l, l.device->memory(l.device, &available, &total)))
        return;
    if (available < NEEDED * GIGABYTE) {
        check->skipped = "it takes 14 GB of the GPU's memory";
        return;
    }
    l.device->operations(l.device, 1, &l.ops);
    l.ops.type = REAL_BF16;
    for (size_t i = 0; i < sizeof cases / sizeof *cases && !check->failed; i++) {
        cases[i](&l);
        finish_case(&l);
    }
}
