/* SPDX-License-Identifier: Apache-2.0 */
#include "model/input.h"

#include <stdlib.h>

void input_place(InputSlots *slots, const ModelShape *shape, const Device *device, bool ids, Arena *arena) {
    const size_t batch = (size_t)shape->batch, patches = (size_t)shape_patches(shape),
                 labels = (size_t)shape_labels(shape);
    const size_t side =
        (size_t)(shape->record > shape->image_size && !shape->cached ? shape->record : shape->image_size);
    *slots = (InputSlots){.shape = shape, .device = device};
    for (int slot = 0; slot < MODEL_INPUT_SLOTS && !device->host_memory; slot++) {
        slots->pixels[slot] = arena_take(arena, batch * 3 * side * side);
        slots->crops[slot] = shape->record ? arena_take(arena, batch * sizeof **slots->crops) : NULL;
        slots->which[slot] = shape->cached ? arena_take(arena, batch * sizeof **slots->which) : NULL;
        slots->looks[slot] = shape->looks ? arena_take(arena, batch * sizeof **slots->looks) : NULL;
        slots->ids[slot] = ids ? arena_take(arena, batch * patches * sizeof **slots->ids) : NULL;
        slots->labels[slot] = labels ? arena_take(arena, batch * labels * sizeof **slots->labels) : NULL;
        slots->known[slot] = labels ? arena_take(arena, sizeof **slots->known) : NULL;
        slots->keep[slot] =
            shape->drop_path > 0 ? arena_take(arena, batch * 2 * (size_t)shape->depth * sizeof **slots->keep) : NULL;
    }
}

static int input_side(const InputSlots *slots, const ModelInput *input) {
    return input->side ? input->side : slots->shape->image_size;
}

static Status upload_bytes(InputSlots *slots, Stream *stream, void *to, const void *from, size_t bytes) {
    slots->uploaded += bytes;
    return slots->device->copy(slots->device, stream, to, from, bytes, COPY_TO_DEVICE);
}

Status input_upload(InputSlots *slots, int slot, Stream *stream, const ModelInput *host, ModelInput *input) {
    const size_t side = (size_t)input_side(slots, host), count = (size_t)host->batch;
    *input = *host;
    if (slots->device->host_memory)
        return NULL;
    if (host->records) {
        input->which = slots->which[slot];
        TRY(upload_bytes(slots, stream, slots->which[slot], host->which, count * sizeof *host->which));
    } else {
        input->pixels = slots->pixels[slot];
        TRY(upload_bytes(slots, stream, slots->pixels[slot], host->pixels, count * side * side * 3));
    }
    if (host->crops) {
        input->crops = slots->crops[slot];
        TRY(upload_bytes(slots, stream, slots->crops[slot], host->crops, count * sizeof *host->crops));
    }
    if (host->looks) {
        input->looks = slots->looks[slot];
        TRY(upload_bytes(slots, stream, slots->looks[slot], host->looks, count * sizeof *host->looks));
    }
    if (host->labels) {
        input->labels = slots->labels[slot];
        input->known = slots->known[slot];
        TRY(upload_bytes(slots, stream, slots->labels[slot], host->labels,
                         count * (size_t)shape_labels(slots->shape) * sizeof *host->labels));
        TRY(upload_bytes(slots, stream, slots->known[slot], host->known, sizeof *host->known));
    }
    if (host->keep) {
        input->keep = slots->keep[slot];
        TRY(upload_bytes(slots, stream, slots->keep[slot], host->keep,
                         count * 2 * (size_t)slots->shape->depth * sizeof *host->keep));
    }
    if (!host->ids)
        return NULL;
    input->ids = slots->ids[slot];
    return upload_bytes(slots, stream, slots->ids[slot], host->ids,
                        count * (size_t)shape_patches(slots->shape) * sizeof *host->ids);
}

static ImageSet input_images(const InputSlots *slots, const ModelInput *input) {
    const int side = input_side(slots, input);
    return (ImageSet){.pixels = input->records ? input->records : input->pixels,
                      .count = input->records ? input->cached : input->batch,
                      .height = side,
                      .width = side,
                      .which = input->records ? input->which : NULL,
                      .crops = input->crops};
}

Status input_number_patches(const Device *device, int32_t *ids, int batch, int patches) {
    const size_t count = (size_t)batch * (size_t)patches;
    int32_t *numbers = malloc(count * sizeof *numbers);
    if (!numbers)
        return status_no_memory("the list of patches", count * sizeof *numbers);
    for (size_t i = 0; i < count; i++)
        numbers[i] = (int32_t)(i % (size_t)patches);
    Status status = device_write(device, ids, numbers, count * sizeof *numbers);
    free(numbers);
    return status;
}

void input_cut(const InputSlots *slots, Ops *ops, const ModelInput *input, const int32_t *ids, int keep, Real *visible,
               float *target) {
    const ModelShape *s = slots->shape;
    const ImageSet images = input_images(slots, input);
    if (images.pixels)
        ops->pixels_to_patches(ops, &(PixelsToPatches){.images = &images,
                                                       .ids = ids,
                                                       .keep = keep,
                                                       .mean = image_mean,
                                                       .std = image_std,
                                                       .looks = input->looks,
                                                       .size = s->image_size,
                                                       .patch = s->patch_size,
                                                       .visible = visible,
                                                       .target = target,
                                                       .batch = input->batch});
    else
        ops->image_to_patches(ops, &(ImageToPatches){.image = input->image,
                                                     .ids = ids,
                                                     .keep = keep,
                                                     .size = s->image_size,
                                                     .patch = s->patch_size,
                                                     .visible = visible,
                                                     .target = target,
                                                     .batch = input->batch});
}
