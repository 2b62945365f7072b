/* SPDX-License-Identifier: Apache-2.0 */
/* GPU scratch memory of what objectives share. */
#ifndef FOVEA_TRAIN_SCRATCH_H
#define FOVEA_TRAIN_SCRATCH_H

#include "model/model.h"

typedef struct {
    int dim, heads, tokens; /* tokens: of a sample */
    bool fp8;
} ScratchBlock;

/* The most that an operation of a transformer block needs, over a micro-batch. */
size_t scratch_of_block(const ModelShape *shape, RealType type, const ScratchBlock *block);
/* Of the crop of records; 0 where the host crops. */
size_t scratch_of_input(const ModelShape *shape);
/* The largest of them and of what the optimizer needs, rounded up as memory is. */
size_t scratch_largest(const size_t *needs, size_t count);

#endif
