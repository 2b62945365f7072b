/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/features/encoder.h"

#include "base/files.h"

#include <stdlib.h>
#include <string.h>

/* --- Opening --- */

/* The largest batch, halved from the usual one on, whose memory is at most half of what is free: operations take
 * scratch memory, too. */
static Status choose_batch(const ModelShape *shape, bool norm, const Ops *ops, int *batch) {
    const Device *device = ops->device;
    size_t left, total;
    TRY(device->memory(device, &left, &total));
    for (*batch = device->host_memory ? 16 : 256; *batch > 1; *batch /= 2) {
        ModelShape tried = *shape;
        Arena host = {0}, arena = {0};
        tried.batch = *batch;
        TRY(backbone_measure(&tried, norm, ops->type, device->host_memory, &host, &arena));
        if (host.used + arena.used <= left / 2)
            break;
    }
    return NULL;
}

/* What random weights depend on. */
static Status hash_random(const EncoderSource *source, uint8_t sha256[DIGEST_SHA256]) {
    const ModelShape *s = &source->shape;
    char *text;
    Digest digest;
    TRY(files_path(&text, "random seed=%llu image=%d patch=%d dim=%d depth=%d heads=%d mlp=%.17g scale=%d norm=%d",
                   (unsigned long long)source->seed, s->image_size, s->patch_size, s->dim, s->depth, s->heads,
                   s->mlp_ratio, s->layer_scale, source->has_norm));
    Status status = digest_memory(text, strlen(text), false, &digest);
    free(text);
    if (!status)
        memcpy(sha256, digest.sha256, DIGEST_SHA256);
    return status;
}

static Status fill_encoder(const EncoderOptions *options, FILE *out, Encoder *encoder) {
    const EncoderSource *source = &encoder->source;
    Params *params = backbone_params(encoder->backbone);
    if (source->random) {
        TRY(backbone_init(encoder->backbone, source->seed));
        if (out)
            fprintf(out, "weights     random, of the shape of %s, seed %llu\n",
                    source->run ? source->run : source->weights, (unsigned long long)source->seed);
        return hash_random(source, encoder->sha256);
    }
    /* A run's own checkpoints have no entries: they are compared with a file that has. */
    encoder->entry = source->run ? NULL : options->hints.key;
    const InitialOptions initial = {.path = source->weights, .key = encoder->entry, .resize = options->resize};
    InitialTable table;
    TRY(initial_read(params, &initial, out, &table));
    params_round(params, encoder->ops);
    memcpy(encoder->sha256, table.sha256, DIGEST_SHA256);
    return ops_error(encoder->ops);
}

static void print_shape(const Encoder *encoder, FILE *out) {
    const ModelShape *s = &encoder->shape;
    fprintf(out, "encoder     ViT %dx%d, %d heads%s; %d px, patch %d; %d images at a time\n", s->dim, s->depth,
            s->heads, encoder->source.assumed ? " of 64 as published ones have, which --heads can override" : "",
            s->image_size, s->patch_size, s->batch);
}

Status encoder_open(const EncoderOptions *options, Ops *ops, FILE *out, Encoder *encoder) {
    *encoder = (Encoder){.ops = ops, .type = ops->type, .resize = options->resize};
    TRY(files_path(&encoder->name, "%s", options->from));
    TRY(encoder_source_open(options->from, &options->hints, &encoder->source));
    encoder->shape = encoder->source.shape;
    if (options->batch)
        encoder->shape.batch = options->batch;
    else
        TRY(choose_batch(&encoder->shape, encoder->source.has_norm, ops, &encoder->shape.batch));
    TRY(status_append(backbone_open(&encoder->shape, encoder->source.has_norm, ops, &encoder->backbone), " (%s)",
                      options->from));
    if (out)
        print_shape(encoder, out);
    return fill_encoder(options, out, encoder);
}

void encoder_close(Encoder *encoder) {
    backbone_close(encoder->backbone);
    encoder_source_close(&encoder->source);
    free(encoder->name);
    *encoder = (Encoder){0};
}

/* --- Running --- */

int encoder_width(const Encoder *encoder, TaskFeatures tokens) {
    return (tokens == TASK_CLS_MEAN ? 2 : 1) * encoder->shape.dim;
}

Status encoder_check(const Encoder *encoder, TaskFeatures tokens) {
    if (tokens == TASK_POOLED || encoder->source.has_norm)
        return NULL;
    return status_error(EXIT_USAGE,
                        "%s has no norm after its last block, as weights that were fine-tuned on the mean of the "
                        "patches; set features.tokens = pooled",
                        encoder->name);
}

/* Both of them, one row after the other. */
static Status read_both(Encoder *encoder, int batch, float *features) {
    const size_t dim = (size_t)encoder->shape.dim, count = (size_t)batch * dim;
    float *both = malloc(2 * count * sizeof *both);
    if (!both)
        return status_no_memory("the features of a batch", 2 * count * sizeof *both);
    Status status = backbone_read(encoder->backbone, BACKBONE_CLS, both);
    if (!status)
        status = backbone_read(encoder->backbone, BACKBONE_MEAN, both + count);
    for (size_t i = 0; !status && i < (size_t)batch; i++) {
        memcpy(features + 2 * i * dim, both + i * dim, dim * sizeof *both);
        memcpy(features + (2 * i + 1) * dim, both + count + i * dim, dim * sizeof *both);
    }
    free(both);
    return status;
}

Status encoder_run(Encoder *encoder, TaskFeatures tokens, const ModelInput *images, float *features) {
    static const BackbonePool pools[] = {
        [TASK_CLS] = BACKBONE_CLS, [TASK_MEAN] = BACKBONE_MEAN, [TASK_POOLED] = BACKBONE_POOLED};
    ModelInput input;
    TRY(encoder_check(encoder, tokens));
    TRY(backbone_upload(encoder->backbone, images, &input));
    backbone_forward(encoder->backbone, &input);
    return tokens == TASK_CLS_MEAN ? read_both(encoder, images->batch, features)
                                   : backbone_read(encoder->backbone, pools[tokens], features);
}
