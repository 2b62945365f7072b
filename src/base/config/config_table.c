/* SPDX-License-Identifier: Apache-2.0 */
#include "base/config/config_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(Preset) == sizeof(int) && sizeof(GuardAction) == sizeof(int) &&
                   sizeof(TrainDevice) == sizeof(int) && sizeof(Precision) == sizeof(int) &&
                   sizeof(Gelu) == sizeof(int) && sizeof(DataSplits) == sizeof(int) && sizeof(DataCache) == sizeof(int),
               "choices are stored as int");

static const char *const PRESETS[] = {"vit_tiny", "vit_small", "vit_base", "vit_large", "vit_huge", NULL};
static const char *const GELUS[] = {"erf", "tanh", NULL};
static const char *const RECOMPUTES[] = {"none", "norms", "blocks", NULL};
static const char *const PRECISIONS[] = {"fp32", "bf16", "fp8", NULL};
static const char *const DEVICES[] = {"auto", "cpu", "cuda", "emu", NULL};
static const char *const SPLITS[] = {"train", "all", NULL};
static const char *const CACHES[] = {"auto", "page", "direct", "device", NULL};
static const char *const ACTIONS[] = {"stop", "skip", "rollback", NULL};

#define INTEGER(section, name, min, max, fallback, unit, help)                                                         \
    { #section, #name, KEY_INTEGER, offsetof(Config, section.name), min, max, fallback, NULL, false, unit, help, false }
#define INTEGER_OR_AUTO(section, name, min, max, fallback, unit, help)                                                 \
    { #section, #name, KEY_INTEGER, offsetof(Config, section.name), min, max, fallback, NULL, false, unit, help, true }
#define SHAPE(section, name, min, max, unit, help)                                                                     \
    { #section, #name, KEY_INTEGER, offsetof(Config, section.name), min, max, 0, NULL, true, unit, help, false }
#define REAL(section, name, min, max, fallback, unit, help)                                                            \
    { #section, #name, KEY_REAL, offsetof(Config, section.name), min, max, fallback, NULL, false, unit, help, false }
#define SWITCH(section, name, fallback, help)                                                                          \
    { #section, #name, KEY_SWITCH, offsetof(Config, section.name), 0, 1, fallback, NULL, false, "", help, false }
#define CHOICE(section, name, names, fallback, help)                                                                   \
    { #section, #name, KEY_CHOICE, offsetof(Config, section.name), 0, 0, fallback, names, false, "", help, false }
#define TEXT(section, name, help)                                                                                      \
    { #section, #name, KEY_TEXT, offsetof(Config, section.name), 0, 0, 0, NULL, false, "", help, false }

/* Defaults are the published MAE pretraining recipe (He et al., arXiv 2111.06377, table 8) wherever it has the key. */
const ConfigKey config_keys[] = {
    CHOICE(model, preset, PRESETS, PRESET_BASE,
           "Sets the sizes below that are not given. Encoder width x blocks x heads: tiny 192x12x3, small 384x12x6, "
           "base 768x12x12, large 1024x24x16, huge 1280x32x16; decoder 512x8x16 as in the MAE paper, but for tiny "
           "192x4x3 and small 256x4x8, which the paper does not have."),
    INTEGER(model, image_size, 1, 8192, 224, "pixels", "Side of the square image that the model sees."),
    SHAPE(model, patch_size, 1, 1024, "pixels",
          "Side of a patch, a divisor of image_size. Preset: 16, for vit_huge 14."),
    SHAPE(model, dim, 4, 16384, "", "Width of the encoder: a multiple of 4 (position embedding) and of heads."),
    SHAPE(model, depth, 1, 256, "blocks", "Transformer blocks of the encoder."),
    SHAPE(model, heads, 1, 256, "", "Attention heads of the encoder."),
    SHAPE(model, decoder_dim, 4, 16384, "", "Width of the decoder: a multiple of 4 and of decoder_heads."),
    SHAPE(model, decoder_depth, 1, 256, "blocks", "Transformer blocks of the decoder."),
    SHAPE(model, decoder_heads, 1, 256, "", "Attention heads of the decoder."),
    REAL(model, mask_ratio, 0.01, 0.99, 0.75, "", "Share of the patches that is hidden from the encoder."),
    SWITCH(model, norm_pix_loss, 1, "Whether the loss compares patches normalised by their own mean and variance."),
    CHOICE(model, activation, GELUS, GELU_ERF,
           "GELU of the encoder's and the decoder's MLPs. erf: exact, as the published models have it. tanh: its usual "
           "approximation, which a GPU may compute within the matrix product; weights of one are no weights of the "
           "other."),

    TEXT(data, train,
         "What to train on: a folder of JPEG and PNG images, searched with all its subfolders, or a pack, or packs "
         "separated by commas."),
    TEXT(data, val,
         "What the validation loss is of: a folder of images, or packs, of which the split val is taken; the pack of "
         "data.train may be given again. Empty: no validation."),
    TEXT(data, weights,
         "Numbers above 0 separated by commas, one for each pack of data.train: how often an epoch shows the pack's "
         "images. Empty: once each."),
    CHOICE(data, splits, SPLITS, SPLITS_TRAIN,
           "Which images of packs are trained on. train: those of the split train, and those without a split; all: "
           "those of val and test, too."),
    CHOICE(data, cache, CACHES, CACHE_AUTO,
           "How packs are read. page: through the system's page cache; direct: past it, for packs larger than memory; "
           "auto: direct if the packs would fill more than half of the machine's memory, else page; device: once, into "
           "the GPU's memory, where steps then find them (packs of one size; on the CPU as auto). No result changes."),
    REAL(data, max_bad, 0, 1, 0.005, "", "Share of images that may be unreadable before the run stops."),
    REAL(data, crop_scale_min, 0.001, 1, 0.2, "", "Smallest random crop, as a share of the image's area."),
    REAL(data, crop_scale_max, 0.001, 1, 1, "", "Largest random crop, as a share of the image's area."),
    REAL(data, crop_ratio_min, 0.1, 10, 3.0 / 4, "", "Smallest width / height of a random crop."),
    REAL(data, crop_ratio_max, 0.1, 10, 4.0 / 3, "", "Largest width / height of a random crop."),
    REAL(data, flip, 0, 1, 0.5, "", "Probability of mirroring left and right."),
    INTEGER(data, workers, 1, 256, 2, "threads", "Threads that decode and crop images. They change no result."),
    INTEGER(data, ring, 1, 64, 3, "batches",
            "Batches in memory: the one that is trained on, on a GPU the next one, too, and those decoded ahead."),

    CHOICE(
        train, device, DEVICES, TRAIN_ON_AUTO,
        "Where the model is computed. auto: on a GPU that works, else on the CPU, saying why. emu: the GPU's kernels "
        "run by an emulator, for tests of the program itself."),
    CHOICE(
        train, precision, PRECISIONS, PRECISION_BF16,
        "What activations and the factors of matrix products are kept in. Parameters, gradients, moments and sums are "
        "fp32 in each; the CPU rounds in bf16 where a GPU does. fp8: as bf16, but the linear layers of the encoder's "
        "blocks, the first and the last left out, multiply in E4M3 and E5M2, forward and for the input's gradient; for "
        "GPUs of compute capability 8.9 and later, simulated on the CPU."),
    INTEGER(train, seed, 0, 9007199254740991, 1, "", "Starts weights, order, crops and masks."),
    REAL(train, epochs, 0.001, 1e6, 800, "epochs", "Passes over the training images; not used when steps is given."),
    INTEGER(train, steps, 0, 1e12, 0, "steps", "Optimizer steps of the whole run. 0: from epochs."),
    INTEGER(train, global_batch, 1, 1048576, 4096, "images", "Images an optimizer step averages over."),
    INTEGER_OR_AUTO(train, micro_batch, 0, 1048576, 0, "images",
                    "Most images computed at a time: a larger global_batch is a multiple of it, and gradients are "
                    "added up. 0: no limit. auto: the largest divisor of global_batch that fits into memory (--plan "
                    "tells), on the CPU at most 64; a resumed run keeps its own."),
    SWITCH(
        train, capture, 1,
        "Whether a GPU's steps are captured once, as CUDA graphs, and launched whole from then on. off: each kernel by "
        "itself, so that a failure names it."),
    CHOICE(
        train, recompute, RECOMPUTES, CONFIG_RECOMPUTE_NONE,
        "What is computed a second time in the backward pass rather than kept, for more images at a time in the same "
        "memory: nothing; norms: what norms and GELU write, a little work; blocks: all but the blocks' inputs, a third "
        "more work. Results are the same to the bit, but for model.activation = tanh where a GPU computes it "
        "within the product."),
    INTEGER(train, threads, 0, 1024, 0, "threads", "Threads that compute. 0: one for each core."),
    SWITCH(train, deterministic, 0,
           "on: every way to compute is the one that the libraries advise first, so that two runs of one configuration "
           "on the same kind of GPU are equal to the bit. off: the fastest, found by timing when a run begins and kept "
           "in its tune.json, so that a resumed run goes on to the bit but another run may differ in rounding. The CPU "
           "has one way only."),

    REAL(optim, base_lr, 0, 100, 1.5e-4, "", "Learning rate for 256 images: the peak is base_lr * global_batch / 256."),
    REAL(optim, min_lr, 0, 100, 0, "", "Learning rate at the end of the cosine; not scaled by the batch."),
    REAL(optim, warmup_epochs, 0, 1e6, 40, "epochs", "The learning rate rises from 0 over these."),
    REAL(optim, weight_decay, 0, 10, 0.05, "", "Decoupled weight decay of AdamW; biases and norms go without."),
    REAL(optim, beta1, 0, 0.999999, 0.9, "", "AdamW: decay of the gradient's running mean."),
    REAL(optim, beta2, 0, 0.9999999, 0.95, "", "AdamW: decay of the squared gradient's running mean."),
    REAL(optim, eps, 1e-15, 1, 1e-8, "", "AdamW: added to the divisor."),
    REAL(optim, clip, 0, 1e6, 0, "", "Largest global gradient norm; a longer gradient is scaled down. 0: off."),

    INTEGER(val, every, 0, 1e12, 500, "steps", "Steps between validations. 0: never. Without data.val there are none."),
    INTEGER(val, images, 1, 1e9, 256, "images", "Images of data.val that a validation uses, the same ones each time."),

    INTEGER(checkpoint, every, 0, 1e12, 1000, "steps", "Steps between checkpoints. 0: only the last."),
    INTEGER(checkpoint, keep, 1, 1000000, 3, "", "How many of the newest checkpoints stay, beside the best."),

    CHOICE(
        guard, action, ACTIONS, GUARD_STOP,
        "On a loss or gradient that is not finite, or a spike: stop the run, skip the step, or roll back to the last "
        "checkpoint and pass over the batches since."),
    REAL(guard, spike, 0, 1e6, 0, "", "A loss over this many times its running mean is a spike; above 1. 0: off."),
    INTEGER(guard, max_events, 0, 1000000, 10, "",
            "Skips or rollbacks that are borne before the run stops all the same."),

    INTEGER(log, every, 1, 1e9, 10, "steps", "Steps between lines of metrics.jsonl."),
    INTEGER(log, recon_every, 0, 1e12, 0, "steps", "Steps between reconstruction images. 0: only at the end."),
    INTEGER(log, recon_images, 1, 256, 8, "images", "Rows of a reconstruction image."),
    SWITCH(log, recon_licensed, 0,
           "Whether reconstruction images are drawn of packs of licensed data, too: such images may not be passed "
           "on."),

    TEXT(run, dir, "Run directory. Empty: runs/NAME for a config file NAME.ini."),
};
const int config_key_count = sizeof config_keys / sizeof config_keys[0];

const ConfigKey *config_key_find(const char *section, const char *name) {
    for (const ConfigKey *key = config_keys; key < config_keys + config_key_count; key++)
        if (!strcmp(key->section, section) && !strcmp(key->name, name))
            return key;
    return NULL;
}

/* Levenshtein's distance. Only the first 39 bytes count: no key is longer. */
static int edits(const char *a, const char *b) {
    int row[CONFIG_KEY_LENGTH], width = (int)strnlen(b, CONFIG_KEY_LENGTH - 1);
    for (int j = 0; j <= width; j++)
        row[j] = j;
    for (int i = 0; a[i] && i < CONFIG_KEY_LENGTH - 1; i++) {
        int diagonal = row[0];
        row[0] = i + 1;
        for (int j = 1; j <= width; j++) {
            int best = diagonal + (a[i] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[width];
}

const ConfigKey *config_key_nearest(const char *text) {
    enum { PART = 2 }; /* a name that holds what was asked for, as base_lr holds lr, counts as two edits away */
    const ConfigKey *nearest = config_keys;
    int fewest = 2 * CONFIG_KEY_LENGTH;
    const char *dot = strrchr(text, '.'), *last = dot ? dot + 1 : text;
    for (const ConfigKey *key = config_keys; key < config_keys + config_key_count; key++) {
        char full[CONFIG_KEY_LENGTH];
        snprintf(full, sizeof full, "%s.%s", key->section, key->name);
        int whole = edits(text, full), alone = edits(text, key->name);
        int distance = whole < alone ? whole : alone;
        if (distance > PART && strlen(last) > 1 && strstr(key->name, last))
            distance = PART;
        if (distance < fewest) {
            fewest = distance;
            nearest = key;
        }
    }
    return nearest;
}

const char *config_section_nearest(const char *text) {
    const char *nearest = config_keys[0].section;
    for (int i = 1; i < config_key_count; i++)
        if (edits(text, config_keys[i].section) < edits(text, nearest))
            nearest = config_keys[i].section;
    return nearest;
}

int config_key_text_limit(const ConfigKey *key) {
    enum { LINE = 199 }; /* without its end */
    return LINE - (int)strlen(key->name) - (int)strlen(" = ");
}

const char *config_key_type(const ConfigKey *key) {
    static const char *const NAMES[] = {[KEY_INTEGER] = "integer",
                                        [KEY_REAL] = "real",
                                        [KEY_SWITCH] = "switch",
                                        [KEY_CHOICE] = "choice",
                                        [KEY_TEXT] = "text"};
    return NAMES[key->type];
}

RealText config_real_text(double value) {
    RealText real;
    int digits = 15;
    do
        snprintf(real.text, sizeof real.text, "%.*g", digits, value);
    while (strtod(real.text, NULL) != value && ++digits <= 17);
    return real;
}

void config_key_range(const ConfigKey *key, char *text, size_t size) {
    size_t used = 0;
    switch (key->type) {
    case KEY_INTEGER:
        snprintf(text, size, "%lld to %lld%s", (long long)key->min, (long long)key->max,
                 key->automatic ? " | auto" : "");
        break;
    case KEY_REAL:
        snprintf(text, size, "%s to %s", config_real_text(key->min).text, config_real_text(key->max).text);
        break;
    case KEY_SWITCH:
        snprintf(text, size, "on | off");
        break;
    case KEY_CHOICE:
        for (int i = 0; key->choice[i] && used < size; i++)
            used += (size_t)snprintf(text + used, size - used, "%s%s", i ? " | " : "", key->choice[i]);
        break;
    case KEY_TEXT:
        snprintf(text, size, "up to %d bytes", config_key_text_limit(key));
        break;
    }
}

void config_defaults(Config *config) {
    memset(config, 0, sizeof *config);
    for (const ConfigKey *key = config_keys; key < config_keys + config_key_count; key++) {
        void *place = (char *)config + key->offset;
        switch (key->type) {
        case KEY_INTEGER:
            *(int64_t *)place = (int64_t)key->fallback;
            break;
        case KEY_REAL:
            *(double *)place = key->fallback;
            break;
        case KEY_SWITCH:
            *(bool *)place = key->fallback != 0;
            break;
        case KEY_CHOICE:
            memcpy(place, &(int){(int)key->fallback}, sizeof(int));
            break;
        case KEY_TEXT:
            break;
        }
    }
}

void config_fill_preset(Config *config) {
    /* Encoders: Dosovitskiy et al., arXiv 2010.11929, and timm for tiny and small. Decoders: the MAE paper's, and our
     * own choice for tiny and small. */
    static const struct {
        int patch, dim, depth, heads, decoder_dim, decoder_depth, decoder_heads;
    } SHAPES[] = {[PRESET_TINY] = {16, 192, 12, 3, 192, 4, 3},
                  [PRESET_SMALL] = {16, 384, 12, 6, 256, 4, 8},
                  [PRESET_BASE] = {16, 768, 12, 12, 512, 8, 16},
                  [PRESET_LARGE] = {16, 1024, 24, 16, 512, 8, 16},
                  [PRESET_HUGE] = {14, 1280, 32, 16, 512, 8, 16}};
#define FILL(field, from)                                                                                              \
    if (!config->model.field)                                                                                          \
    config->model.field = SHAPES[config->model.preset].from
    FILL(patch_size, patch);
    FILL(dim, dim);
    FILL(depth, depth);
    FILL(heads, heads);
    FILL(decoder_dim, decoder_dim);
    FILL(decoder_depth, decoder_depth);
    FILL(decoder_heads, decoder_heads);
#undef FILL
}
