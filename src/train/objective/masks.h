/* SPDX-License-Identifier: Apache-2.0 */
/* Which patches are hidden: each record orders its patches by random noise keyed by (seed, epoch, record). */
#ifndef FOVEA_TRAIN_MASKS_H
#define FOVEA_TRAIN_MASKS_H

#include "base/arena.h"
#include "base/status.h"
#include <stdint.h>

/* The seed of all masks for evaluation (validation, reconstructions): the same in every run, so that losses can be
 * compared. */
#define MASKS_FIXED_SEED 0x666f766561ULL

/* A training's masks, for the loader's workers. */
typedef struct {
    uint64_t seed;
    int patches;
} MaskKey;

/* A LoaderMask: the order of the record's patches, as in ModelInput. `context` is a MaskKey. */
Status masks_draw_one(const void *context, uint32_t epoch, int64_t record, int32_t *ids) MUST_USE;

/* Room for the masks of a batch. */
typedef struct {
    int patches;
    float *noise; /* [patches] */
    int32_t *ids; /* [batch][patches], as in ModelInput */
} Masks;

/* Adds what masks_open() takes to a measuring arena. */
void masks_measure(int batch, int patches, Arena *host);
Status masks_open(Masks *masks, int batch, int patches) MUST_USE;
void masks_close(Masks *masks);
/* Fills the first `count` rows of masks->ids. */
void masks_draw(Masks *masks, uint64_t seed, uint32_t epoch, const int64_t *records, int count);

#endif
