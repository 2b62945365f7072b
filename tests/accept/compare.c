/* SPDX-License-Identifier: Apache-2.0 */
/* compare CASE.safetensors OUT.safetensors [fp32|bf16|fp8 [OTHER.safetensors LEAST]]
 *
 * Holds what replay or features wrote against the recorded case: prints each kind's worst deviation, exits 1 when a
 * bound is missed, or when an output is less than LEAST away from the one in OTHER, which shows that what was asked for
 * was done. The cases were computed in float64. PyTorch in float32 deviates by 1e-7 in the loss, 1.2e-6 in the worst
 * gradient tensor and 2e-5 in the weights after the steps; the bounds leave an order of magnitude for other orders of
 * summation, and any slip in the algorithm lands far beyond them. A BF16 has 8 bits: a tensor's rounding errors of
 * 2^-9 each add up over the layers to the second bounds. E4M3 has 4 bits: a product of two rounded factors is 0.03 off
 * in the root mean square, which the residual stream dilutes. AdamW's first steps make of a small gradient's wrong sign
 * a whole step: in these types the way of each tensor from its first weights is compared, up to 0.17 and 0.30 off in
 * the recorded cases, where weights that stay are 1 off and a way back 2. */
#include "base/program.h"
#include "base/safetensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *prefix, *kind;
    double bound[3]; /* fp32, bf16, fp8 */
} Bound;

static const Bound bounds[] = {{"grad.", "gradient", {3e-5, 2e-2, 2.5e-1}},
                               {"after.", "weights after", {3e-4, 0.35, 0.6}},
                               {"losses", "losses", {5e-6, 2e-3, 1e-2}},
                               {"loss", "loss", {2e-6, 5e-4, 3e-3}},
                               {"pred", "output", {5e-6, 1.5e-2, 5e-2}},
                               {"latent", "output", {5e-6, 1.5e-2, 5e-2}},
                               {"logits", "output", {5e-6, 1.5e-2, 5e-2}},
                               {"features", "output", {5e-6, 1.5e-2, 5e-2}},
                               {"cls", "output", {5e-6, 1.5e-2, 5e-2}},
                               {"mean", "output", {5e-6, 1.5e-2, 5e-2}},
                               {"pooled", "output", {5e-6, 1.5e-2, 5e-2}},
                               {"head", "output", {5e-6, 1.5e-2, 5e-2}},
                               {"mask", "exact", {0, 0, 0}},
                               {"ids_restore", "exact", {0, 0, 0}}};
enum { KINDS = sizeof bounds / sizeof *bounds };

static double value(const Tensor *tensor, int64_t i) {
    return tensor->type == TYPE_I64 ? (double)((const int64_t *)tensor->data)[i]
                                    : (double)((const float *)tensor->data)[i];
}

static bool ends(const char *text, const char *end) {
    size_t a = strlen(text), b = strlen(end);
    return a >= b && strcmp(text + a - b, end) == 0;
}

/* ||got - want|| / ||want - from||, from nothing (NULL) or from the weights before the steps. The key third of a qkv
 * bias has zero gradient in exact arithmetic, so its rounding noise is no measure of anything; AdamW moves it by at
 * most lr a step, which bounds it absolutely. */
static double deviation(const Tensor *got, const Tensor *want, const Tensor *from, double most_moved) {
    if (!got || got->count != want->count)
        return INFINITY;
    bool key_bias = ends(want->name, "attn.qkv.bias");
    double difference = 0, size = 0;
    for (int64_t i = 0; i < want->count; i++) {
        const double a = value(got, i), b = value(want, i), way = b - (from ? value(from, i) : 0);
        if (key_bias && i >= want->count / 3 && i < want->count / 3 * 2) {
            if (strncmp(want->name, "after.", 6) == 0 && !(fabs(a - b) <= most_moved))
                return INFINITY;
            continue;
        }
        difference += (a - b) * (a - b);
        size += way * way;
    }
    return sqrt(difference) / (sqrt(size) + 1e-30);
}

/* The weights before the steps that a tensor holds after them; NULL: it holds none. */
static const Tensor *find_before(const SafeTensors *want, const char *name) {
    char before[300];
    if (strncmp(name, "after.", 6) != 0)
        return NULL;
    snprintf(before, sizeof before, "weights.%s", name + 6);
    return safetensors_find(want, before);
}

static int kind_of(const char *name) {
    for (int k = 0; k < KINDS; k++) {
        const size_t length = strlen(bounds[k].prefix);
        const bool prefix = bounds[k].prefix[length - 1] == '.';
        if (prefix ? !strncmp(name, bounds[k].prefix, length) : !strcmp(name, bounds[k].prefix))
            return k;
    }
    return -1;
}

/* Prints the worst of each kind; how many tensors miss their bounds, or 1 when there is none. */
static int hold(const SafeTensors *want, const SafeTensors *got, int precision) {
    const char *lr = safetensors_note(want, "lr"), *steps = safetensors_note(want, "steps");
    const double most_moved = lr && steps ? 2 * atof(lr) * atof(steps) : 0;
    double worst[KINDS] = {0};
    const char *where[KINDS] = {0};
    int seen = 0, missed = 0;
    for (int i = 0; i < safetensors_count(want); i++) {
        const Tensor *tensor = safetensors_at(want, i);
        const int k = kind_of(tensor->name);
        if (k < 0)
            continue;
        const double d = deviation(safetensors_find(got, tensor->name), tensor,
                                   precision ? find_before(want, tensor->name) : NULL, most_moved);
        seen++;
        missed += !(d <= bounds[k].bound[precision]);
        if (!where[k] || !(d <= worst[k])) {
            worst[k] = d;
            where[k] = tensor->name;
        }
    }
    for (int k = 0; k < KINDS; k++)
        if (where[k])
            printf("# %-4s %-14s %-40s %.3e (bound %.0e)\n", worst[k] <= bounds[k].bound[precision] ? "ok" : "MISS",
                   bounds[k].kind, where[k], worst[k], bounds[k].bound[precision]);
    printf("# %d tensors compared, %d missed\n", seen, missed);
    return missed + !seen;
}

/* How many outputs are nearer than `least` to the other run's, or 1 when there is none. */
static int demand_difference(const SafeTensors *got, const SafeTensors *other, double least) {
    int seen = 0, missed = 0;
    for (int i = 0; i < safetensors_count(got); i++) {
        const Tensor *tensor = safetensors_at(got, i), *beside = safetensors_find(other, tensor->name);
        const int k = kind_of(tensor->name);
        if (k < 0 || strcmp(bounds[k].kind, "output"))
            continue;
        const double d = beside ? deviation(tensor, beside, NULL, 0) : 0;
        seen++;
        missed += !(d >= least);
        printf("# %-4s %-14s %-40s %.3e (at least %.0e)\n", d >= least ? "ok" : "MISS", "difference", tensor->name, d,
               least);
    }
    return missed + !seen;
}

typedef struct {
    const char *recorded, *computed, *other;
    int precision;
    double least;
    bool missed;
} Arguments;

#define AT(field) offsetof(Arguments, field)
static const char *const precisions[] = {"fp32", "bf16", "fp8", NULL};
static const Option options[] = {
    {.name = "CASE.safetensors", .type = OPTION_PATH, .offset = AT(recorded), .help = "The recorded case."},
    {.name = "OUT.safetensors", .type = OPTION_PATH, .offset = AT(computed), .help = "What replay or features wrote."},
    {.name = "PRECISION",
     .type = OPTION_CHOICE,
     .choices = precisions,
     .offset = AT(precision),
     .optional = true,
     .fallback = "fp32",
     .help = "Precision whose bounds are taken."},
    {.name = "OTHER.safetensors",
     .type = OPTION_PATH,
     .offset = AT(other),
     .optional = true,
     .help = "Another output, from which each output has to differ by LEAST."},
    {.name = "LEAST",
     .type = OPTION_REAL,
     .offset = AT(least),
     .min = 0,
     .max = OPTION_NO_LIMIT,
     .optional = true,
     .help = "Least relative difference."},
    {0},
};
static const ExitCode exits[] = {EXIT_USAGE, EXIT_DATA, EXIT_IO, EXIT_NO_MEMORY, EXIT_OK};
static const Program program = {
    .name = "compare",
    .about =
        "Compares what replay wrote with the recorded case and prints the worst deviation of each kind. Exits with "
        "1 when a bound is missed.",
    .options = options,
    .exits = exits,
};

static Status run(void *context) {
    Arguments *a = context;
    SafeTensors *want = NULL, *got = NULL, *other = NULL;
    if (a->other && !(a->least > 0))
        return status_error(EXIT_USAGE, "OTHER.safetensors needs LEAST above 0");
    Status status = safetensors_open(a->recorded, &want);
    if (!status)
        status = safetensors_open(a->computed, &got);
    if (!status && a->other)
        status = safetensors_open(a->other, &other);
    if (!status)
        a->missed = hold(want, got, a->precision) + (other ? demand_difference(got, other, a->least) : 0) > 0;
    safetensors_close(want);
    safetensors_close(got);
    safetensors_close(other);
    return status;
}

int main(int count, char **arguments) {
    Arguments a = {0};
    const int code = program_main(&program, count, arguments, &a, run);
    return code ? code : a.missed;
}
