/* SPDX-License-Identifier: Apache-2.0 */
/* Compares each operation of every backend with a naive double-precision reference, and the backends with each other.
 *
 * A check draws a shape and its inputs into buffers of host memory, calls the operation in a RUN loop, and compares the
 * buffers, which then contain the CPU's results in FP32, with its reference. The loop's body runs once for each way to
 * run the operation (runs.c lists them: backends, types, numbers of threads, orders of threads and blocks), and AT(x)
 * gives it the memory of the current run's device for a buffer. Before every run device memory is laid out again, with
 * guards around each buffer and outputs poisoned with NaN. Afterwards guards and inputs must be untouched, all runs of
 * one backend and type must give the same bits, the backends must agree, and the CPU's BF16 must be its FP32, rounded
 * where ops.h says and nowhere else. */
#ifndef CHECKOPS_H
#define CHECKOPS_H

#include "base/random.h"
#include "ops/ops.h"
#include "tests/checkops/backends.h"

/* A float's rounding error, relative: the unit of most tolerances. */
#define ROUNDING 0x1p-24

enum { CHECK_BUFFERS = 48, GROUPS = 7 };
/* ROUNDS: of each check, unless --rounds asks for others. OPTIONS, LEVELS: see check_options(). */
enum { ROUNDS = 20, OPTIONS = 8, LEVELS = 9, PAIRS = 8 };

typedef enum { BUFFER_INPUT, BUFFER_OUTPUT, BUFFER_BOTH } BufferKind;

/* The elements of a buffer. Real: floats on the host, what the run's `type` says on the device. Bytes: anything that is
 * equal everywhere. */
typedef enum { BUFFER_REAL, BUFFER_FLOAT, BUFFER_DOUBLE, BUFFER_BF16, BUFFER_BYTES } BufferType;

typedef struct {
    const char *name;
    BufferKind kind;
    BufferType type;
    size_t count, size;             /* elements and one's bytes on the host */
    void *data, *first;             /* host memory that the check sees; what the check filled it with */
    double bound[2];                /* of FP32 and BF16 results, relative to the largest */
    bool own_comparison;            /* see check_own_comparison() */
    unsigned char *image, *block;   /* what the current run is given: on the host, on the device */
    size_t before, bytes, after;    /* of a block: guard, elements, guard */
    unsigned char *results[GROUPS]; /* of the first run of each group, as in device memory */
} Buffer;

typedef struct {
    Ops ops; /* the current run's */
    const Backends *backends;
    Random random, places; /* for the check; for where buffers lie */
    int round, rounds;     /* a check that draws nothing sets rounds to 1 (check_once()) */
    bool brief;            /* fewer rounds than usual: a sweep over values takes fewer of them */
    bool failed;
    bool host_only, fp32_only; /* set before RUN: no operation of the table, so the CPU's alone; not in BF16 */
    bool cpu_fp32;             /* in FP32 the CPU's alone */
    bool timed;                /* set before RUN: devices choose among their ways by timing */
    const char *skipped;       /* why nothing was checked; NULL: it was */
    char shape[160], why[640];
    Buffer buffers[CHECK_BUFFERS];
    int buffer_count;
    void *scratch[CHECK_BUFFERS];
    int scratch_count;
    int group, variant; /* of runs.c: the current run */
    int shown;          /* the group whose results are in the buffers, in EACH */
} Check;

typedef void (*CheckFunction)(Check *check);

/* Ends the check after this round: it is the same in every one. */
void check_once(Check *check);

/* Random whole number in low .. high. */
int check_between(Check *check, int low, int high);
bool check_coin(Check *check);
/* An operation's options, each with `levels` values from 0 on. */
typedef struct {
    int option, value, other, its;
} OptionPair;
typedef struct {
    int count, levels[OPTIONS];
    OptionPair never[PAIRS]; /* what cannot be together; after the last, zeros */
} Options;
/* Their values in this round: from round 1 on rows in which each pair of two options' values occurs, at most ROUNDS - 1
 * of them; afterwards, and in round 0, random ones. */
void check_options(Check *check, const Options *options, int chosen[]);
/* Describes this round's shape for messages. */
void check_shape(Check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Buffers for the operation, freed at the end of the round. Inputs and `both` are filled by the caller before RUN. */
void *check_buffer(Check *check, const char *name, BufferKind kind, BufferType type, size_t count);
void *check_bytes(Check *check, const char *name, BufferKind kind, size_t count, size_t size);
/* Values from N(0, deviation^2), as input or both. */
float *check_reals(Check *check, const char *name, BufferKind kind, size_t count, double deviation);
float *check_floats(Check *check, const char *name, BufferKind kind, size_t count, double deviation);
float *check_real_output(Check *check, const char *name, size_t count);
float *check_float_output(Check *check, const char *name, size_t count);
/* A random permutation of 0 .. patches-1 for each sample. */
int32_t *check_ids(Check *check, int batch, int patches);
/* Other bounds on what backends may differ by in this buffer, in each type, where the mathematics allows no less:
 * relative to its largest magnitude, not below the ordinary 1e-5 and 2^-8. */
void check_tolerance(Check *check, const void *data, double fp32, double bf16);
/* The check compares this buffer itself, in EACH: backends may differ. */
void check_own_comparison(Check *check, const void *data);
/* Zeroed numbers for references, freed at the end of the round; the second holds a copy of x. */
double *check_numbers(Check *check, size_t count);
double *check_copy(Check *check, const float *x, size_t count);

#define RUN(check) for (check_start(check); check_more(check); check_next(check))
void check_start(Check *check);
bool check_more(Check *check);
void check_next(Check *check);
/* In RUN: the buffer in the memory of the current run's device; NULL for NULL. */
#define AT(data) check_at(check, (data))
void *check_at(const Check *check, const void *data);

/* After RUN: puts the results of one group of runs after the other into the buffers (check_type() is the type they were
 * stored in), inputs as these runs saw them; at the end the CPU's in FP32 again. For what must be true everywhere. */
#define EACH(check) for (check_show(check); check_showing(check);)
void check_show(Check *check);
bool check_showing(Check *check);
RealType check_type(const Check *check);

/* The FP8 codes that an operation writes beside a tensor, if at all: the buffers, the operation's argument in RUN, and
 * the comparison with quantise_fp8() of the tensor as each run has written it. */
typedef enum { CODES_NONE, CODES_COUNTED, CODES_SEEN, CODES_KINDS } CodesKind;
typedef struct {
    Fp8Scale *scale, before;
    uint8_t *y; /* NULL: none */
    bool seen;
    Fp8Codes at;
} Codes;
Codes check_codes(Check *check, CodesKind kind, size_t count);
const Fp8Codes *check_codes_at(Check *check, Codes *codes);
void check_codes_of(Check *check, const Codes *codes, const float *tensor, size_t count);

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

/* For the parts of the harness. */
void *check_allocate(size_t bytes);
/* Compares `got`, a buffer's elements as a run of `got_type` stores them, with `want` (compare.c). */
void check_compare(Check *check, const Buffer *buffer, const void *got, RealType got_type, const void *want,
                   RealType want_type);
/* Makes the CPU's FP32 operations round to BF16 between their steps. */
void check_steps(Ops *ops);
/* Element i of a buffer's values as a run of `type` stores them. */
double check_element(const Buffer *buffer, const void *values, RealType type, size_t i);
size_t check_element_size(const Buffer *buffer, RealType type);
/* "emu bf16, order 2" of the current run, or of the group that is shown; "" outside both. */
void check_label(const Check *check, char *text, size_t size);
void check_free(Check *check);

/* Times every operation at the shapes of the models the project trains. */
int bench(const char *backend, int threads, const char *only);

/* One check for each operation: one that lacks it does not link. */
#define CHECK_DECLARE(operation, Arguments) void check_##operation(Check *check);
OPERATIONS(CHECK_DECLARE)
#undef CHECK_DECLARE

/* Facts beyond an operation's own check. */
#define FACTS(X)                                                                                                       \
    X(gemm)                                                                                                            \
    X(exp2)                                                                                                            \
    X(erf)                                                                                                             \
    X(gelu_everywhere)                                                                                                 \
    X(norm_widths)                                                                                                     \
    X(resize_pixels)                                                                                                   \
    X(resize_facts)                                                                                                    \
    X(resize_box)                                                                                                      \
    X(resize_box_facts)                                                                                                \
    X(errors)                                                                                                          \
    X(large)                                                                                                           \
    X(linear_forward_timed)                                                                                            \
    X(linear_backward_input_timed)                                                                                     \
    X(linear_backward_weight_timed)
#define FACT_DECLARE(fact) void check_##fact(Check *check);
FACTS(FACT_DECLARE)
#undef FACT_DECLARE

#endif
