/* SPDX-License-Identifier: Apache-2.0 */
#include "train/run/run_loader.h"

#include "train/objective/objectives.h"

#include <stdlib.h>

static LoaderOptions loader_options(const Run *run) {
    const Config *config = run->config;
    const ModelShape *shape = run->objective->shape;
    const LoaderCache cache = config->data.cache;
    return (LoaderOptions){.records = &run->train,
                           .cache = cache == LOADER_DEVICE && run->device->host_memory ? LOADER_AUTO : cache,
                           .seed = (uint64_t)config->train.seed,
                           .image_size = (int)config->model.image_size,
                           .raw = shape->record > 0,
                           .extra = run->objective->draw_extra,
                           .extra_context = run->objective,
                           .extra_length = run->objective->extras,
                           .min_side = (int)config->model.patch_size,
                           .crop = {config->data.crop_scale_min, config->data.crop_scale_max,
                                    config->data.crop_ratio_min, config->data.crop_ratio_max, config->data.flip},
                           .batch_size = (int)config->train.global_batch,
                           .first_batch = run->state.next_batch,
                           .workers = (int)config->data.workers,
                           .device = run->device,
                           .depth = (int)config->data.prefetch_batches,
                           .max_unreadable = config->data.max_unreadable,
                           .limit_name = "data.max_unreadable"};
}

Status run_loader_open(Run *run) {
    const LoaderOptions options = loader_options(run);
    Status status = loader_open(&options, &run->loader);
    const ExitCode code = status_code(status);
    if (options.cache == LOADER_DEVICE && (code == EXIT_USAGE || code == EXIT_NO_MEMORY))
        return status_append(status, "; data.cache = device does not fit here, use data.cache = page");
    if (options.cache == LOADER_DIRECT && code == EXIT_IO)
        return status_append(status, " (data.cache = page)");
    TRY(status);
    run->batch_records = calloc((size_t)run->config->train.global_batch, sizeof *run->batch_records);
    return run->batch_records
               ? NULL
               : status_no_memory("the batch's records", (size_t)run->config->train.global_batch * sizeof(int64_t));
}

Status run_loader_open_images(Run *run) {
    const Config *config = run->config;
    LoaderOptions options = loader_options(run);
    /* Reconstructions use the validation images, or without any the first training images. */
    bool validates = run->val.count > 0;
    options.extra = NULL;
    if (validates)
        options.records = &run->val;
    int64_t wanted = objectives_find(config)->draws ? config->log.recon_images : 0;
    if (validates && config->val.every && config->val.images > wanted)
        wanted = config->val.images;
    Status status = evaluation_images_open(&run->images, options, wanted, &run->record.unreadable);
    if (status_code(status) == EXIT_NO_MEMORY)
        status = status_append(status, ", or lower val.images");
    TRY(status);
    if (validates && config->val.every)
        run->validation_count = config->val.images < run->images.count ? (int)config->val.images : run->images.count;
    return online_probe_read(&run->probe, config, options, &run->record.unreadable);
}
