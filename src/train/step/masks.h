/* SPDX-License-Identifier: Apache-2.0 */
/* Which patches are hidden: each record orders its patches by random noise keyed by (seed, epoch, record). */
#ifndef FOVEA_TRAIN_MASKS_H
#define FOVEA_TRAIN_MASKS_H

#include "base/status.h"
#include <stdint.h>

/* The seed of all masks for evaluation (validation, reconstructions): the same in every run, so that losses can be
 * compared. */
#define MASKS_FIXED_SEED 0x666f766561ULL

typedef struct {
    int patches;
    float *noise; /* [patches] */
    int32_t *ids; /* [batch][patches], as in MaeInput */
} Masks;

Status masks_open(Masks *masks, int batch, int patches) MUST_USE;
void masks_close(Masks *masks);
/* Fills the first `count` rows of masks->ids, or of `ids`. */
void masks_draw(Masks *masks, uint64_t seed, uint32_t epoch, const int64_t *records, int count);
void masks_draw_to(Masks *masks, uint64_t seed, uint32_t epoch, const int64_t *records, int count, int32_t *ids);

#endif
