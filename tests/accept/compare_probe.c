/* SPDX-License-Identifier: Apache-2.0 */
/* compare_probe CASE.safetensors OUT.safetensors
 *
 * Holds what probe wrote against the recorded case: every tensor expected.NAME is there as NAME, of its shape. Prints
 * the worst deviation of each, exits 1 when there is a miss. The recorded objective is where scikit-learn's solver
 * stopped, so ours may not be above it by more than 1e-6; its probabilities are within 3e-6 of the minimum, and a
 * solver in float ends 2e-3 off; scores on val depend on few rows; the same strength is chosen. Weights are compared by
 * their shape alone: the objective judges them. */
#include "base/program.h"
#include "base/safetensors.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    const char *recorded, *computed;
    bool missed;
} Arguments;

static const struct {
    const char *name;
    double bound;
} bounds[] = {{"chosen", 0}, {"objective", 1e-6}, {"probability", 1e-4}, {"prediction", 1e-3},
              {"val", 1e-3}, {"knn", 1e-5},       {"coef", INFINITY},    {"intercept", INFINITY}};

static double value(const Tensor *tensor, int64_t i) {
    return tensor->type == TYPE_I64 ? (double)((const int64_t *)tensor->data)[i] : ((const double *)tensor->data)[i];
}

/* NAN: of another type or shape. */
static double deviation(const Tensor *want, const Tensor *got, bool one_sided) {
    if (!got || got->type != want->type || got->dims != want->dims)
        return NAN;
    for (int side = 0; side < want->dims; side++)
        if (got->shape[side] != want->shape[side])
            return NAN;
    double worst = 0;
    for (int64_t i = 0; i < want->count; i++) {
        const double miss = value(got, i) - value(want, i);
        worst = fmax(worst, isnan(miss) ? INFINITY : one_sided ? miss / fabs(value(want, i)) : fabs(miss));
    }
    return worst;
}

static void compare_tensors(const SafeTensors *want, const SafeTensors *got, Arguments *a) {
    int seen = 0;
    for (size_t b = 0; b < sizeof bounds / sizeof *bounds; b++) {
        char name[40];
        snprintf(name, sizeof name, "expected.%s", bounds[b].name);
        const Tensor *tensor = safetensors_find(want, name);
        if (!tensor)
            continue;
        const double d =
            deviation(tensor, safetensors_find(got, bounds[b].name), strcmp(bounds[b].name, "objective") == 0);
        const bool fits = d <= bounds[b].bound;
        printf("# %-4s %-12s %.3e (bound %.0e)\n", fits ? "ok" : "MISS", bounds[b].name, d, bounds[b].bound);
        a->missed |= !fits;
        seen++;
    }
    a->missed |= !seen;
}

static Status run(void *context) {
    Arguments *a = context;
    SafeTensors *want = NULL, *got = NULL;
    Status status = safetensors_open(a->recorded, &want);
    if (!status)
        status = safetensors_open(a->computed, &got);
    if (!status)
        compare_tensors(want, got, a);
    safetensors_close(want);
    safetensors_close(got);
    return status;
}

static const Option options[] = {
    {.name = "CASE.safetensors", .type = OPTION_PATH, .offset = offsetof(Arguments, recorded), .help = "The case."},
    {.name = "OUT.safetensors",
     .type = OPTION_PATH,
     .offset = offsetof(Arguments, computed),
     .help = "What probe wrote."},
    {0},
};
static const ExitCode exits[] = {EXIT_USAGE, EXIT_DATA, EXIT_IO, EXIT_NO_MEMORY, EXIT_OK};
static const Program program = {.name = "compare_probe",
                                .about = "Compares what probe wrote with the recorded case. Exits with 1 when a bound "
                                         "is missed.",
                                .options = options,
                                .exits = exits};

int main(int count, char **arguments) {
    Arguments a = {0};
    const int code = program_main(&program, count, arguments, &a, run);
    return code ? code : a.missed;
}
