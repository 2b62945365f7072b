/* SPDX-License-Identifier: Apache-2.0 */
#include "model/init.h"

#include "base/random.h"
#include "model/embedding.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void fill_uniform(float *values, size_t count, double bound, Random *random) {
    for (size_t i = 0; i < count; i++)
        values[i] = (float)random_between(random, -bound, bound);
}

static void fill_normal(float *values, size_t count, double deviation, Random *random) {
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(deviation * random_normal(random));
}

static bool is_named(const Param *param, const char *name) {
    return strcmp(param->name, name) == 0;
}

static void draw_tensor(const Param *param, const ModelShape *shape, float *value, Random *random) {
    if (is_named(param, "pos_embed") || is_named(param, "decoder_pos_embed")) {
        position_embedding(value, shape->image_size / shape->patch_size, (int)param->shape[2]);
    } else if (is_named(param, "patch_embed.proj.bias")) {
        fill_uniform(value, param->count, 1 / sqrt(shape_patch_dim(shape)), random);
    } else if (is_named(param, "cls_token") || is_named(param, "mask_token")) {
        fill_normal(value, param->count, 0.02, random);
    } else if (is_named(param, "head.weight")) {
        fill_normal(value, param->count, 2e-5, random);
    } else if (param->dims >= 2) {
        const double fan_out = (double)param->shape[0], fan_in = (double)param->count / fan_out;
        fill_uniform(value, param->count, sqrt(6 / (fan_in + fan_out)), random);
    } else if (strstr(param->name, ".gamma")) {
        for (size_t j = 0; j < param->count; j++)
            value[j] = 1e-5f;
    } else if (strstr(param->name, "norm") && strstr(param->name, ".weight")) {
        for (size_t j = 0; j < param->count; j++)
            value[j] = 1;
    }
}

Status init_params(const Params *params, const ModelShape *shape, uint64_t seed, Ops *ops) {
    float *values = calloc(params->total, sizeof *values);
    if (!values)
        return status_no_memory("the initial parameters", params->total * sizeof *values);
    for (int i = 0; i < params->count; i++) {
        Random random;
        random_start(&random, seed, RANDOM_INIT, 0, (uint64_t)i);
        draw_tensor(&params->list[i], shape, values + params->list[i].offset, &random);
    }
    Status status = device_write(params->device, params->value, values, params->total * sizeof *values);
    free(values);
    params_round(params, ops);
    return status;
}
