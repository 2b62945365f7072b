/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/real.h"

#include <stdlib.h>
#include <string.h>

static bool check_grid(Ops *ops, const char *operation, const int32_t *ids, int batch, int size, int patch, int keep) {
    if (size < 1 || patch < 1 || size % patch) {
        cpu_fail(ops, status_error(EXIT_INTERNAL, "%s: images of %d pixels cannot be cut into patches of %d", operation,
                                   size, patch));
        return false;
    }
    return cpu_check_ids(ops, operation, ids, batch, size / patch * (size / patch), keep);
}

/* Where one sample's patches go. */
typedef struct {
    const int32_t *ids;
    int keep, across, size, patch; /* across: patches in a row */
    RealType type;
    Real *visible;
    float *target; /* may be NULL */
    float *work;   /* for one patch */
    size_t values; /* in a patch */
    size_t at;     /* of the first visible patch */
} Sample;

static Sample sample_at(const int32_t *ids, int keep, int size, int patch, RealType type, Real *visible, float *target,
                        float *work, size_t b) {
    const int across = size / patch;
    const size_t patches = (size_t)across * across, values = 3 * (size_t)patch * patch;
    return (Sample){.ids = ids + b * patches,
                    .keep = keep,
                    .across = across,
                    .size = size,
                    .patch = patch,
                    .type = type,
                    .visible = visible,
                    .target = target ? target + b * (patches - keep) * values : NULL,
                    .work = work,
                    .values = values,
                    .at = b * keep * values};
}

/* Patches to cut. */
static int sample_count(const Sample *s) {
    return s->target ? s->across * s->across : s->keep;
}

/* Where the j-th is to be written, and taken when it is whole. */
static float *patch_room(const Sample *s, int j) {
    return j < s->keep ? real_target(s->type, s->visible, s->at + j * s->values, s->work)
                       : s->target + (j - s->keep) * s->values;
}

static void patch_keep(const Sample *s, int j, const float *patch) {
    if (j < s->keep)
        real_store(s->type, patch, s->visible, s->at + j * s->values, s->values);
}

/* How levels become values: level * scale + shift, for the channels of one row of a patch, pixel by pixel. */
typedef struct {
    float *scale, *shift, *row;
} Levels;

WIDE static void normalise_levels(const uint8_t *restrict in, const Levels *levels, float *restrict out, int count) {
    const float *restrict scale = levels->scale, *restrict shift = levels->shift;
    for (int i = 0; i < count; i++)
        out[i] = (float)in[i] * scale[i] + shift[i];
}

/* The same of altered colours, for `count` pixels from column `left` of row `top` on. */
static void alter_levels(const uint8_t *in, const Levels *levels, const Look *look, int top, int left, float *out,
                         int count) {
    const bool rows = top >= look->top && top - look->top < look->height;
    for (int x = 0; x < count; x++) {
        const bool erased = rows && left + x >= look->left && left + x - look->left < look->width;
        for (int c = 0; c < 3; c++) {
            const float *m = look->colour[c];
            const float level = m[0] * in[3 * x] + m[1] * in[3 * x + 1] + m[2] * in[3 * x + 2] + m[3];
            out[3 * x + c] = erased ? 0 : level * levels->scale[c] + levels->shift[c];
        }
    }
}

/* [patch][3] to [3] rows that are `area` apart. */
WIDE static void separate_channels(const float *restrict in, float *restrict out, int patch, size_t area) {
    for (int x = 0; x < patch; x++) {
        out[x] = in[x * 3];
        out[area + x] = in[x * 3 + 1];
        out[2 * area + x] = in[x * 3 + 2];
    }
}

static void cut_pixels(const Sample *s, const uint8_t *pixels, const Levels *levels, const Look *look) {
    for (int j = 0; j < sample_count(s); j++) {
        const int top = s->ids[j] / s->across * s->patch, left = s->ids[j] % s->across * s->patch;
        float *to = patch_room(s, j);
        for (int y = 0; y < s->patch; y++) {
            const uint8_t *from = pixels + ((size_t)(top + y) * s->size + left) * 3;
            float *row = j < s->keep ? levels->row : to + (size_t)y * 3 * s->patch;
            if (look)
                alter_levels(from, levels, look, top + y, left, row, s->patch);
            else
                normalise_levels(from, levels, row, 3 * s->patch);
            if (j < s->keep)
                separate_channels(levels->row, to + (size_t)y * s->patch, s->patch, (size_t)s->patch * s->patch);
        }
        patch_keep(s, j, to);
    }
}

static void cut_image(const Sample *s, const float *image) {
    const size_t area = (size_t)s->patch * s->patch, plane = (size_t)s->size * s->size;
    for (int j = 0; j < sample_count(s); j++) {
        const int top = s->ids[j] / s->across * s->patch, left = s->ids[j] % s->across * s->patch;
        float *patch = patch_room(s, j);
        for (int y = 0; y < s->patch; y++)
            for (int c = 0; c < 3; c++) {
                const float *from = image + c * plane + (size_t)(top + y) * s->size + left;
                float *to = patch + (size_t)y * (j < s->keep ? 1 : 3) * s->patch;
                if (j < s->keep)
                    memcpy(to + c * area, from, s->patch * sizeof *to);
                else
                    for (int x = 0; x < s->patch; x++)
                        to[x * 3 + c] = from[x];
            }
        patch_keep(s, j, patch);
    }
}

/* Resizes (or takes as it is) and cuts one sample. */
static Status cut_sample(const Sample *s, const ImageSet *images, const Look *look, int b, const float *scale,
                         const float *shift) {
    const int height = images->height, width = images->width, which = images->which ? images->which[b] : b;
    if (which < 0 || which >= images->count)
        return status_error(EXIT_INTERNAL, "pixels_to_patches: sample %d sees image %d, not one of 0 .. %d", b, which,
                            images->count - 1);
    const uint8_t *pixels = images->pixels + (size_t)which * height * width * 3;
    const Crop all = {.height = height, .width = width}, *crop = images->crops ? &images->crops[b] : NULL;
    const bool whole = !crop && height == s->size && width == s->size;
    const size_t row = 3 * (size_t)s->patch, image = whole ? 0 : 3 * (size_t)s->size * s->size;
    float *values = malloc(3 * row * sizeof *values + image);
    if (!values)
        return status_no_memory("pixels_to_patches' resized image", 3 * row * sizeof *values + image);
    const Levels levels = {values, values + row, values + 2 * row};
    for (size_t i = 0; i < row; i++) {
        levels.scale[i] = scale[i % 3];
        levels.shift[i] = shift[i % 3];
    }
    Status status = NULL;
    if (!whole) {
        uint8_t *resized = (uint8_t *)(values + 3 * row);
        status = resize_pixels(pixels, height, width, crop ? *crop : all, s->size, s->size, resized);
        pixels = resized;
    }
    if (!status)
        cut_pixels(s, pixels, &levels, look);
    free(values);
    return status;
}

void cpu_pixels_to_patches(Ops *ops, const PixelsToPatches *a) {
    ThreadScratch scratch;
    if (ops->error || !check_grid(ops, "pixels_to_patches", a->ids, a->batch, a->size, a->patch, a->keep) ||
        !scratch_open(&scratch, ops, "pixels_to_patches' patches", 3 * (size_t)a->patch * a->patch))
        return;
    float scale[3], shift[3];
    for (int c = 0; c < 3; c++) {
        scale[c] = 1.0f / (255.0f * a->std[c]);
        shift[c] = -a->mean[c] / a->std[c];
    }
    Status failure = NULL;
#pragma omp parallel for num_threads(ops->threads) schedule(dynamic)
    for (int b = 0; b < a->batch; b++) {
        const Sample sample =
            sample_at(a->ids, a->keep, a->size, a->patch, ops->type, a->visible, a->target, scratch_at(&scratch, 0), b);
        Status status = cut_sample(&sample, a->images, a->looks ? &a->looks[b] : NULL, b, scale, shift);
        if (status) {
#pragma omp critical(pixels_to_patches_failure)
            if (failure)
                status_free(status);
            else
                failure = status;
        }
    }
    scratch_close(&scratch);
    if (failure)
        cpu_fail(ops, failure);
}

/* Images of `read` bytes each to their visible patches, and the others as FP32 targets. */
static OpCost cut_cost(int batch, double read, int size, int patch, int keep, bool target, RealType type) {
    const double values = 3.0 * size * size, visible = 3.0 * patch * patch * keep;
    return cost_bytes(batch *
                      (read + (double)real_size(type) * visible + (target ? sizeof(float) * (values - visible) : 0)));
}

/* A crop is counted as the whole of its image. */
OpCost cost_pixels_to_patches(const PixelsToPatches *a, RealType type) {
    const double read = 3.0 * a->images->height * a->images->width;
    return cut_cost(a->batch, read, a->size, a->patch, a->keep, a->target != NULL, type);
}

void cpu_image_to_patches(Ops *ops, const ImageToPatches *a) {
    ThreadScratch scratch;
    if (ops->error || !check_grid(ops, "image_to_patches", a->ids, a->batch, a->size, a->patch, a->keep) ||
        !scratch_open(&scratch, ops, "image_to_patches' patches", 3 * (size_t)a->patch * a->patch))
        return;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int b = 0; b < a->batch; b++) {
        const Sample sample =
            sample_at(a->ids, a->keep, a->size, a->patch, ops->type, a->visible, a->target, scratch_at(&scratch, 0), b);
        cut_image(&sample, a->image + (size_t)b * 3 * a->size * a->size);
    }
    scratch_close(&scratch);
}

OpCost cost_image_to_patches(const ImageToPatches *a, RealType type) {
    const double read = 3.0 * sizeof(float) * a->size * a->size;
    return cut_cost(a->batch, read, a->size, a->patch, a->keep, a->target != NULL, type);
}
