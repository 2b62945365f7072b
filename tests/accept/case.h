/* SPDX-License-Identifier: Apache-2.0 */
/* The settings and tensors of a recorded case. Everything that a case says must be known here: what is not is refused,
 * since the comparison would blame the arithmetic for it, or not see it at all. */
#ifndef ACCEPT_CASE_H
#define ACCEPT_CASE_H

#include "base/safetensors.h"
#include "model/model.h"
#include "train/optimizer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CASE_MAE = 1, CASE_VIT = 2, CASE_BOTH = 3 };

typedef struct {
    const SafeTensors *file;
    int kind;
    Task task;
    Pool pool;
    /* The settings, in the order of the table. */
    double image_size, patch_size, dim, depth, heads, batch, mlp_ratio, norm_eps;
    double decoder_dim, decoder_depth, decoder_heads, mask_ratio, norm_pix_loss;
    double classes, outputs, global_pool, label_smoothing, layer_scale, drop_path, freeze;
    double steps, lr, weight_decay, beta1, beta2, adam_eps, clip, layer_decay, l2sp;
} Case;

/* NEEDED: has no default. A whole number counts or switches something. */
#define NEEDED NAN
#define SETTING(field, kinds, fallback, whole)                                                                         \
    { #field, offsetof(Case, field), kinds, fallback, whole }
static const struct {
    const char *key;
    size_t offset;
    int kinds;
    double fallback;
    bool whole;
} case_settings[] = {
    SETTING(image_size, CASE_BOTH, NEEDED, true),
    SETTING(patch_size, CASE_BOTH, NEEDED, true),
    SETTING(dim, CASE_BOTH, NEEDED, true),
    SETTING(depth, CASE_BOTH, NEEDED, true),
    SETTING(heads, CASE_BOTH, NEEDED, true),
    SETTING(batch, CASE_BOTH, NEEDED, true),
    SETTING(mlp_ratio, CASE_BOTH, 4, false),
    SETTING(norm_eps, CASE_BOTH, 1e-6, false),
    SETTING(decoder_dim, CASE_MAE, NEEDED, true),
    SETTING(decoder_depth, CASE_MAE, NEEDED, true),
    SETTING(decoder_heads, CASE_MAE, NEEDED, true),
    SETTING(mask_ratio, CASE_MAE, NEEDED, false),
    SETTING(norm_pix_loss, CASE_MAE, NEEDED, true),
    SETTING(classes, CASE_VIT, NEEDED, true),
    SETTING(outputs, CASE_VIT, -1, true),
    SETTING(global_pool, CASE_VIT, -1, true),
    SETTING(label_smoothing, CASE_VIT, 0, false),
    SETTING(layer_scale, CASE_VIT, 0, true),
    SETTING(drop_path, CASE_VIT, 0, false),
    SETTING(freeze, CASE_VIT, 0, true),
    SETTING(steps, CASE_BOTH, NEEDED, true),
    SETTING(lr, CASE_BOTH, NEEDED, false),
    SETTING(weight_decay, CASE_BOTH, NEEDED, false),
    SETTING(beta1, CASE_BOTH, NEEDED, false),
    SETTING(beta2, CASE_BOTH, NEEDED, false),
    SETTING(adam_eps, CASE_BOTH, NEEDED, false),
    SETTING(clip, CASE_BOTH, 0, false),
    SETTING(layer_decay, CASE_BOTH, 1, false),
    SETTING(l2sp, CASE_BOTH, 0, false),
};
#undef SETTING
enum { CASE_SETTINGS = sizeof case_settings / sizeof *case_settings };

/* What describes a case to people. */
static const char *const case_notes[] = {"made_with",   "names",  "no_decay", "note", "source",
                                         "standardise", "choose", "knn",      NULL};
static const char *const case_texts[] = {"kind", "objective", "pool", NULL};
static const char *const case_tensors[] = {"images",   "noise", "labels", "class_weights", "drop_path", "loss",
                                           "losses",   "pred",  "mask",   "latent",        "logits",    "ids_restore",
                                           "features", NULL};

static int case_find(const char *const *list, const char *name) {
    for (int i = 0; list[i]; i++)
        if (strcmp(list[i], name) == 0)
            return i;
    return -1;
}

/* The place of a text's value in `list`; -1 where the case has no such text. */
static Status case_choice(const Case *c, const char *key, const char *const *list, int *choice) {
    const char *text = safetensors_note(c->file, key);
    *choice = text ? case_find(list, text) : -1;
    return text && *choice < 0 ? status_error(EXIT_DATA, "the case's %s is %s, which is not known here", key, text)
                               : NULL;
}

static Status case_kind(Case *c) {
    static const char *const kinds[] = {"mae", "vit_finetune", NULL}, *const pools[] = {"mean", "cls", NULL};
    static const char *const tasks[] = {"classify", "multilabel", "regress", "ordinal", NULL}; /* as Task */
    int kind, task, pool;
    TRY(case_choice(c, "kind", kinds, &kind));
    if (kind < 0)
        return status_error(EXIT_DATA, "the case names no kind; is it a replay case?");
    c->kind = kind ? CASE_VIT : CASE_MAE;
    TRY(case_choice(c, "objective", tasks, &task));
    TRY(case_choice(c, "pool", pools, &pool));
    if (c->kind == CASE_MAE && (task >= 0 || pool >= 0))
        return status_error(EXIT_DATA, "the case is of a masked autoencoder and has a head's settings");
    c->task = task < 0 ? TASK_CLASSIFY : (Task)task;
    c->pool = pool < 0 ? POOL_MEAN : (Pool)pool;
    return NULL;
}

static Status case_setting(Case *c, int i) {
    const char *key = case_settings[i].key, *text = safetensors_note(c->file, key);
    double *value = (double *)((char *)c + case_settings[i].offset);
    const double fallback = case_settings[i].fallback;
    const bool used = case_settings[i].kinds & c->kind;
    char *end = NULL;
    *value = text ? strtod(text, &end) : used ? fallback : 0;
    if (text && (end == text || *end || !isfinite(*value) ||
                 (case_settings[i].whole && !(fabs(*value) < 1 << 24 && *value == rint(*value)))))
        return status_error(EXIT_DATA, "the case's %s is %s, not a number that it can be", key, text);
    if (!text && used && isnan(fallback))
        return status_error(EXIT_DATA, "the case has no %s", key);
    if (text && !used && *value != (isnan(fallback) ? 0 : fallback))
        return status_error(EXIT_DATA, "the case's %s is %s, which a model of its kind does not have", key, text);
    return NULL;
}

/* Refuses what no part of this program reads. */
static Status case_unknown(const Case *c) {
    const char *key;
    for (int i = 0; (key = safetensors_note_key(c->file, i)); i++) {
        bool known = case_find(case_notes, key) >= 0 || case_find(case_texts, key) >= 0;
        for (int j = 0; j < CASE_SETTINGS; j++)
            known |= strcmp(key, case_settings[j].key) == 0;
        if (!known)
            return status_error(EXIT_DATA, "the case has the setting %s, which is not known here", key);
    }
    for (int i = 0; i < safetensors_count(c->file); i++) {
        const char *name = safetensors_at(c->file, i)->name;
        if (case_find(case_tensors, name) < 0 && strncmp(name, "weights.", 8) != 0 && strncmp(name, "grad.", 5) != 0 &&
            strncmp(name, "after.", 6) != 0)
            return status_error(EXIT_DATA, "the case has the tensor %s, which is not known here", name);
    }
    return NULL;
}

/* Every weight belongs to the model; params_read() sees that none is missing. */
static Status case_weights(const Case *c, const Params *params) {
    for (int i = 0; i < safetensors_count(c->file); i++) {
        const char *name = safetensors_at(c->file, i)->name;
        if (strncmp(name, "weights.", 8) == 0 && !params_find(params, name + 8))
            return status_error(EXIT_DATA, "the case has the tensor %s, which its model has not", name);
    }
    return NULL;
}

static Status case_read(Case *c) {
    TRY(case_kind(c));
    TRY(case_unknown(c));
    for (int i = 0; i < CASE_SETTINGS; i++)
        TRY(case_setting(c, i));
    if (c->steps < 1)
        return status_error(EXIT_DATA, "the case takes %g steps", c->steps);
    if (c->kind == CASE_MAE)
        return NULL;
    if (!safetensors_note(c->file, "pool") && c->global_pool == 0)
        c->pool = POOL_CLS;
    if (c->global_pool >= 0 && (c->pool == POOL_MEAN) != (c->global_pool == 1))
        return status_error(EXIT_DATA, "the case's pool and global_pool contradict each other");
    if (c->freeze < 0 || c->freeze > c->depth)
        return status_error(EXIT_DATA, "the case freezes %g of %g blocks", c->freeze, c->depth);
    if (c->outputs >= 0 && c->outputs != c->classes - (c->task == TASK_ORDINAL))
        return status_error(EXIT_DATA, "the case has %g outputs for %g classes", c->outputs, c->classes);
    if (safetensors_find(c->file, "drop_path") && c->drop_path == 0)
        return status_error(EXIT_DATA, "the case drops paths with probability 0");
    if (safetensors_find(c->file, "class_weights") && c->task == TASK_REGRESS)
        return status_error(EXIT_DATA, "the case has class weights and no classes");
    return NULL;
}

static ModelShape case_shape(const Case *c) {
    return (ModelShape){.image_size = (int)c->image_size,
                        .patch_size = (int)c->patch_size,
                        .dim = (int)c->dim,
                        .depth = (int)c->depth,
                        .heads = (int)c->heads,
                        .decoder_dim = (int)c->decoder_dim,
                        .decoder_depth = (int)c->decoder_depth,
                        .decoder_heads = (int)c->decoder_heads,
                        .mlp_ratio = c->mlp_ratio,
                        .activation = ACTIVATION_GELU_ERF,
                        .norm_eps = c->norm_eps,
                        .mask_ratio = c->mask_ratio,
                        .norm_pix_loss = c->norm_pix_loss != 0,
                        .task = c->task,
                        .classes = (int)c->classes,
                        .label_smoothing = c->label_smoothing,
                        .pool = c->pool,
                        .layer_scale = c->layer_scale != 0,
                        .drop_path = c->drop_path,
                        .frozen = (int)c->freeze,
                        .batch = (int)c->batch};
}

static OptimizerOptions case_optimizer(const Case *c) {
    return (OptimizerOptions){.beta1 = c->beta1,
                              .beta2 = c->beta2,
                              .eps = c->adam_eps,
                              .weight_decay = c->weight_decay,
                              .l2sp = c->l2sp,
                              .clip = c->clip,
                              .layer_decay = c->layer_decay,
                              .layers = (int)c->depth,
                              .decay_tokens = c->kind == CASE_MAE};
}

static Status case_tensor(const Case *c, const char *name, TensorType type, int64_t count, const Tensor **tensor) {
    *tensor = safetensors_find(c->file, name);
    if (!*tensor || (*tensor)->type != type || (*tensor)->count != count)
        return status_error(EXIT_DATA, "the case has no tensor %s of %lld elements of the expected type", name,
                            (long long)count);
    return NULL;
}

#endif
