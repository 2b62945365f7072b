#include "optimizer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct Optimizer {
    OptimizerOptions options;
    Params *params;
    Ops *ops;
    AdamwSegment *segments; /* one a trainable tensor */
    int count;
};

static bool decays(const OptimizerOptions *options, const Param *param) {
    const char *dot = strrchr(param->name, '.');
    if (param->dims <= 1 || (dot && strcmp(dot, ".bias") == 0))
        return false;
    bool token = strcmp(param->name, "cls_token") == 0 || strcmp(param->name, "pos_embed") == 0;
    return options->decay_tokens || !token;
}

Status optimizer_open(const OptimizerOptions *options, Params *params, Ops *ops, Optimizer **out) {
    *out = NULL;
    Optimizer *optimizer = calloc(1, sizeof *optimizer);
    AdamwSegment *segments = calloc((size_t)params->count, sizeof *segments);
    if (!optimizer || !segments) {
        free(optimizer);
        free(segments);
        return status_no_memory("the optimizer's groups", sizeof *segments * (size_t)params->count);
    }
    *optimizer = (Optimizer){.options = *options, .params = params, .ops = ops, .segments = segments};
    for (int i = 0; i < params->count; i++) {
        const Param *param = &params->list[i];
        if (param->trainable)
            segments[optimizer->count++] =
                (AdamwSegment){.offset = param->offset,
                               .count = param->count,
                               .lr_scale = (float)pow(options->layer_decay, options->layers + 1 - param->layer),
                               .decay = decays(options, param)};
    }
    *out = optimizer;
    return NULL;
}

void optimizer_close(Optimizer *optimizer) {
    if (!optimizer)
        return;
    free(optimizer->segments);
    free(optimizer);
}

void optimizer_step(Optimizer *optimizer, double lr, int64_t step, float *norm) {
    const OptimizerOptions *o = &optimizer->options;
    Params *params = optimizer->params;
    Ops *ops = optimizer->ops;
    AdamwValues values = {.lr = (float)lr,
                          .beta1 = (float)o->beta1,
                          .beta2 = (float)o->beta2,
                          .eps = (float)o->eps,
                          .weight_decay = (float)o->weight_decay,
                          .bias1 = (float)(1 - pow(o->beta1, (double)step)),
                          .bias2 = (float)(1 - pow(o->beta2, (double)step)),
                          .clip = (float)o->clip};
    ops->global_norm(ops, params->grad, params->trainable, norm);
    ops->adamw(ops, params->value, params->grad, params->m, params->v, optimizer->segments, optimizer->count, &values,
               norm);
}
