/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: one table of typed keys (src/base/config_table.c: name, type, range, default, unit, help), read
 * from INI, overridden by section.key=value, checked, printed and hashed. */
#ifndef FOVEA_BASE_CONFIG_H
#define FOVEA_BASE_CONFIG_H

#include "base/status.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { CONFIG_TEXT = 512 }; /* longest text value, with its NUL */
enum { CONFIG_AUTO = -1 };  /* the value `auto` of an integer that takes it */

typedef enum { PRESET_TINY, PRESET_SMALL, PRESET_BASE, PRESET_LARGE, PRESET_HUGE } Preset;
typedef enum { GELU_ERF, GELU_TANH } Gelu;
typedef enum { GUARD_STOP, GUARD_SKIP, GUARD_ROLLBACK } GuardAction;
typedef enum { PRECISION_FP32, PRECISION_BF16, PRECISION_FP8 } Precision;
typedef enum { CONFIG_RECOMPUTE_NONE, CONFIG_RECOMPUTE_NORMS, CONFIG_RECOMPUTE_BLOCKS } ConfigRecompute;
typedef enum { SPLITS_TRAIN, SPLITS_ALL } DataSplits;
typedef enum { CACHE_AUTO, CACHE_PAGE, CACHE_DIRECT, CACHE_DEVICE } DataCache; /* numbered as LoaderCache */
typedef enum { TRAIN_ON_AUTO, TRAIN_ON_CPU, TRAIN_ON_CUDA, TRAIN_ON_EMU } TrainDevice;

/* Field names are the keys' own: model.image_size is config.model.image_size. */
typedef struct {
    struct {
        Preset preset; /* vit_tiny | vit_small | vit_base | vit_large | vit_huge: sets the rest unless given */
        int64_t image_size, patch_size;
        int64_t dim, depth, heads;
        int64_t decoder_dim, decoder_depth, decoder_heads;
        double mask_ratio;
        bool norm_pix_loss;
        Gelu activation; /* which form of GELU the MLPs have */
    } model;
    struct {
        char train[CONFIG_TEXT], val[CONFIG_TEXT]; /* folders or packs; val may be empty: no validation */
        char weights[CONFIG_TEXT];                 /* of several packs */
        DataSplits splits;                         /* of packs: what is trained on */
        DataCache cache;                           /* how packs are read */
        double max_bad;                            /* share of unreadable images that is borne */
        double crop_scale_min, crop_scale_max, crop_ratio_min, crop_ratio_max;
        double flip;
        int64_t workers; /* decoding threads */
        int64_t ring;    /* batches in memory */
    } data;
    struct {
        TrainDevice device;
        Precision precision;
        int64_t seed;
        double epochs;
        int64_t steps; /* 0: from epochs */
        int64_t global_batch;
        int64_t micro_batch; /* most images a pass holds; a larger global batch is a multiple of it and accumulates
                              * gradients; 0: no limit; CONFIG_AUTO: what memory allows */
        bool capture;        /* a GPU's steps as graphs */
        ConfigRecompute recompute;
        int64_t threads;    /* 0: one a core */
        bool deterministic; /* nothing is chosen by timing */
    } train;
    struct {
        double base_lr; /* lr = base_lr * global_batch / 256 */
        double min_lr;
        double warmup_epochs;
        double weight_decay, beta1, beta2, eps;
        double clip; /* largest gradient norm; 0: off */
    } optim;
    struct {
        int64_t every;  /* steps between validations; 0: never */
        int64_t images; /* how many images of data.val, the same each time */
    } val;
    struct {
        int64_t every; /* steps between checkpoints; 0: only the last */
        int64_t keep;  /* newest ones kept, beside the best */
    } checkpoint;
    struct {
        GuardAction action;
        double spike;       /* loss over this many times the running mean is a spike; 0: off */
        int64_t max_events; /* skips or rollbacks before the run stops all the same */
    } guard;
    struct {
        int64_t every;        /* steps between lines of metrics.jsonl */
        int64_t recon_every;  /* steps between reconstruction images; 0: only at the end */
        int64_t recon_images; /* rows of the image */
        bool recon_licensed;  /* of licensed packs, too */
    } log;
    struct {
        char dir[CONFIG_TEXT]; /* run directory; empty: runs/NAME of the config file */
    } run;
} Config;

/* Reads `path`, then applies `sets` ("section.key=value", later ones win), fills what the preset leaves open, checks
 * ranges and what keys demand of each other. EXIT_USAGE naming file, line, key and the nearest known key: for a missing
 * file, unknown or duplicate key or section, wrong type, value out of range, continuation line, line over 200 bytes. */
Status config_load(Config *config, const char *path, char *const *sets, int set_count) MUST_USE;

/* The resolved configuration as INI, every key in table order: config_load() of it gives the same again. */
void config_print(const Config *config, FILE *out);
/* The same into fresh memory, the caller's. */
Status config_text(const Config *config, char **text) MUST_USE;
/* XXH3 of that text without run.dir: two runs of one hash are the same experiment. */
Status config_hash(const Config *config, uint64_t *hash) MUST_USE;

/* Explains one key (type, range, default, unit, meaning), those of a section, or all when `key` is NULL. EXIT_USAGE
 * with the nearest key when there is no such one. */
Status config_help(const char *key, FILE *out) MUST_USE;

#endif
