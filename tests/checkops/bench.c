#include "checkops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* One operation at one shape. The numbers mean what the operation's caller below makes of them. */
typedef struct {
    const char *name;
    void (*call)(Ops *ops, const int *n);
    int n[4];
    int times;                    /* in a step of ViT-Tiny MAE, 96 px, batch 64 */
    double (*work)(const int *n); /* floating-point operations or bytes */
    const char *unit;             /* GFLOP or GB */
} Bench;

/* Memory that every call shares: pools of floats, and what stands at which place is of no interest. */
enum { POOL = 1 << 24, POOLS = 8 };
typedef struct {
    float *pool[POOLS];
    int32_t *ids;
    uint8_t *bytes;
} Memory;

/* Memory stands behind the table, where the calls, which get the table alone, find it. */
typedef struct {
    Ops ops;
    Memory memory;
} Bed;

static float *pool(Ops *ops, int which) {
    return ((Bed *)ops)->memory.pool[which];
}

static int32_t *ids(Ops *ops) {
    return ((Bed *)ops)->memory.ids;
}

static uint8_t *bytes(Ops *ops) {
    return ((Bed *)ops)->memory.bytes;
}

/* n: rows, in, out, activation */
static void forward(Ops *ops, const int *n) {
    ops->linear_forward(ops, pool(ops, 0), pool(ops, 1), pool(ops, 2), n[3], pool(ops, 3), pool(ops, 4), n[0], n[1],
                        n[2]);
}
static void backward_input(Ops *ops, const int *n) {
    ops->linear_backward_input(ops, pool(ops, 0), pool(ops, 1), n[3], pool(ops, 3), pool(ops, 4), n[0], n[1], n[2]);
}
static void backward_weight(Ops *ops, const int *n) {
    ops->linear_backward_weight(ops, pool(ops, 0), pool(ops, 1), pool(ops, 5), pool(ops, 6), false, n[0], n[1], n[2]);
}
static double product(const int *n) {
    return 2.0 * n[0] * n[1] * n[2];
}

/* n: rows, dim */
static void norm(Ops *ops, const int *n) {
    ops->norm_forward(ops, pool(ops, 0), pool(ops, 1), NULL, NULL, 1, pool(ops, 2), pool(ops, 3), 1e-6f, pool(ops, 4),
                      pool(ops, 5), pool(ops, 6), pool(ops, 7), n[0], n[1]);
}
static void norm_backward(Ops *ops, const int *n) {
    ops->norm_backward(ops, pool(ops, 0), pool(ops, 1), pool(ops, 2), pool(ops, 6), pool(ops, 7), pool(ops, 3), NULL,
                       NULL, NULL, 1, pool(ops, 4), NULL, pool(ops, 5), pool(ops, 5) + n[1], NULL, false, n[0], n[1]);
}
static double four_tensors(const int *n) {
    return 16.0 * n[0] * n[1];
}

/* n: batch, tokens, heads, head */
static void attention(Ops *ops, const int *n) {
    ops->attention_forward(ops, pool(ops, 0), pool(ops, 5), pool(ops, 6), n[0], n[1], n[2], n[3]);
}
static void attention_backward(Ops *ops, const int *n) {
    ops->attention_backward(ops, pool(ops, 1), pool(ops, 0), pool(ops, 5), pool(ops, 6), pool(ops, 4), n[0], n[1], n[2],
                            n[3]);
}
static double two_products(const int *n) {
    return 4.0 * n[0] * n[1] * n[1] * n[2] * n[3];
}
static double five_products(const int *n) {
    return 10.0 * n[0] * n[1] * n[1] * n[2] * n[3];
}

/* n: rows, dim, activation */
static void gelu(Ops *ops, const int *n) {
    ops->gelu_forward(ops, pool(ops, 0), n[2], pool(ops, 4), (size_t)n[0] * n[1]);
}
static void gelu_backward(Ops *ops, const int *n) {
    ops->gelu_backward(ops, pool(ops, 1), pool(ops, 0), n[2], pool(ops, 4), (size_t)n[0] * n[1]);
}
static double two_tensors(const int *n) {
    return 8.0 * n[0] * n[1];
}

/* n: height and width, size */
static void resize(Ops *ops, const int *n) {
    const Crop crop = {.top = 3, .left = 5, .height = n[0] - 7, .width = n[0] - 9, .flip = true};
    ops->error = ops->resize_pixels(bytes(ops), n[0], n[0], crop, n[1], n[1], (uint8_t *)pool(ops, 5));
}
static double read_pixels(const int *n) {
    return 3.0 * n[0] * n[0];
}

/* n: batch, size, patch, keep; pictures come at that size */
static void patches(Ops *ops, const int *n) {
    static const float mean[3] = {0.5f, 0.5f, 0.5f}, std[3] = {0.25f, 0.25f, 0.25f};
    ops->pixels_to_patches(ops, bytes(ops), n[1], n[1], NULL, ids(ops), n[3], mean, std, n[1], n[2], pool(ops, 4),
                           pool(ops, 5), n[0]);
}
static double patch_bytes(const int *n) {
    return 15.0 * n[0] * n[1] * n[1];
}

/* n: batch, patches, keep, dim */
static void embed(Ops *ops, const int *n) {
    ops->embed_forward(ops, pool(ops, 0), pool(ops, 1), pool(ops, 2), ids(ops), pool(ops, 4), n[0], n[1], n[2], n[3]);
}
static void embed_backward(Ops *ops, const int *n) {
    ops->embed_backward(ops, pool(ops, 0), ids(ops), pool(ops, 4), pool(ops, 5), NULL, false, n[0], n[1], n[2], n[3]);
}
static void restore(Ops *ops, const int *n) {
    ops->restore_forward(ops, pool(ops, 0), pool(ops, 1), pool(ops, 2), ids(ops), pool(ops, 4), n[0], n[1], n[2], n[3]);
}
static void restore_backward(Ops *ops, const int *n) {
    ops->restore_backward(ops, pool(ops, 0), ids(ops), pool(ops, 4), pool(ops, 5), false, n[0], n[1], n[2], n[3]);
}
static void pixel_loss(Ops *ops, const int *n) {
    double loss;
    ops->masked_pixel_loss(ops, pool(ops, 0), pool(ops, 1), ids(ops), true, 1, &loss, pool(ops, 4), n[0], n[1], n[2],
                           n[3]);
}
static double token_bytes(const int *n) {
    return 8.0 * n[0] * n[1] * n[3];
}

/* n: count */
static void global_norm(Ops *ops, const int *n) {
    ops->global_norm(ops, pool(ops, 0), n[0], pool(ops, 6));
}
static void find_nonfinite(Ops *ops, const int *n) {
    size_t first;
    ops->find_nonfinite(ops, pool(ops, 0), n[0], &first);
}
static void adamw(Ops *ops, const int *n) {
    const AdamwSegment segment = {.count = n[0], .lr_scale = 1, .decay = true};
    const AdamwValues values = {.lr = 1e-4f,
                                .beta1 = 0.9f,
                                .beta2 = 0.95f,
                                .eps = 1e-8f,
                                .weight_decay = 0.05f,
                                .bias1 = 1,
                                .bias2 = 1,
                                .clip = 1};
    const float norm = 2;
    ops->adamw(ops, pool(ops, 4), pool(ops, 1), pool(ops, 5), pool(ops, 7), &segment, 1, &values, &norm);
}
static void to_bf16(Ops *ops, const int *n) {
    ops->cast_to_bf16(ops, pool(ops, 0), (uint16_t *)pool(ops, 5), n[0]);
}
static void quantise(Ops *ops, const int *n) {
    float amax;
    ops->quantise_fp8(ops, pool(ops, 0), 8, FP8_E4M3, (uint8_t *)pool(ops, 5), &amax, n[0]);
}
static double four_bytes(const int *n) {
    return 4.0 * n[0];
}
static double six_bytes(const int *n) {
    return 6.0 * n[0];
}
static double twenty_eight_bytes(const int *n) {
    return 28.0 * n[0];
}

#define GELU ACTIVATION_GELU_ERF
static const Bench benches[] = {
    {"linear_forward", forward, {640, 192, 576, 0}, 12, product, "GFLOP"},
    {"linear_forward", forward, {640, 192, 192, 0}, 12, product, "GFLOP"},
    {"linear_forward", forward, {640, 192, 768, GELU}, 12, product, "GFLOP"},
    {"linear_forward", forward, {640, 768, 192, 0}, 12, product, "GFLOP"},
    {"linear_forward", forward, {2368, 96, 288, 0}, 4, product, "GFLOP"},
    {"linear_forward", forward, {2368, 96, 96, 0}, 4, product, "GFLOP"},
    {"linear_forward", forward, {2368, 96, 384, GELU}, 4, product, "GFLOP"},
    {"linear_forward", forward, {2368, 384, 96, 0}, 4, product, "GFLOP"},
    {"linear_forward", forward, {2368, 96, 768, 0}, 1, product, "GFLOP"},
    {"linear_forward", forward, {576, 768, 192, 0}, 1, product, "GFLOP"},
    {"linear_forward", forward, {640, 192, 96, 0}, 1, product, "GFLOP"},
    {"linear_forward", forward, {3200, 768, 3072, GELU}, 0, product, "GFLOP"},
    {"linear_forward", forward, {3200, 3072, 768, 0}, 0, product, "GFLOP"},
    {"linear_backward_input", backward_input, {640, 192, 576, 0}, 12, product, "GFLOP"},
    {"linear_backward_input", backward_input, {640, 192, 192, 0}, 12, product, "GFLOP"},
    {"linear_backward_input", backward_input, {640, 192, 768, 0}, 12, product, "GFLOP"},
    {"linear_backward_input", backward_input, {640, 768, 192, GELU}, 12, product, "GFLOP"},
    {"linear_backward_input", backward_input, {2368, 96, 288, 0}, 4, product, "GFLOP"},
    {"linear_backward_input", backward_input, {2368, 96, 96, 0}, 4, product, "GFLOP"},
    {"linear_backward_input", backward_input, {2368, 96, 384, 0}, 4, product, "GFLOP"},
    {"linear_backward_input", backward_input, {2368, 384, 96, GELU}, 4, product, "GFLOP"},
    {"linear_backward_input", backward_input, {2368, 96, 768, 0}, 1, product, "GFLOP"},
    {"linear_backward_input", backward_input, {640, 192, 96, 0}, 1, product, "GFLOP"},
    {"linear_backward_input", backward_input, {3200, 3072, 768, GELU}, 0, product, "GFLOP"},
    {"linear_backward_weight", backward_weight, {640, 192, 576}, 12, product, "GFLOP"},
    {"linear_backward_weight", backward_weight, {640, 192, 192}, 12, product, "GFLOP"},
    {"linear_backward_weight", backward_weight, {640, 192, 768}, 12, product, "GFLOP"},
    {"linear_backward_weight", backward_weight, {640, 768, 192}, 12, product, "GFLOP"},
    {"linear_backward_weight", backward_weight, {2368, 96, 288}, 4, product, "GFLOP"},
    {"linear_backward_weight", backward_weight, {2368, 96, 96}, 4, product, "GFLOP"},
    {"linear_backward_weight", backward_weight, {2368, 96, 384}, 4, product, "GFLOP"},
    {"linear_backward_weight", backward_weight, {2368, 384, 96}, 4, product, "GFLOP"},
    {"linear_backward_weight", backward_weight, {2368, 96, 768}, 1, product, "GFLOP"},
    {"linear_backward_weight", backward_weight, {576, 768, 192}, 1, product, "GFLOP"},
    {"linear_backward_weight", backward_weight, {640, 192, 96}, 1, product, "GFLOP"},
    {"linear_backward_weight", backward_weight, {3200, 768, 3072}, 0, product, "GFLOP"},
    {"norm_forward", norm, {640, 192}, 25, four_tensors, "GB"},
    {"norm_forward", norm, {2368, 96}, 9, four_tensors, "GB"},
    {"norm_forward", norm, {3200, 768}, 0, four_tensors, "GB"},
    {"norm_backward", norm_backward, {640, 192}, 25, four_tensors, "GB"},
    {"norm_backward", norm_backward, {2368, 96}, 9, four_tensors, "GB"},
    {"norm_backward", norm_backward, {3200, 768}, 0, four_tensors, "GB"},
    {"attention_forward", attention, {64, 10, 3, 64}, 12, two_products, "GFLOP"},
    {"attention_forward", attention, {64, 37, 3, 32}, 4, two_products, "GFLOP"},
    {"attention_forward", attention, {64, 50, 12, 64}, 0, two_products, "GFLOP"},
    {"attention_forward", attention, {16, 197, 16, 32}, 0, two_products, "GFLOP"},
    {"attention_forward", attention, {8, 257, 16, 80}, 0, two_products, "GFLOP"},
    {"attention_backward", attention_backward, {64, 10, 3, 64}, 12, five_products, "GFLOP"},
    {"attention_backward", attention_backward, {64, 37, 3, 32}, 4, five_products, "GFLOP"},
    {"attention_backward", attention_backward, {64, 50, 12, 64}, 0, five_products, "GFLOP"},
    {"attention_backward", attention_backward, {16, 197, 16, 32}, 0, five_products, "GFLOP"},
    {"attention_backward", attention_backward, {8, 257, 16, 80}, 0, five_products, "GFLOP"},
    {"gelu_forward", gelu, {640, 768, ACTIVATION_GELU_ERF}, 0, two_tensors, "GB"},
    {"gelu_forward", gelu, {640, 768, ACTIVATION_GELU_TANH}, 0, two_tensors, "GB"},
    {"gelu_backward", gelu_backward, {640, 768, ACTIVATION_GELU_ERF}, 0, two_tensors, "GB"},
    {"gelu_backward", gelu_backward, {640, 768, ACTIVATION_GELU_TANH}, 0, two_tensors, "GB"},
    {"resize_pixels", resize, {128, 96}, 0, read_pixels, "GB"},
    {"resize_pixels", resize, {256, 96}, 0, read_pixels, "GB"},
    {"resize_pixels", resize, {256, 224}, 0, read_pixels, "GB"},
    {"resize_pixels", resize, {512, 224}, 0, read_pixels, "GB"},
    {"resize_pixels", resize, {2048, 256}, 0, read_pixels, "GB"},
    {"pixels_to_patches", patches, {64, 96, 16, 9}, 1, patch_bytes, "GB"},
    {"embed_forward", embed, {64, 36, 9, 192}, 1, token_bytes, "GB"},
    {"embed_backward", embed_backward, {64, 36, 9, 192}, 1, token_bytes, "GB"},
    {"restore_forward", restore, {64, 36, 9, 96}, 1, token_bytes, "GB"},
    {"restore_backward", restore_backward, {64, 36, 9, 96}, 1, token_bytes, "GB"},
    {"masked_pixel_loss", pixel_loss, {64, 36, 9, 768}, 1, token_bytes, "GB"},
    {"global_norm", global_norm, {6000000}, 1, four_bytes, "GB"},
    {"find_nonfinite", find_nonfinite, {6000000}, 0, four_bytes, "GB"},
    {"adamw", adamw, {6000000}, 1, twenty_eight_bytes, "GB"},
    {"cast_to_bf16", to_bf16, {6000000}, 0, six_bytes, "GB"},
    {"quantise_fp8", quantise, {6000000}, 0, six_bytes, "GB"},
};
enum { BENCHES = sizeof benches / sizeof *benches };

/* With one thread the process's own time, which other work on the machine does not lengthen. */
static double now(int threads) {
    struct timespec time;
    clock_gettime(threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* The fastest of the runs of a tenth of a second: other work on the machine only adds. */
static double measure(const Bench *b, Ops *ops) {
    const double start = now(ops->threads);
    double fastest = 1e9, end = start;
    for (int count = 0; count < 5 || end - start < 0.1; count++) {
        const double begin = now(ops->threads);
        b->call(ops, b->n);
        end = now(ops->threads);
        fastest = end - begin < fastest ? end - begin : fastest;
    }
    return fastest;
}

static bool fill(Memory *memory) {
    Random random;
    random_start(&random, 1, RANDOM_TEST, 0, 0);
    memory->bytes = malloc(POOL);
    memory->ids = malloc(64 * 36 * sizeof *memory->ids);
    bool complete = memory->bytes && memory->ids;
    for (int p = 0; p < POOLS; p++) {
        memory->pool[p] = aligned_alloc(64, POOL * sizeof(float));
        complete &= memory->pool[p] != NULL;
        for (size_t i = 0; i < POOL && complete; i++)
            memory->pool[p][i] = random_uniform(&random) - (p == 7 ? 0 : 0.5f); /* the last holds what is positive */
    }
    for (int i = 0; i < POOL && complete; i++)
        memory->bytes[i] = (uint8_t)(i * 2654435761u >> 24);
    for (int i = 0; i < 64 * 36 && complete; i++)
        memory->ids[i] = (i / 36 + i * 5) % 36;
    return complete;
}

int bench(int threads, const char *only) {
    Bed bed = {0};
    ops_cpu(&bed.ops, threads);
    double step = 0;
    bool failed = !fill(&bed.memory);
    if (failed)
        fputs("checkops: no memory to bench in\n", stderr);
    for (int i = 0; i < BENCHES && !failed; i++) {
        const Bench *b = &benches[i];
        if (only && strcmp(only, b->name))
            continue;
        const double time = measure(b, &bed.ops);
        step += time * b->times;
        printf("%-24s %6d %5d %5d %5d %9.1f us %8.1f %s/s\n", b->name, b->n[0], b->n[1], b->n[2], b->n[3], time * 1e6,
               b->work(b->n) / time * 1e-9, b->unit);
        Status status = ops_error(&bed.ops);
        failed = status != NULL;
        if (failed)
            fprintf(stderr, "checkops: %s\n", status_message(status));
        status_free(status);
    }
    if (!only && !failed)
        printf("ViT-Tiny MAE, 96 px, batch 64, %d threads: %.1f ms of operations a step, %.0f images/s\n", threads,
               step * 1e3, 64 / step);
    for (int p = 0; p < POOLS; p++)
        free(bed.memory.pool[p]);
    free(bed.memory.ids);
    free(bed.memory.bytes);
    return failed ? EXIT_INTERNAL : 0;
}
