/* The gradients of one step: the global batch in micro-batches, their gradients added up. */
#ifndef FOVEA_STEP_H
#define FOVEA_STEP_H

#include "masks.h"
#include "model.h"
#include "prefetch.h"

typedef struct {
    Mae *mae;     /* borrowed */
    Ops *ops;     /* borrowed */
    Masks *masks; /* borrowed; micro_batch rows */
    uint64_t seed;
    int global_batch, micro_batch; /* the second divides the first */
} Step;

/* Leaves the gradient of the batch's mean loss in the parameters' grad and the loss in *loss. When a micro-batch's loss
 * is not finite, returns at once with that loss, its activations still in place and no gradients: the guard looks. */
Status step_gradients(Step *step, const PrefetchBatch *batch, uint32_t epoch, double *loss) MUST_USE;

#endif
