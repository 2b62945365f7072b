/* Holds each operation of a backend against a naive double-precision reference, written here in simple loops.
 *
 * A check draws a shape and its inputs, runs the operation once for each number of threads (RUN), and compares.
 * RUN poisons outputs with NaN first, restores what is both read and written, and afterwards demands that guards
 * around every buffer and all inputs are untouched and that every number of threads gave the same bits. */
#ifndef CHECKOPS_H
#define CHECKOPS_H

#include "ops.h"
#include "random.h"

/* A float's rounding error, relative: the unit of most tolerances. */
#define ROUNDING 0x1p-24

enum { CHECK_BUFFERS = 48 };

typedef enum { BUFFER_INPUT, BUFFER_OUTPUT, BUFFER_BOTH } BufferKind;

typedef struct {
    const char *name;
    BufferKind kind;
    unsigned char *block, *data; /* what was allocated; the part the operation sees */
    unsigned char *first, *result;
    size_t bytes, block_bytes;
} Buffer;

typedef struct {
    Ops ops;
    Random random;
    int round, rounds;
    int run; /* 0, 1, 2: one, two, three threads */
    bool failed;
    char shape[160], why[512];
    Buffer buffers[CHECK_BUFFERS];
    int buffer_count;
    void *scratch[CHECK_BUFFERS];
    int scratch_count;
} Check;

typedef void (*CheckFunction)(Check *check);

/* Random whole number in low .. high. */
int check_between(Check *check, int low, int high);
bool check_coin(Check *check);
/* Describes this round's shape for messages. */
void check_shape(Check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Buffers for the operation, freed at the end of the round. `size` is one element's; data starts at a multiple of it,
 * aligned no further, as slices of larger tensors are. Inputs and `both` are filled by the caller before RUN. */
void *check_buffer(Check *check, const char *name, BufferKind kind, size_t count, size_t size);
/* Floats from N(0, deviation^2), as input or both. */
float *check_normal(Check *check, const char *name, BufferKind kind, size_t count, double deviation);
float *check_output(Check *check, const char *name, size_t count);
/* A random permutation of 0 .. patches-1 for each sample. */
int32_t *check_ids(Check *check, int batch, int patches);
/* Zeroed numbers for references, freed at the end of the round; the second holds a copy of x. */
double *check_numbers(Check *check, size_t count);
double *check_copy(Check *check, const float *x, size_t count);

#define RUN(check) for (check_start(check); check_more(check); check_next(check))
void check_start(Check *check);
bool check_more(Check *check);
void check_next(Check *check);

/* Records a failure of this round; the first one counts. */
void check_fail(Check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* |got - want| <= bound[i] for each element. */
void check_bounds(Check *check, const char *what, const float *got, const double *want, const double *bound,
                  size_t count);
/* |got - want| <= relative * the largest |want|: for sums whose terms cancel. */
void check_near(Check *check, const char *what, const float *got, const double *want, double relative, size_t count);
void check_scalar(Check *check, const char *what, double got, double want, double bound);

/* Compares `gradient` at up to a dozen random places with central differences of `loss`, a function in double of the
 * numbers `at`. A step of 1e-4 leaves an error near 1e-8; the float gradient's own, up to 1e-5 of the largest element
 * for the lengths drawn here, dominates. */
typedef double (*LossFunction)(const void *context);
void check_slopes(Check *check, const char *what, const float *gradient, double *at, size_t count, LossFunction loss,
                  const void *context);
/* sum of x * y, and of one array's absolute largest. */
double check_dot(const double *x, const float *y, size_t count);

/* Times every operation at the shapes of the models the project trains. */
int bench(int threads, const char *only);

/* One per operation and property. */
void check_linear_forward(Check *check);
void check_linear_backward_input(Check *check);
void check_linear_backward_weight(Check *check);
void check_gemm(Check *check);
void check_exp2(Check *check);
void check_erf(Check *check);
void check_gelu_forward(Check *check);
void check_gelu_backward(Check *check);
void check_gelu_everywhere(Check *check);
void check_norm_forward(Check *check);
void check_norm_backward(Check *check);
void check_attention_forward(Check *check);
void check_attention_backward(Check *check);
void check_resize_pixels(Check *check);
void check_resize_facts(Check *check);
void check_pixels_to_patches(Check *check);
void check_image_to_patches(Check *check);
void check_embed_forward(Check *check);
void check_embed_backward(Check *check);
void check_restore_forward(Check *check);
void check_restore_backward(Check *check);
void check_pool_forward(Check *check);
void check_pool_backward(Check *check);
void check_masked_pixel_loss(Check *check);
void check_cross_entropy_loss(Check *check);
void check_regression_loss(Check *check);
void check_global_norm(Check *check);
void check_find_nonfinite(Check *check);
void check_adamw(Check *check);
void check_cast_to_bf16(Check *check);
void check_cast_from_bf16(Check *check);
void check_quantise_fp8(Check *check);
void check_errors(Check *check);

#endif
