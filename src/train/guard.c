#include "guard.h"

#include <math.h>
#include <stdio.h>

GuardKind guard_judge_loss(double loss, double mean, int64_t steps, double spike) {
    if (!isfinite(loss))
        return GUARD_LOSS;
    if (spike > 0 && steps >= GUARD_SETTLED && loss > spike * mean)
        return GUARD_SPIKE;
    return GUARD_SOUND;
}

double guard_mean(double mean, double loss) {
    return isnan(mean) ? loss : 0.98 * mean + 0.02 * loss;
}

static bool is_finite(Ops *ops, const float *values, size_t count) {
    size_t first = count;
    ops->find_nonfinite(ops, values, count, &first);
    return first == count;
}

static void found(GuardFinding *finding, FoundKind kind, const char *name) {
    finding->kind = kind;
    snprintf(finding->name, sizeof finding->name, "%s", name);
}

void guard_find_parameter(Mae *mae, Ops *ops, GuardFinding *finding) {
    const Params *params = mae_params(mae);
    *finding = (GuardFinding){0};
    for (int i = 0; i < params->count; i++)
        if (!is_finite(ops, params_value(params, i), params->list[i].count)) {
            found(finding, FOUND_PARAMETER, params->list[i].name);
            return;
        }
}

typedef struct {
    Ops *ops;
    GuardFinding *finding;
} Visit;

static bool visit(void *context, const char *layer, const float *values, size_t count) {
    Visit *at = context;
    if (is_finite(at->ops, values, count))
        return true;
    found(at->finding, FOUND_ACTIVATION, layer);
    return false;
}

void guard_find(Mae *mae, Ops *ops, bool gradients, GuardFinding *finding) {
    guard_find_parameter(mae, ops, finding);
    if (finding->kind)
        return;
    Visit at = {ops, finding};
    mae_visit(mae, visit, &at);
    const Params *params = mae_params(mae);
    for (int i = params->count - 1; i >= 0 && gradients && !finding->kind; i--)
        if (params->list[i].trainable && !is_finite(ops, params_grad(params, i), params->list[i].count))
            found(finding, FOUND_GRADIENT, params->list[i].name);
}

const char *guard_kind_name(GuardKind kind) {
    static const char *const names[] = {"", "loss", "spike", "gradient", "parameters"};
    return names[kind];
}

const char *guard_found_name(FoundKind kind) {
    static const char *const names[] = {"", "parameter", "activation", "gradient"};
    return names[kind];
}
