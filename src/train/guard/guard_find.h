/* SPDX-License-Identifier: Apache-2.0 */
/* The search for the tensor in which a step went wrong. */
#ifndef FOVEA_TRAIN_GUARD_FIND_H
#define FOVEA_TRAIN_GUARD_FIND_H

#include "ops/ops.h"
#include "train/objective/objective.h"
#include <stdbool.h>

typedef enum { FOUND_NOTHING, FOUND_PARAMETER, FOUND_ACTIVATION, FOUND_GRADIENT } FoundKind;

typedef struct {
    FoundKind kind;
    char name[96]; /* tensor or layer */
} GuardFinding;

/* The first tensor that is not finite: parameters in the order of their table, activations of the last forward pass in
 * order of computation, then, with `gradients`, the parameters' gradients, last one first as they are computed. */
Status guard_find(const Objective *objective, Ops *ops, bool gradients, GuardFinding *finding) MUST_USE;
/* The same among the parameters alone. */
Status guard_find_parameter(const Objective *objective, Ops *ops, GuardFinding *finding) MUST_USE;

/* "parameter", "activation", "gradient"; "" for none. */
const char *guard_found_name(FoundKind kind);

#endif
