/* SPDX-License-Identifier: Apache-2.0 */
/* What the models share on their way from images to patches: the samples of a pass, the slots of device memory that
 * they are uploaded to, and the cut into patches. */
#ifndef FOVEA_MODEL_INPUT_H
#define FOVEA_MODEL_INPUT_H

#include "base/arena.h"
#include "model/model.h"

/* Where the samples of a forward pass come from: uint8 images, or images already normalised. Device memory, which
 * has to stay until the backward pass is done. */
typedef struct {
    const uint8_t *pixels; /* [batch][side][side][3], or NULL */
    int side;              /* 0: the model's image_size */
    /* The device cache, [cached][side][side][3], always device memory: sample i is its record which[i]; NULL: pixels.
     */
    const uint8_t *records;
    int cached;
    const int32_t *which; /* [batch] */
    const Crop *crops;    /* [batch] the part of each that is seen, see pixels_to_patches; NULL: all */
    const Look *looks;    /* ViT only: [batch] how each is altered; NULL: as it is */
    const float *image;   /* [batch][3][size][size], used when pixels is NULL */
    const int32_t *ids;   /* MAE only: [batch][patches], each row a permutation by mae_shuffle() */
    const float *labels;  /* ViT only: [batch][shape_labels()], NaN: not known; NULL: no loss is wanted */
    const double *known;  /* with labels: what the loss divides by, see vit_known() */
    const float *keep;    /* ViT only: drop-path's [depth][2][batch], what attention's and the MLP's branch of each
                             sample is multiplied by; NULL: 1 */
    int batch;            /* 1 .. shape.batch */
} ModelInput;

/* Places for inputs in the device's memory: one can be filled while the other is computed with. */
enum { MODEL_INPUT_SLOTS = 2 };

/* A model's slots; NULL where none is needed. */
typedef struct {
    const ModelShape *shape; /* borrowed, as is the device */
    const Device *device;
    uint8_t *pixels[MODEL_INPUT_SLOTS]; /* [batch][side][side][3] */
    Crop *crops[MODEL_INPUT_SLOTS];     /* [batch], of records */
    int32_t *which[MODEL_INPUT_SLOTS];  /* [batch], of records that the device holds */
    Look *looks[MODEL_INPUT_SLOTS];     /* [batch] */
    int32_t *ids[MODEL_INPUT_SLOTS];    /* [batch][patches] */
    float *labels[MODEL_INPUT_SLOTS];   /* [batch][shape_labels()] */
    double *known[MODEL_INPUT_SLOTS];
    float *keep[MODEL_INPUT_SLOTS]; /* [depth][2][batch] */
    uint64_t uploaded;              /* bytes so far */
} InputSlots;

/* Takes the slots from an arena of the device's memory: none where it is the host's. `ids`: also for masks. */
void input_place(InputSlots *slots, const ModelShape *shape, const Device *device, bool ids, Arena *arena);

/* Copies an input of pixels, whose pointers are the host's memory, to a slot, in the order of `stream`; where the
 * device reads the host's memory, `input` is `host`. Crops only of records of shape.record. With `records`, of a model
 * with shape.cached, which[] is copied and the records stay where they are. */
Status input_upload(InputSlots *slots, int slot, Stream *stream, const ModelInput *host, ModelInput *input) MUST_USE;

/* Fills ids [batch][patches], of the device's memory, with every patch in its place. */
Status input_number_patches(const Device *device, int32_t *ids, int batch, int patches) MUST_USE;

/* Cuts the first `keep` patches of `ids` [batch][patches] into `visible` and the others, unless it is NULL, into
 * `target`: pixels_to_patches() or image_to_patches(). */
void input_cut(const InputSlots *slots, Ops *ops, const ModelInput *input, const int32_t *ids, int keep, Real *visible,
               float *target);

#endif
