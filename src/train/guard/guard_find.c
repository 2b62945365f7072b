/* SPDX-License-Identifier: Apache-2.0 */
#include "train/guard/guard_find.h"

#include <stdio.h>

/* A search for the first tensor that is not finite; it ends with the finding, or with what went wrong. */
typedef struct {
    Ops *ops;
    uint64_t *first; /* device memory, for the operation's answer */
    GuardFinding *finding;
    Status status;
} Search;

/* Looks at one tensor; false when the search is over. */
static bool look(Search *search, FoundKind kind, const char *name, const Real *values, RealType type, size_t count) {
    uint64_t first = count;
    search->ops->find_nonfinite(search->ops,
                                &(FindNonfinite){.x = values, .type = type, .count = count, .first = search->first});
    search->status = ops_error(search->ops);
    if (!search->status)
        search->status = device_read(search->ops->device, &first, search->first, sizeof first);
    if (!search->status && first < count) {
        search->finding->kind = kind;
        snprintf(search->finding->name, sizeof search->finding->name, "%s", name);
    }
    return !search->status && first == count;
}

static bool visit(void *context, const char *layer, const Real *values, size_t count) {
    Search *search = context;
    return look(search, FOUND_ACTIVATION, layer, values, search->ops->type, count);
}

static bool look_at_parameters(Search *search, const Params *params) {
    for (int i = 0; i < params->count; i++)
        if (!look(search, FOUND_PARAMETER, params->list[i].name, params_value(params, i), REAL_FP32,
                  params->list[i].count))
            return false;
    return true;
}

static bool look_at_gradients(Search *search, const Params *params) {
    for (int i = params->count - 1; i >= 0; i--)
        if (params->list[i].trainable && !look(search, FOUND_GRADIENT, params->list[i].name, params_grad(params, i),
                                               REAL_FP32, params->list[i].count))
            return false;
    return true;
}

static Status search(Mae *mae, Ops *ops, bool activations, bool gradients, GuardFinding *finding) {
    const Device *device = ops->device;
    *finding = (GuardFinding){0};
    void *first;
    TRY(device->allocate(device, sizeof(uint64_t), "the guard's search", &first));
    Search search = {.ops = ops, .first = first, .finding = finding};
    if (look_at_parameters(&search, mae_params(mae)) && activations)
        mae_visit(mae, visit, &search);
    if (!search.status && !finding->kind && gradients)
        look_at_gradients(&search, mae_params(mae));
    device->release(device, first);
    return search.status;
}

Status guard_find(Mae *mae, Ops *ops, bool gradients, GuardFinding *finding) {
    return search(mae, ops, true, gradients, finding);
}

Status guard_find_parameter(Mae *mae, Ops *ops, GuardFinding *finding) {
    return search(mae, ops, false, false, finding);
}

const char *guard_kind_name(GuardKind kind) {
    static const char *const names[] = {"", "loss", "spike", "gradient", "parameters"};
    return names[kind];
}

const char *guard_found_name(FoundKind kind) {
    static const char *const names[] = {"", "parameter", "activation", "gradient"};
    return names[kind];
}
