/* SPDX-License-Identifier: Apache-2.0 */
#include "train/guard/guard_find.h"

#include <stdio.h>

/* A search for the first tensor that is not finite; it ends with a finding or a failure. */
typedef struct {
    Ops *ops;
    uint64_t *first; /* device memory, for the operation's result */
    GuardFinding *finding;
    Status status;
} Search;

/* Checks one tensor; false when the search is over. */
static bool check_tensor(Search *search, FoundKind kind, const char *name, const Real *values, RealType type,
                         size_t count) {
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

static bool visit_activation(void *context, const VisitedTensor *tensor) {
    Search *search = context;
    return check_tensor(search, FOUND_ACTIVATION, tensor->name, tensor->values, search->ops->type, tensor->count);
}

static bool check_parameters(Search *search, const Params *params) {
    for (int i = 0; i < params->count; i++)
        if (!check_tensor(search, FOUND_PARAMETER, params->list[i].name, params_value(params, i), REAL_FP32,
                          params->list[i].count))
            return false;
    return true;
}

static bool check_gradients(Search *search, const Params *params) {
    for (int i = params->count - 1; i >= 0; i--)
        if (param_is_trained(&params->list[i]) &&
            !check_tensor(search, FOUND_GRADIENT, params->list[i].name, params_grad(params, i), REAL_FP32,
                          params->list[i].count))
            return false;
    return true;
}

static Status search_model(const Objective *objective, Ops *ops, bool activations, bool gradients,
                           GuardFinding *finding) {
    const Device *device = ops->device;
    *finding = (GuardFinding){0};
    void *first;
    TRY(device->allocate(device, sizeof(uint64_t), "the guard's search", &first));
    Search search = {.ops = ops, .first = first, .finding = finding};
    if (check_parameters(&search, objective->params) && activations)
        objective->visit(objective, visit_activation, &search);
    if (!search.status && !finding->kind && gradients)
        check_gradients(&search, objective->params);
    device->release(device, first);
    return search.status;
}

Status guard_find(const Objective *objective, Ops *ops, bool gradients, GuardFinding *finding) {
    return search_model(objective, ops, true, gradients, finding);
}

Status guard_find_parameter(const Objective *objective, Ops *ops, GuardFinding *finding) {
    return search_model(objective, ops, false, false, finding);
}

const char *guard_found_name(FoundKind kind) {
    static const char *const names[] = {"", "parameter", "activation", "gradient"};
    return names[kind];
}
