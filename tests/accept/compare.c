/* compare CASE.safetensors OUT.safetensors [fp32|bf16]
 *
 * Holds what replay wrote against the recorded case: prints each kind's worst deviation, exits 1 when a bound is
 * missed. The cases were computed in float64. PyTorch in float32 deviates by 1e-7 in the loss, 1.2e-6 in the worst
 * gradient tensor and 2e-5 in the weights after the steps; the bounds leave an order of magnitude for other orders of
 * summation, and any slip in the algorithm lands far beyond them. A BF16 has 8 bits: a tensor's rounding errors of
 * 2^-9 each add up over the layers to the second bounds, and AdamW's first steps make of a gradient's wrong sign a
 * whole step, so that weights after them say nothing. */
#include "safetensors.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *prefix, *kind;
    double bound[2]; /* fp32, bf16 */
} Bound;

static const Bound bounds[] = {{"grad.", "gradient", {3e-5, 2e-2}},
                               {"after.", "weights after", {3e-4, INFINITY}},
                               {"losses", "losses", {5e-6, 2e-3}},
                               {"loss", "loss", {2e-6, 5e-4}},
                               {"pred", "output", {5e-6, 1.5e-2}},
                               {"latent", "output", {5e-6, 1.5e-2}},
                               {"logits", "output", {5e-6, 1.5e-2}},
                               {"features", "output", {5e-6, 1.5e-2}},
                               {"mask", "exact", {0, 0}},
                               {"ids_restore", "exact", {0, 0}}};
enum { KINDS = sizeof bounds / sizeof *bounds };

static double value(const Tensor *tensor, int64_t i) {
    return tensor->type == TYPE_I64 ? (double)((const int64_t *)tensor->data)[i]
                                    : (double)((const float *)tensor->data)[i];
}

static bool ends(const char *text, const char *end) {
    size_t a = strlen(text), b = strlen(end);
    return a >= b && strcmp(text + a - b, end) == 0;
}

/* ||got - want|| / ||want||. The key third of a qkv bias has zero gradient in exact arithmetic, so its rounding noise
 * is no measure of anything; AdamW moves it by at most lr a step, which bounds it absolutely. */
static double deviation(const Tensor *got, const Tensor *want, double most_moved) {
    if (!got || got->count != want->count)
        return INFINITY;
    bool key_bias = ends(want->name, "attn.qkv.bias");
    double difference = 0, size = 0;
    for (int64_t i = 0; i < want->count; i++) {
        double a = value(got, i), b = value(want, i);
        if (key_bias && i >= want->count / 3 && i < want->count / 3 * 2) {
            if (strncmp(want->name, "after.", 6) == 0 && !(fabs(a - b) <= most_moved))
                return INFINITY;
            continue;
        }
        difference += (a - b) * (a - b);
        size += b * b;
    }
    return sqrt(difference) / (sqrt(size) + 1e-30);
}

int main(int count, char **arguments) {
    SafeTensors *want = NULL, *got = NULL;
    const bool bf16 = count == 4 && strcmp(arguments[3], "bf16") == 0;
    const bool understood = count == 3 || bf16 || (count == 4 && strcmp(arguments[3], "fp32") == 0);
    Status status = understood
                        ? safetensors_open(arguments[1], &want)
                        : status_error(EXIT_USAGE, "usage: compare CASE.safetensors OUT.safetensors [fp32|bf16]");
    if (!status)
        status = safetensors_open(arguments[2], &got);
    if (status) {
        fprintf(stderr, "compare: %s\n", status_message(status));
        ExitCode code = status_code(status);
        status_free(status);
        safetensors_close(want);
        return (int)code;
    }
    const char *lr = safetensors_note(want, "lr"), *steps = safetensors_note(want, "steps");
    double most_moved = lr && steps ? 2 * atof(lr) * atof(steps) : 0;
    double worst[KINDS] = {0};
    const char *where[KINDS] = {0};
    int seen = 0, missed = 0;
    for (int i = 0; i < safetensors_count(want); i++) {
        const Tensor *tensor = safetensors_at(want, i);
        for (int k = 0; k < KINDS; k++) {
            size_t length = strlen(bounds[k].prefix);
            bool prefix = bounds[k].prefix[length - 1] == '.';
            if (prefix ? strncmp(tensor->name, bounds[k].prefix, length) : strcmp(tensor->name, bounds[k].prefix))
                continue;
            double d = deviation(safetensors_find(got, tensor->name), tensor, most_moved);
            seen++;
            missed += !(d <= bounds[k].bound[bf16]);
            if (!where[k] || !(d <= worst[k])) {
                worst[k] = d;
                where[k] = tensor->name;
            }
        }
    }
    for (int k = 0; k < KINDS; k++)
        if (where[k])
            printf("# %-4s %-14s %-40s %.3e (bound %.0e)\n", worst[k] <= bounds[k].bound[bf16] ? "ok" : "MISS",
                   bounds[k].kind, where[k], worst[k], bounds[k].bound[bf16]);
    printf("# %d tensors compared, %d missed\n", seen, missed);
    safetensors_close(want);
    safetensors_close(got);
    return missed || !seen ? 1 : 0;
}
