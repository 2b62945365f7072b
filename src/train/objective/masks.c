/* SPDX-License-Identifier: Apache-2.0 */
#include "train/objective/masks.h"

#include "base/random.h"
#include "model/mae.h"

#include <stdlib.h>

void masks_measure(int batch, int patches, Arena *host) {
    arena_group(host, "masks");
    arena_take(host, ((size_t)batch + 1) * (size_t)patches * sizeof(int32_t));
}

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

static void draw_order(uint64_t seed, uint32_t epoch, int64_t record, int patches, float *noise, int32_t *ids) {
    Random random;
    random_start(&random, seed, RANDOM_MASK, epoch, (uint64_t)record);
    for (int j = 0; j < patches; j++)
        noise[j] = random_uniform(&random);
    mae_shuffle(noise, patches, ids);
}

void masks_draw(Masks *masks, uint64_t seed, uint32_t epoch, const int64_t *records, int count) {
    for (int i = 0; i < count; i++)
        draw_order(seed, epoch, records[i], masks->patches, masks->noise,
                   masks->ids + (size_t)i * (size_t)masks->patches);
}

Status masks_draw_one(const void *context, uint32_t epoch, int64_t record, int32_t *ids) {
    const MaskKey *key = context;
    float *noise = malloc((size_t)key->patches * sizeof *noise);
    if (!noise)
        return status_no_memory("a mask's noise", (size_t)key->patches * sizeof *noise);
    draw_order(key->seed, epoch, record, key->patches, noise, ids);
    free(noise);
    return NULL;
}
