/* SPDX-License-Identifier: Apache-2.0 */
/* ./train's configuration: its struct and the table of its keys (src/train/config/keys.c), for base/config.h. */
#ifndef FOVEA_TRAIN_CONFIG_H
#define FOVEA_TRAIN_CONFIG_H

#include "base/config.h"
#include "checkpoint/initial.h"
#include "data/loader.h"
#include "data/records.h"
#include "device/device.h"
#include "model/model.h"
#include "ops/ops.h"

typedef enum { PRESET_TINY, PRESET_SMALL, PRESET_BASE, PRESET_LARGE, PRESET_HUGE } Preset;
typedef enum { PRECISION_FP32, PRECISION_BF16, PRECISION_FP8 } Precision;
typedef enum { GUARD_STOP, GUARD_SKIP, GUARD_ROLLBACK } GuardAction;
typedef enum {
    OBJECTIVE_MAE,
    OBJECTIVE_CLASSIFY,
    OBJECTIVE_MULTILABEL,
    OBJECTIVE_REGRESS,
    OBJECTIVE_ORDINAL
} ObjectiveName;
typedef enum { EXTEND_STRETCH, EXTEND_HOLD } Extend;

/* Field names are the keys' own: model.image_size is config.model.image_size. */
typedef struct {
    struct {
        Preset preset; /* sets the sizes that are not given */
        int64_t image_size, patch_size;
        int64_t dim, depth, heads;
        int64_t decoder_dim, decoder_depth, decoder_heads;
        double mask_ratio;
        bool norm_pix_loss;
        Activation activation; /* of the MLPs */
        Pool pool;             /* of labelled objectives */
        bool layer_scale;      /* the same */
        double drop_path;      /* the same */
    } model;
    struct {
        ConfigPaths train, val; /* folders or packs; val may be empty: no validation */
        ConfigText weights;     /* of several packs */
        RecordsSplits splits;   /* of packs: the splits to train on */
        LoaderCache cache;      /* how packs are read */
        double max_unreadable;  /* share of images that may be unreadable */
        double crop_scale_min, crop_scale_max, crop_ratio_min, crop_ratio_max;
        double flip;
        double jitter;            /* of colours */
        double erase;             /* probability of an erased rectangle */
        ConfigText label;         /* columns, separated by commas */
        int64_t classes;          /* of data.label; 0: as many as the training images have */
        bool balance;             /* every class as often as the others */
        int64_t workers;          /* decoding threads */
        int64_t prefetch_batches; /* batches in memory */
    } data;
    struct {
        ObjectiveName objective;
        DeviceKind device;
        Precision precision;
        int64_t seed;
        double epochs;
        int64_t steps; /* 0: from epochs */
        int64_t global_batch;
        int64_t micro_batch; /* most images in one pass; a larger global batch is a multiple of it and accumulates
                              * gradients; 0: no limit; CONFIG_AUTO: what memory allows */
        bool capture;        /* a GPU's steps as graphs */
        Recompute recompute;
        int64_t threads; /* 0: one for each core */
        double label_smoothing;
        bool class_weights;    /* by how rare a class is */
        double head_epochs;    /* of the head alone, before all is trained */
        int64_t freeze_blocks; /* with the embedding never trained */
        bool deterministic;    /* no algorithm is chosen by timing */
    } train;
    struct {
        ConfigText from;       /* a file of weights; empty: random ones */
        ConfigText key;        /* its entry with the tensors; empty: a usual one */
        ConfigText fresh;      /* tensors that it does not give, separated by commas */
        PositionResize resize; /* of its position embeddings */
    } init;
    struct {
        double base_lr; /* lr = base_lr * global_batch / 256 */
        double min_lr;
        double warmup_epochs;
        Extend extend; /* the schedule of a resumed run with more steps */
        double weight_decay, beta1, beta2, eps;
        double clip;        /* largest gradient norm; 0: off */
        double l2sp;        /* towards the first weights */
        double layer_decay; /* of the learning rate, from the last layer to the first */
    } optim;
    struct {
        int64_t every;     /* steps between validations; 0: never */
        int64_t images;    /* how many images of data.val, the same each time */
        ConfigText metric; /* the figure by which a checkpoint is the best; empty: the loss */
    } val;
    struct {
        ConfigPaths train, val; /* labelled folders or packs; train may be empty: no probe */
        ConfigText label;       /* columns, separated by commas */
        Task kind;              /* what they are */
        int64_t images;         /* of either */
        int64_t every;          /* steps between probes; 0: val.every */
    } probe;
    struct {
        int64_t every;      /* steps between checkpoints; 0: only the last; CONFIG_AUTO: by the time of a write */
        int64_t keep;       /* newest ones kept, besides the best */
        ConfigText keep_at; /* train/keep_at.h */
    } checkpoint;
    struct {
        GuardAction action;
        double spike;       /* a loss over this many times the running mean is a spike; 0: off */
        int64_t max_events; /* skips or rollbacks before the run stops */
    } guard;
    struct {
        int64_t every; /* steps between looks at the layers; 0: never */
    } monitor;
    struct {
        int64_t every;        /* steps between lines of metrics.jsonl */
        int64_t recon_every;  /* steps between reconstruction images; 0: only at the end */
        int64_t recon_images; /* rows of the image */
        bool recon_licensed;  /* of licensed packs, too */
    } log;
    struct {
        ConfigText dir; /* run directory; empty: runs/NAME of the config file */
    } run;
} Config;

extern const ConfigTable train_config;

#endif
