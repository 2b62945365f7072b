/* SPDX-License-Identifier: Apache-2.0 */
#include "train/config.h"
#include "train/config/check.h"
#include "train/config/preset.h"

static const ConfigChoice presets[] = {{"vit_tiny", PRESET_TINY}, {"vit_small", PRESET_SMALL},
                                       {"vit_base", PRESET_BASE}, {"vit_large", PRESET_LARGE},
                                       {"vit_huge", PRESET_HUGE}, {NULL, 0}};
static const ConfigChoice activations[] = {{"erf", ACTIVATION_GELU_ERF}, {"tanh", ACTIVATION_GELU_TANH}, {NULL, 0}};
static const ConfigChoice recomputes[] = {
    {"none", RECOMPUTE_NONE}, {"norms", RECOMPUTE_NORMS}, {"blocks", RECOMPUTE_BLOCKS}, {NULL, 0}};
static const ConfigChoice precisions[] = {
    {"fp32", PRECISION_FP32}, {"bf16", PRECISION_BF16}, {"fp8", PRECISION_FP8}, {NULL, 0}};
static const ConfigChoice devices[] = {
    {"auto", DEVICE_AUTO}, {"cpu", DEVICE_CPU}, {"cuda", DEVICE_CUDA}, {"emu", DEVICE_EMU}, {NULL, 0}};
static const ConfigChoice pools[] = {{"mean", POOL_MEAN}, {"cls", POOL_CLS}, {NULL, 0}};
static const ConfigChoice objectives[] = {
    {"mae", OBJECTIVE_MAE},         {"classify", OBJECTIVE_CLASSIFY}, {"multilabel", OBJECTIVE_MULTILABEL},
    {"regress", OBJECTIVE_REGRESS}, {"ordinal", OBJECTIVE_ORDINAL},   {NULL, 0}};
static const ConfigChoice probes[] = {
    {"classify", TASK_CLASSIFY}, {"multilabel", TASK_MULTILABEL}, {"regress", TASK_REGRESS}, {NULL, 0}};
static const ConfigChoice resizes[] = {
    {"source", RESIZE_BY_SOURCE}, {"bicubic", RESIZE_BICUBIC}, {"antialias", RESIZE_ANTIALIAS}, {NULL, 0}};
static const ConfigChoice extends[] = {{"stretch", EXTEND_STRETCH}, {"hold", EXTEND_HOLD}, {NULL, 0}};
static const ConfigChoice splits[] = {{"train", RECORDS_TRAIN}, {"all", RECORDS_ALL}, {NULL, 0}};
static const ConfigChoice caches[] = {
    {"auto", LOADER_AUTO}, {"page", LOADER_PAGE}, {"direct", LOADER_DIRECT}, {"device", LOADER_DEVICE}, {NULL, 0}};
static const ConfigChoice actions[] = {
    {"stop", GUARD_STOP}, {"skip", GUARD_SKIP}, {"rollback", GUARD_ROLLBACK}, {NULL, 0}};

/* A row, whose field is named as its key is. What follows the help are further fields of the row. */
#define ROW(kind, at, section_, name_, unit_, help_)                                                                   \
    .section = #section_, .name = #name_, .type = kind, .offset = at, .unit = unit_, .help = help_
#define INTEGER(section, name, low, high, value, unit, help, ...)                                                      \
    {                                                                                                                  \
        ROW(CONFIG_INTEGER, CONFIG_AT(Config, section.name, int64_t), section, name, unit, help),                      \
            .min = low, .max = high, .fallback = value, ##__VA_ARGS__                                                  \
    }
#define SIZE_OF_MODEL(name, low, high, unit, help)                                                                     \
    INTEGER(model, name, low, high, 0, unit, help, .derived = "by the preset")
#define REAL(section, name, low, high, value, unit, help, ...)                                                         \
    {                                                                                                                  \
        ROW(CONFIG_REAL, CONFIG_AT(Config, section.name, double), section, name, unit, help),                          \
            .min = low, .max = high, .fallback = value, ##__VA_ARGS__                                                  \
    }
#define SWITCH(section, name, value, help, ...)                                                                        \
    {                                                                                                                  \
        ROW(CONFIG_SWITCH, CONFIG_AT(Config, section.name, bool), section, name, "", help), .fallback = value,         \
                                                                                            ##__VA_ARGS__              \
    }
#define CHOICE(section, name, names, value, help, ...)                                                                 \
    {                                                                                                                  \
        ROW(CONFIG_CHOICE, CONFIG_CHOICE_AT(Config, section.name), section, name, "", help),                           \
            .choices = names, .fallback = value, ##__VA_ARGS__                                                         \
    }
#define TEXT(section, name, help, ...)                                                                                 \
    { ROW(CONFIG_STRING, CONFIG_AT(Config, section.name, ConfigText), section, name, "", help), ##__VA_ARGS__ }

/* Neutral: the images' own hash stands for where they are, see train/run/identity.h. */
#define PATHS(section, name, help)                                                                                     \
    {                                                                                                                  \
        ROW(CONFIG_STRING, CONFIG_AT(Config, section.name, ConfigPaths), section, name, "", help), .paths = true,      \
                                                                                                   .neutral = true     \
    }

/* Defaults are the published MAE pretraining recipe (He et al., arXiv 2111.06377, table 8) wherever it has the key. */
static const ConfigKey keys[] = {
    CHOICE(
        model, preset, presets, PRESET_BASE,
        "Sets each size below that is not given. Encoder width x blocks x heads: tiny 192x12x3, small 384x12x6, base "
        "768x12x12, large 1024x24x16, huge 1280x32x16. Decoder: 512x8x16 as in the MAE paper, except for tiny "
        "(192x4x3) and small (256x4x8), which the paper does not have."),
    INTEGER(model, image_size, 1, 8192, 224, "pixels", "Side of the model's square input image."),
    SIZE_OF_MODEL(patch_size, 1, 1024, "pixels",
                  "Side of a patch; must divide image_size. Preset: 16, or 14 for vit_huge."),
    SIZE_OF_MODEL(dim, 4, 16384, "", "Width of the encoder; a multiple of heads, and of 4 for the position embedding."),
    SIZE_OF_MODEL(depth, 1, 256, "blocks", "Transformer blocks in the encoder."),
    SIZE_OF_MODEL(heads, 1, 256, "", "Attention heads in each encoder block."),
    SIZE_OF_MODEL(decoder_dim, 4, 16384, "", "Width of the decoder; a multiple of 4 and of decoder_heads."),
    SIZE_OF_MODEL(decoder_depth, 1, 256, "blocks", "Transformer blocks in the decoder."),
    SIZE_OF_MODEL(decoder_heads, 1, 256, "", "Attention heads in each decoder block."),
    REAL(model, mask_ratio, 0.01, 0.99, 0.75, "", "Share of patches hidden from the encoder."),
    SWITCH(model, norm_pix_loss, 1, "Whether the loss normalises each patch by its own mean and variance."),
    CHOICE(model, activation, activations, ACTIVATION_GELU_ERF,
           "GELU of the MLPs in encoder and decoder. erf: the exact form, which published models use. tanh: the usual "
           "approximation, which a GPU can fuse into the matrix product. Weights trained with one do not suit the "
           "other."),
    CHOICE(model, pool, pools, POOL_MEAN,
           "What the head of a labelled objective sees. mean: the mean of the patches' tokens, then a norm of its own. "
           "cls: the class token after the encoder's norm. The probe of a masked autoencoder sees either after the "
           "encoder's norm."),
    SWITCH(model, layer_scale, 0,
           "Whether each branch of a block has a learnt factor for each channel (LayerScale), 1e-5 at first; DINOv2's "
           "weights have them. Labelled objectives only."),
    REAL(model, drop_path, 0, 0.99, 0, "",
         "Probability with which a training image skips each of the last block's two branches; it falls linearly to 0 "
         "in the first block. Labelled objectives only."),

    PATHS(data, train,
          "Training data: a folder of JPEG, PNG and TIFF images, searched recursively, or a pack, or several packs "
          "separated by commas."),
    PATHS(data, val,
          "Validation data: a folder of images, none of which is in data.train, or packs, of which the split val is "
          "used; "
          "data.train's pack may be given again. Empty: no validation."),
    TEXT(data, weights,
         "One number above 0 for each pack in data.train, separated by commas: how often an epoch shows each of the "
         "pack's images. Empty: once. --plan prints the shares."),
    CHOICE(data, splits, splits, RECORDS_TRAIN,
           "Images of packs to train on. train: the split train, and images without a split. all: those of val and "
           "test."),
    CHOICE(data, cache, caches, LOADER_AUTO,
           "How packs are read. page: through the system's page cache. direct: bypassing it, for packs larger than "
           "memory. auto: direct if the packs would fill more than half of the machine's memory, else page. device: "
           "loaded once into GPU memory (packs of one size only; on the CPU the same as auto). Results do not depend "
           "on it.",
           .neutral = true),
    REAL(data, max_unreadable, 0, 1, 0.005, "", "Share of images that may be unreadable before the run stops.",
         .neutral = true),
    REAL(data, crop_scale_min, 0.001, 1, 0.2, "", "Smallest random crop, as a share of the image's area."),
    REAL(data, crop_scale_max, 0.001, 1, 1, "", "Largest random crop, as a share of the image's area."),
    REAL(data, crop_ratio_min, 0.1, 10, 3.0 / 4, "", "Smallest width / height of a random crop."),
    REAL(data, crop_ratio_max, 0.1, 10, 4.0 / 3, "", "Largest width / height of a random crop."),
    REAL(data, flip, 0, 1, 0.5, "", "Probability of a horizontal flip."),
    REAL(data, jitter, 0, 1, 0, "",
         "Colour jitter: brightness, contrast and saturation of a training image are multiplied by random factors of 1 "
         "- jitter to 1 + jitter. Labelled objectives only."),
    REAL(data, erase, 0, 1, 0, "",
         "Probability that a random rectangle of a training image, 2 to 33 % of it, is replaced by the mean colour. "
         "Labelled objectives only."),
    TEXT(data, label,
         "Label to train towards (train.objective): a column of the packs' labels, or of the labels.csv in a folder of "
         "images or beside it, whose column file has their paths. multilabel and regress take several, separated by "
         "commas. An empty cell, nan or NA is not known and counts nowhere; images without any known label are not "
         "shown."),
    INTEGER(data, classes, 0, 100000, 0, "classes",
            "Classes of data.label in classify and ordinal, numbered from 0. 0: as many as the training images have, "
            "each at least once."),
    SWITCH(data, balance, 0,
           "Whether an epoch shows every class of classify and ordinal equally often, rare ones several times, with "
           "other crops."),
    INTEGER(data, workers, 1, 256, 2, "threads",
            "Threads that decode and crop images. Results do not depend on their number.", .neutral = true),
    INTEGER(data, prefetch_batches, 1, 64, 3, "batches",
            "Batches kept in memory: the current one, on a GPU also the next one, and those decoded ahead.",
            .neutral = true),

    CHOICE(train, objective, objectives, OBJECTIVE_MAE,
           "What is trained. mae: a masked autoencoder, which needs no labels. The others train a ViT towards "
           "data.label. classify: one class of several, by cross-entropy. multilabel: yes or no for each column, by "
           "binary cross-entropy. regress: numbers, standardised over the training images, by squared error. ordinal: "
           "one of several ordered classes, by the binary cross-entropies of exceeding each."),
    CHOICE(train, device, devices, DEVICE_AUTO,
           "Where the model runs. auto: on a working GPU, otherwise on the CPU, and the reason is printed. emu: GPU "
           "kernels "
           "under emulation, for testing this program.",
           .neutral = true),
    CHOICE(train, precision, precisions, PRECISION_BF16,
           "Format of activations and of matrix products' inputs. Parameters, gradients, optimizer moments and sums "
           "are always fp32; the CPU rounds to bf16 where a GPU does. fp8: like bf16, but the linear layers of the "
           "encoder's blocks, except the first and last block, multiply in E4M3 (forward) and E5M2 (input gradients); "
           "needs a GPU of compute capability 8.9 or later, simulated on the CPU."),
    INTEGER(train, seed, 0, 9007199254740991, 1, "",
            "Seed of initial weights, data order, crops, masks, colours, erased parts and drop-path."),
    REAL(train, epochs, 0.001, 1e6, 800, "epochs",
         "Passes over the training images; ignored when steps is set. --resume accepts more: see optim.extend."),
    INTEGER(train, steps, 0, 1e12, 0, "steps",
            "Optimizer steps of the whole run. 0: computed from epochs. --resume accepts more: see optim.extend."),
    INTEGER(train, global_batch, 1, 1048576, 4096, "images", "Images averaged by one optimizer step."),
    INTEGER(
        train, micro_batch, 0, 1048576, 0, "images",
        "Largest number of images computed at a time. A larger global_batch must be a multiple of it; gradients are "
        "accumulated. 0: no limit. auto: the largest divisor of global_batch that fits into memory (see --plan) and "
        "fills the GPU's multiprocessors, on the CPU at most 64; a resumed run keeps its value.",
        .automatic = true, .neutral = true),
    SWITCH(train, capture, 1,
           "Whether a GPU's steps are captured once as CUDA graphs and then replayed. off: each kernel is launched by "
           "itself, so that an error names it.",
           .neutral = true),
    CHOICE(train, recompute, recomputes, RECOMPUTE_NONE,
           "What the backward pass recomputes instead of keeping it, to fit more images into the same memory. none: "
           "nothing. norms: the outputs of norms and GELU, which costs little. blocks: everything except the blocks' "
           "inputs, a third more work. Results are bit-identical, except with model.activation = tanh on a GPU that "
           "fuses it into the product.",
           .neutral = true),
    REAL(train, label_smoothing, 0, 0.9, 0, "", "Share of the target that classify spreads evenly over all classes."),
    SWITCH(train, class_weights, 0,
           "Whether the loss weights classes by how rare they are among the training images: classify by images / "
           "(classes x images of the class), multilabel and ordinal the positive side by negative / positive."),
    REAL(train, head_epochs, 0, 1e6, 0, "epochs",
         "First epochs in which only the head and its norm are updated, while all gradients are computed and AdamW's "
         "moments of the other parameters begin."),
    INTEGER(
        train, freeze_blocks, 0, 257, 0, "blocks",
        "First blocks that are never trained, nor the embedding; no gradient is computed for them. 0: all is "
        "trained. More than model.depth: only the head and its norm are, a linear probe. Labelled objectives only."),
    INTEGER(train, threads, 0, 1024, 0, "threads", "Compute threads. 0: one for each available core.", .neutral = true),
    SWITCH(train, deterministic, 0,
           "on: always use the algorithms that the libraries recommend first, so that two runs of one configuration on "
           "the same kind of GPU are bit-identical. off: time the algorithms at the start and use the fastest; the "
           "choice is kept in tune.json, so a resumed run continues bit-identically, but another run may round "
           "differently. The CPU has one algorithm only."),

    TEXT(init, from,
         "Weights to start from, of this or another program: safetensors, or what torch.save writes, or a folder with "
         "one. Names of MAE, timm, DINOv2 and Hugging Face are known. A table of what was loaded is printed; each "
         "tensor "
         "of the model must be in the file unless init.fresh names it. Empty: random weights."),
    TEXT(init, key,
         "Entry of a PyTorch file in init.from that has the tensors. Empty: model, teacher or state_dict, else the "
         "file's own dictionary."),
    TEXT(init, fresh,
         "Tensors of the model that init.from does not set, separated by commas: head.bias, or head for all that begin "
         "with it. A classifier on weights of a masked autoencoder needs head, and with model.pool = mean fc_norm."),
    CHOICE(init, resize, resizes, RESIZE_BY_SOURCE,
           "How position embeddings of another image size are resized. bicubic: as MAE does. antialias: as timm does. "
           "source: as the program does whose names the weights have."),

    REAL(optim, base_lr, 0, 100, 1.5e-4, "", "Learning rate for 256 images: the peak is base_lr * global_batch / 256."),
    REAL(optim, min_lr, 0, 100, 0, "", "Learning rate at the end of the cosine; not scaled by the batch."),
    REAL(optim, warmup_epochs, 0, 1e6, 40, "epochs", "Duration of the learning rate's linear rise from 0."),
    /* It changes nothing in a run that is as long as it was meant to be. */
    CHOICE(
        optim, extend, extends, EXTEND_STRETCH,
        "Learning rate of a resumed run with more train.steps or train.epochs than before. stretch: the schedule spans "
        "the new length, so that the rate jumps up where the run goes on. hold: the schedule ends where it was to "
        "end, and the added steps keep its last rate.",
        .unhashed = true),
    REAL(optim, weight_decay, 0, 10, 0.05, "", "Decoupled weight decay of AdamW; biases and norms are exempt."),
    REAL(optim, beta1, 0, 0.999999, 0.9, "", "AdamW: decay of the gradient's running mean."),
    REAL(optim, beta2, 0, 0.9999999, 0.95, "", "AdamW: decay of the squared gradient's running mean."),
    REAL(optim, eps, 1e-15, 1, 1e-8, "", "AdamW: added to the divisor."),
    REAL(optim, clip, 0, 1e6, 0, "", "Largest global gradient norm; a longer gradient is scaled down. 0: off."),
    REAL(optim, l2sp, 0, 10, 0, "",
         "Decay of each parameter towards its first value (L2-SP), in place of weight decay; a new head keeps that. "
         "0: off."),
    REAL(optim, layer_decay, 0.01, 1, 1, "",
         "Factor of the learning rate from each block of the encoder to the one before it, and from the first to the "
         "embedding. 1: all layers have the same rate."),

    INTEGER(val, every, 0, 1e12, 500, "steps", "Steps between validations. 0: never. Needs data.val."),
    INTEGER(val, images, 1, 1e9, 256, "images", "Images of data.val in a validation, the same ones each time."),

    TEXT(val, metric,
         "Figure of the validation images by which a checkpoint is the best: accuracy, auroc, auroc_macro_ovr, "
         "kappa_quadratic, f1_macro, auroc_macro, mae, r2 and the others of docs/metrics.md that train.objective has; "
         "with a probe also its own, such as probe_auroc. Empty: the lowest validation loss."),

    PATHS(
        probe, train,
        "Labelled images that a linear probe of the model's features is fitted on at validations: a folder, or packs, "
        "of which the split train is used; data.train may be given again. Empty: no probe."),
    PATHS(
        probe, val,
        "Labelled images that the probe is measured on: a folder, or packs, of which the split val is used. Nobody in "
        "them may be in data.train or probe.train."),
    TEXT(probe, label, "Label that the probe reads, as data.label; multilabel takes several."),
    CHOICE(
        probe, kind, probes, TASK_CLASSIFY,
        "What probe.label is. classify: one class of several, by logistic regression. multilabel: yes or no for each "
        "column, by a logistic regression of its own. regress: a number, by ridge regression."),
    INTEGER(probe, images, 1, 1e9, 500, "images",
            "Images of probe.train and of probe.val in a probe, the first ones, labelled or not."),
    INTEGER(probe, every, 0, 1e12, 0, "steps", "Steps between probes, a multiple of val.every. 0: each validation."),

    INTEGER(
        checkpoint, every, 0, 1e12, 1000, "steps",
        "Steps between checkpoints. 0: only the last one. auto: about 100 until a write has been timed; then so many "
        "that writing takes less than 2 % of the time, and five minutes at least. auto needs another guard.action "
        "than rollback.",
        .automatic = true),
    INTEGER(checkpoint, keep, 1, 1000000, 3, "", "Number of newest checkpoints to keep, besides the best.",
            .neutral = true),
    TEXT(checkpoint, keep_at,
         "Shares of the training in percent, such as 5, 10, 25, 50, 100: after each, at the step nearest to it, a "
         "checkpoint is written, for which the run waits if it must, and kept besides the newest and the best. In a "
         "resumed run that has no such checkpoint, or other train.steps, the nearest one that is left is kept."),

    CHOICE(guard, action, actions, GUARD_STOP,
           "What to do about a loss or gradient that is not finite, or a spike. stop: end the run. skip: leave out the "
           "step. rollback: return to the last checkpoint and leave out the batches since; a checkpoint that is due "
           "then waits until the one before is written, and is not left out."),
    REAL(guard, spike, 0, 1e6, 0, "",
         "A loss over this many times its running mean is a spike; must be above 1. 0: off."),
    INTEGER(guard, max_events, 0, 1000000, 10, "", "Number of skips or rollbacks after which the run stops."),

    INTEGER(monitor, every, 0, 1e12, 100, "steps",
            "Steps between two looks at the layers: sizes of weights, activations, gradients and updates, attention, "
            "idle units, as lines of metrics.jsonl. A layer that is dead, exploding, not finite, or whose attention is "
            "on one token is named, with the step. 0: never.",
            .neutral = true),

    INTEGER(log, every, 1, 1e9, 10, "steps", "Steps between lines of metrics.jsonl.", .neutral = true),
    INTEGER(log, recon_every, 0, 1e12, 0, "steps", "Steps between reconstruction images. 0: only at the end.",
            .neutral = true),
    INTEGER(log, recon_images, 1, 256, 8, "images", "Rows of a reconstruction image.", .neutral = true),
    SWITCH(
        log, recon_licensed, 0,
        "Whether to draw reconstruction images of licensed packs, too; such images may not be passed on, and the packs "
        "list them in derived.tsv.",
        .neutral = true),

    /* Two runs that differ only in their directory are the same experiment. */
    TEXT(run, dir, "Run directory. Empty: runs/NAME for a config file NAME.ini.", .unhashed = true),
};

static const ConfigAlias aliases[] = {{"data.ring", "data.prefetch_batches"}, {"data.max_bad", "data.max_unreadable"}};

const ConfigTable train_config = {.size = sizeof(Config),
                                  .keys = keys,
                                  .key_count = sizeof keys / sizeof keys[0],
                                  .aliases = aliases,
                                  .alias_count = sizeof aliases / sizeof aliases[0],
                                  .help_command = "./train --help",
                                  .complete = preset_fill,
                                  .check = check_config};
