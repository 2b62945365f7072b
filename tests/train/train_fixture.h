/* A tiny masked autoencoder, a few drawn pictures and a directory of their own, for the tests of the training loop. */
#ifndef FOVEA_TRAIN_FIXTURE_H
#define FOVEA_TRAIN_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "../base/check.h"
#include "../base/temp.h"
#include "image.h"
#include "model.h"
#include "random.h"

#include "../../src/train/pictures.h"

enum { SIDE = 16, PATCH = 4, PATCHES = 16, PICTURE = SIDE * SIDE * 3 };

static inline ModelShape tiny_shape(int batch) {
    return (ModelShape){.image_size = SIDE,
                        .patch_size = PATCH,
                        .dim = 16,
                        .depth = 2,
                        .heads = 2,
                        .decoder_dim = 12,
                        .decoder_depth = 1,
                        .decoder_heads = 2,
                        .mlp_ratio = 4,
                        .norm_eps = 1e-6,
                        .mask_ratio = 0.75,
                        .norm_pix_loss = true,
                        .batch = batch};
}

static inline Mae *tiny_mae(Ops *ops, const ModelShape *shape) {
    Mae *mae;
    ops_cpu(ops, 1);
    assert_fine(mae_open(shape, ops, &mae));
    assert_fine(mae_init(mae, 7));
    return mae;
}

/* Smooth in both directions, another one for each number. */
static inline void draw_smooth(uint8_t *pixels, int number) {
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            for (int c = 0; c < 3; c++)
                pixels[3 * (y * SIDE + x) + c] =
                    (uint8_t)((x * (3 + number % 5) + y * (2 + c) + 31 * number) % 200 + 20);
}

static inline Pictures drawn_pictures(int count) {
    Pictures pictures = {.count = count, .image_size = SIDE};
    pictures.pixels = malloc((size_t)count * PICTURE);
    pictures.records = malloc((size_t)count * sizeof *pictures.records);
    assert_non_null(pictures.pixels);
    assert_non_null(pictures.records);
    for (int i = 0; i < count; i++) {
        draw_smooth(pictures.pixels + (size_t)i * PICTURE, i);
        pictures.records[i] = 3 * i + 1;
    }
    return pictures;
}

#endif
