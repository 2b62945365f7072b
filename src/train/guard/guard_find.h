/* SPDX-License-Identifier: Apache-2.0 */
/* The guard: is a step fit to be applied, and if not, where did it go wrong? */
#ifndef FOVEA_TRAIN_GUARD_FIND_H
#define FOVEA_TRAIN_GUARD_FIND_H

#include "model/mae.h"
#include "ops/ops.h"
#include <stdbool.h>
#include <stdint.h>

enum { GUARD_SETTLED = 20 }; /* steps before the running mean is trusted */

typedef enum {
    GUARD_SOUND,
    GUARD_LOSS,      /* the loss is not finite */
    GUARD_SPIKE,     /* the loss is over guard.spike times its running mean */
    GUARD_GRADIENT,  /* the gradient norm is not finite */
    GUARD_PARAMETERS /* a parameter is not finite after the update */
} GuardKind;

typedef enum { FOUND_NOTHING, FOUND_PARAMETER, FOUND_ACTIVATION, FOUND_GRADIENT } FoundKind;

typedef struct {
    FoundKind kind;
    char name[96]; /* tensor or layer */
} GuardFinding;

/* The first tensor that is not finite: parameters in the order of their table, activations of the last forward pass in
 * order of computation, then, when `gradients`, the parameters' gradients, from the last one back as they are computed.
 */
Status guard_find(Mae *mae, Ops *ops, bool gradients, GuardFinding *finding) MUST_USE;
/* The same over the parameters alone. */
Status guard_find_parameter(Mae *mae, Ops *ops, GuardFinding *finding) MUST_USE;

/* "loss", "spike", ... and "parameter", "activation", "gradient"; "" for none. */
const char *guard_kind_name(GuardKind kind);
const char *guard_found_name(FoundKind kind);

#endif
