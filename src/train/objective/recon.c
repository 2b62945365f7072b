/* SPDX-License-Identifier: Apache-2.0 */
#include "train/objective/recon.h"

#include "image/encode.h"
#include "image/image.h"
#include "train/objective/validate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SMALLEST_TILE = 192, /* smaller images are enlarged by whole factors to about this */
    GAP = 4,
    GAP_LEVEL = 255,
    HIDDEN_LEVEL = 128
};

ReconLayout recon_layout(int image_size, int rows) {
    int scale = image_size < SMALLEST_TILE ? SMALLEST_TILE / image_size : 1;
    int tile = scale * image_size;
    return (ReconLayout){.scale = scale,
                         .tile = tile,
                         .gap = GAP,
                         .width = 3 * tile + 2 * GAP,
                         .height = rows * tile + (rows - 1) * GAP};
}

typedef struct {
    ReconLayout layout;
    uint8_t *pixels;                   /* the image being drawn */
    uint8_t *original, *masked, *made; /* [size][size][3] each */
    float *predicted, *targets;        /* of the last forward pass, in host memory */
    int size, patch;
} Drawing;

static uint8_t pixel_level(double value) {
    return value <= 0 ? 0 : value >= 255 ? 255 : (uint8_t)lrint(value);
}

/* The scale and mean that undo the normalisation of a patch. */
static void measure_patch(const float *target, int count, double *scale, double *mean) {
    double sum = 0, squares = 0;
    for (int i = 0; i < count; i++)
        sum += target[i];
    *mean = sum / count;
    for (int i = 0; i < count; i++)
        squares += (target[i] - *mean) * (target[i] - *mean);
    *scale = sqrt(squares / (count - 1) + 1e-6);
}

/* Draws one hidden patch into the masked and the reconstructed tile. `values` [patch][patch][3], as predicted. */
static void draw_patch(Drawing *drawing, int index, const float *values, double scale, double mean) {
    int side = drawing->size / drawing->patch, top = index / side * drawing->patch,
        left = index % side * drawing->patch;
    for (int y = 0; y < drawing->patch; y++)
        for (int x = 0; x < drawing->patch; x++)
            for (int c = 0; c < 3; c++) {
                size_t at = 3 * ((size_t)(top + y) * (size_t)drawing->size + (size_t)(left + x)) + (size_t)c;
                double normal = values[3 * (y * drawing->patch + x) + c] * scale + mean;
                drawing->made[at] = pixel_level(255 * (normal * image_std[c] + image_mean[c]));
                drawing->masked[at] = HIDDEN_LEVEL;
            }
}

static void draw_tile(Drawing *drawing, const uint8_t *tile, int row, int column) {
    const ReconLayout *layout = &drawing->layout;
    size_t top = (size_t)row * (size_t)(layout->tile + layout->gap);
    size_t left = (size_t)column * (size_t)(layout->tile + layout->gap);
    for (int y = 0; y < layout->tile; y++)
        for (int x = 0; x < layout->tile; x++) {
            size_t from = (size_t)(y / layout->scale) * (size_t)drawing->size + (size_t)(x / layout->scale);
            size_t to = (top + (size_t)y) * (size_t)layout->width + left + (size_t)x;
            memcpy(drawing->pixels + 3 * to, tile + 3 * from, 3);
        }
}

/* Draws sample `sample` of the last forward pass as row `row`. */
static void draw_row(Drawing *drawing, const Mae *mae, const int32_t *ids, const uint8_t *image, int sample, int row) {
    size_t patches = (size_t)mae_patches(mae), keep = (size_t)mae_keep(mae), at = (size_t)sample;
    int count = 3 * drawing->patch * drawing->patch;
    size_t bytes = 3 * (size_t)drawing->size * (size_t)drawing->size;
    const int32_t *order = ids + at * patches;
    const float *predicted = drawing->predicted + at * (1 + patches) * (size_t)count;
    const float *targets = drawing->targets + at * (patches - keep) * (size_t)count;
    memcpy(drawing->original, image, bytes);
    memcpy(drawing->masked, image, bytes);
    memcpy(drawing->made, image, bytes);
    for (size_t j = keep; j < patches; j++) {
        double scale = 1, mean = 0;
        if (mae_shape(mae)->norm_pix_loss)
            measure_patch(targets + (j - keep) * (size_t)count, count, &scale, &mean);
        draw_patch(drawing, order[j], predicted + (size_t)(1 + order[j]) * (size_t)count, scale, mean);
    }
    draw_tile(drawing, drawing->original, row, 0);
    draw_tile(drawing, drawing->masked, row, 1);
    draw_tile(drawing, drawing->made, row, 2);
}

/* Values in one sample's prediction, and in its target. */
static size_t count_predicted(const Mae *mae) {
    return (size_t)(1 + mae_patches(mae)) * 3 * (size_t)mae_shape(mae)->patch_size * (size_t)mae_shape(mae)->patch_size;
}

static size_t count_targets(const Mae *mae) {
    return count_predicted(mae) / (size_t)(1 + mae_patches(mae)) * (size_t)(mae_patches(mae) - mae_keep(mae));
}

static Status read_predictions(Drawing *drawing, const Mae *mae, const Ops *ops, int count) {
    TRY(model_read(ops, mae_prediction(mae), (size_t)count * count_predicted(mae), drawing->predicted));
    return device_read(ops->device, drawing->targets, mae_target(mae),
                       (size_t)count * count_targets(mae) * sizeof(float));
}

static Status draw_rows(Drawing *drawing, Mae *mae, const Ops *ops, Masks *masks, const EvaluationImages *images,
                        int rows) {
    size_t bytes = 3 * (size_t)drawing->size * (size_t)drawing->size;
    int batch = mae_shape(mae)->batch;
    for (int first = 0; first < rows; first += batch) {
        int part = rows - first < batch ? rows - first : batch;
        double loss;
        TRY(validate_forward(mae, masks, images, first, part, &loss));
        TRY(read_predictions(drawing, mae, ops, part));
        for (int i = 0; i < part; i++)
            draw_row(drawing, mae, masks->ids, images->pixels + (size_t)(first + i) * bytes, i, first + i);
    }
    return NULL;
}

Status recon_write(const char *path, Mae *mae, const Ops *ops, Masks *masks, const EvaluationImages *images, int rows) {
    const ModelShape *shape = mae_shape(mae);
    Drawing drawing = {
        .layout = recon_layout(shape->image_size, rows), .size = shape->image_size, .patch = shape->patch_size};
    size_t total = 3 * (size_t)drawing.layout.width * (size_t)drawing.layout.height;
    size_t tile = 3 * (size_t)drawing.size * (size_t)drawing.size;
    size_t batch = (size_t)shape->batch, floats = batch * (count_predicted(mae) + count_targets(mae));
    drawing.pixels = malloc(total + 3 * tile);
    drawing.predicted = malloc(floats * sizeof(float));
    if (!drawing.pixels || !drawing.predicted) {
        free(drawing.pixels);
        free(drawing.predicted);
        return status_no_memory("the reconstruction image (log.recon_images)",
                                total + 3 * tile + floats * sizeof(float));
    }
    drawing.targets = drawing.predicted + batch * count_predicted(mae);
    memset(drawing.pixels, GAP_LEVEL, total);
    drawing.original = drawing.pixels + total;
    drawing.masked = drawing.original + tile;
    drawing.made = drawing.masked + tile;
    Status status = draw_rows(&drawing, mae, ops, masks, images, rows);
    if (!status)
        status = image_write_png(path, drawing.pixels, drawing.layout.width, drawing.layout.height);
    free(drawing.pixels);
    free(drawing.predicted);
    return status;
}
