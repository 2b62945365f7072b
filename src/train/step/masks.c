/* SPDX-License-Identifier: Apache-2.0 */
#include "train/step/masks.h"

#include "base/random.h"
#include "model/mae.h"

#include <stdlib.h>

Status masks_open(Masks *masks, int batch, int patches) {
    *masks = (Masks){.patches = patches};
    masks->noise = calloc((size_t)patches, sizeof *masks->noise);
    masks->ids = calloc((size_t)batch, (size_t)patches * sizeof *masks->ids);
    if (!masks->noise || !masks->ids)
        return status_no_memory("the masks", (unsigned long long)batch * (size_t)patches * sizeof *masks->ids);
    return NULL;
}

void masks_close(Masks *masks) {
    free(masks->noise);
    free(masks->ids);
    *masks = (Masks){0};
}

void masks_draw_to(Masks *masks, uint64_t seed, uint32_t epoch, const int64_t *records, int count, int32_t *ids) {
    for (int i = 0; i < count; i++) {
        Random random;
        random_start(&random, seed, RANDOM_MASK, epoch, (uint64_t)records[i]);
        for (int j = 0; j < masks->patches; j++)
            masks->noise[j] = random_uniform(&random);
        mae_shuffle(masks->noise, masks->patches, ids + (size_t)i * (size_t)masks->patches);
    }
}

void masks_draw(Masks *masks, uint64_t seed, uint32_t epoch, const int64_t *records, int count) {
    masks_draw_to(masks, seed, epoch, records, count, masks->ids);
}
