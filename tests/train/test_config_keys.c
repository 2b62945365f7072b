/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"
#include "tests/fixtures/check.h"
#include "tests/fixtures/temp.h"
#include "train/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *write_ini(void **state, const char *text, char path[TEMP_PATH * 2]) {
    FILE *out = fopen(temp_path(state, "test.ini", path), "w");
    assert_non_null(out);
    fputs(text, out);
    assert_int_equal(fclose(out), 0);
    return path;
}

/* Loads `text` with at most one --set. */
static Status load(void **state, Config *config, const char *text, const char *set) {
    char path[TEMP_PATH * 2];
    char *sets[] = {(char *)set};
    return config_load(&train_config, config, write_ini(state, text, path), sets, set != NULL, NULL);
}

static uint64_t hash_of(const Config *config) {
    uint64_t hash;
    assert_fine(config_hash(&train_config, config, &hash));
    return hash;
}

/* The printed configuration reads back as the same configuration. */
static void assert_reads_back(void **state, const Config *config) {
    Config again;
    char *text, *text_again;
    assert_fine(config_text(&train_config, config, &text));
    assert_fine(load(state, &again, text, NULL));
    assert_fine(config_text(&train_config, &again, &text_again));
    assert_string_equal(text, text_again);
    assert_true(hash_of(config) == hash_of(&again));
    free(text);
    free(text_again);
}

typedef enum { INTEGER, REAL, SWITCH, CHOICE, TEXT } Kind;

/* Every key, its default as printed, another value, and where that value is to be found. */
#define ROW(section, key, kind, fallback, other)                                                                       \
    { #section "." #key, kind, fallback, other, offsetof(Config, section.key) }
static const struct {
    const char *key;
    Kind kind;
    const char *fallback, *other;
    size_t offset;
} rows[] = {
    ROW(model, preset, CHOICE, "vit_base", "vit_large"),
    ROW(model, image_size, INTEGER, "224", "320"),
    ROW(model, patch_size, INTEGER, "16", "32"),
    ROW(model, dim, INTEGER, "768", "384"),
    ROW(model, depth, INTEGER, "12", "3"),
    ROW(model, heads, INTEGER, "12", "8"),
    ROW(model, decoder_dim, INTEGER, "512", "256"),
    ROW(model, decoder_depth, INTEGER, "8", "2"),
    ROW(model, decoder_heads, INTEGER, "16", "4"),
    ROW(model, mask_ratio, REAL, "0.75", "0.6"),
    ROW(model, norm_pix_loss, SWITCH, "on", "off"),
    ROW(model, activation, CHOICE, "erf", "tanh"),
    ROW(model, pool, CHOICE, "mean", "cls"),
    ROW(model, layer_scale, SWITCH, "off", "on"),
    ROW(model, drop_path, REAL, "0", "0.2"),
    ROW(data, train, TEXT, "", "photos/train set; one"),
    ROW(data, val, TEXT, "", "photos/val=x"),
    ROW(data, weights, TEXT, "", "2,0.5"),
    ROW(data, splits, CHOICE, "train", "all"),
    ROW(data, cache, CHOICE, "auto", "direct"),
    ROW(data, max_unreadable, REAL, "0.005", "0.25"),
    ROW(data, crop_scale_min, REAL, "0.2", "0.5"),
    ROW(data, crop_scale_max, REAL, "1", "0.9"),
    ROW(data, crop_ratio_min, REAL, "0.75", "0.9"),
    ROW(data, crop_ratio_max, REAL, "1.3333333333333333", "1.5"),
    ROW(data, flip, REAL, "0.5", "0"),
    ROW(data, jitter, REAL, "0", "0.4"),
    ROW(data, erase, REAL, "0", "0.25"),
    ROW(data, label, TEXT, "", "grade"),
    ROW(data, classes, INTEGER, "0", "5"),
    ROW(data, balance, SWITCH, "off", "on"),
    ROW(data, workers, INTEGER, "2", "7"),
    ROW(data, prefetch_batches, INTEGER, "3", "5"),
    ROW(train, objective, CHOICE, "mae", "ordinal"),
    ROW(train, device, CHOICE, "auto", "emu"),
    ROW(train, precision, CHOICE, "bf16", "fp8"),
    ROW(train, seed, INTEGER, "1", "9007199254740991"),
    ROW(train, epochs, REAL, "800", "99.5"),
    ROW(train, steps, INTEGER, "0", "12"),
    ROW(train, global_batch, INTEGER, "4096", "512"),
    ROW(train, micro_batch, INTEGER, "0", "64"),
    ROW(train, capture, SWITCH, "on", "off"),
    ROW(train, recompute, CHOICE, "none", "norms"),
    ROW(train, label_smoothing, REAL, "0", "0.1"),
    ROW(train, class_weights, SWITCH, "off", "on"),
    ROW(train, head_epochs, REAL, "0", "5"),
    ROW(train, freeze_blocks, INTEGER, "0", "3"),
    ROW(train, threads, INTEGER, "0", "3"),
    ROW(train, deterministic, SWITCH, "off", "on"),
    ROW(init, from, TEXT, "", "weights/mae.pth"),
    ROW(init, key, TEXT, "", "teacher"),
    ROW(init, fresh, TEXT, "", "head, fc_norm"),
    ROW(init, resize, CHOICE, "source", "antialias"),
    ROW(optim, base_lr, REAL, "0.00015", "0.001"),
    ROW(optim, min_lr, REAL, "0", "1e-06"),
    ROW(optim, warmup_epochs, REAL, "40", "2.5"),
    ROW(optim, extend, CHOICE, "stretch", "hold"),
    ROW(optim, weight_decay, REAL, "0.05", "0.3"),
    ROW(optim, beta1, REAL, "0.9", "0.85"),
    ROW(optim, beta2, REAL, "0.95", "0.999"),
    ROW(optim, eps, REAL, "1e-08", "1e-06"),
    ROW(optim, clip, REAL, "0", "3"),
    ROW(optim, l2sp, REAL, "0", "0.01"),
    ROW(optim, layer_decay, REAL, "1", "0.65"),
    ROW(val, every, INTEGER, "500", "0"),
    ROW(val, images, INTEGER, "256", "100"),
    ROW(val, metric, TEXT, "", "auroc"),
    ROW(probe, train, TEXT, "", "packs/labelled"),
    ROW(probe, val, TEXT, "", "packs/labelled"),
    ROW(probe, label, TEXT, "", "grade"),
    ROW(probe, kind, CHOICE, "classify", "regress"),
    ROW(probe, images, INTEGER, "500", "2000"),
    ROW(probe, every, INTEGER, "0", "1000"),
    ROW(checkpoint, every, INTEGER, "1000", "0"),
    ROW(checkpoint, keep, INTEGER, "3", "1"),
    ROW(checkpoint, keep_at, TEXT, "", "5, 10, 25, 50, 100"),
    ROW(guard, action, CHOICE, "stop", "rollback"),
    ROW(guard, spike, REAL, "0", "2.5"),
    ROW(guard, max_events, INTEGER, "10", "0"),
    ROW(monitor, every, INTEGER, "100", "0"),
    ROW(log, every, INTEGER, "10", "1"),
    ROW(log, recon_every, INTEGER, "0", "100"),
    ROW(log, recon_images, INTEGER, "8", "4"),
    ROW(log, recon_licensed, SWITCH, "off", "on"),
    ROW(run, dir, TEXT, "", "runs/one"),
};
enum { ROWS = sizeof rows / sizeof rows[0] };

/* The enumerators behind the choices' names in `rows`. */
static int choice_value(const char *name) {
    static const struct {
        const char *name;
        int value;
    } known[] = {{"vit_base", PRESET_BASE},      {"vit_large", PRESET_LARGE},  {"erf", ACTIVATION_GELU_ERF},
                 {"tanh", ACTIVATION_GELU_TANH}, {"train", RECORDS_TRAIN},     {"all", RECORDS_ALL},
                 {"direct", LOADER_DIRECT},      {"emu", DEVICE_EMU},          {"bf16", PRECISION_BF16},
                 {"fp8", PRECISION_FP8},         {"none", RECOMPUTE_NONE},     {"norms", RECOMPUTE_NORMS},
                 {"stop", GUARD_STOP},           {"rollback", GUARD_ROLLBACK}, {"stretch", EXTEND_STRETCH},
                 {"hold", EXTEND_HOLD},          {"mean", POOL_MEAN},          {"cls", POOL_CLS},
                 {"mae", OBJECTIVE_MAE},         {"source", RESIZE_BY_SOURCE}, {"antialias", RESIZE_ANTIALIAS},
                 {"ordinal", OBJECTIVE_ORDINAL}, {"classify", TASK_CLASSIFY}, /* of probe.kind */
                 {"regress", TASK_REGRESS}};
    _Static_assert((int)LOADER_AUTO == (int)DEVICE_AUTO, "two keys have the choice auto");
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(name, known[i].name) == 0)
            return known[i].value;
    assert_string_equal(name, "auto");
    return DEVICE_AUTO;
}

static void assert_field(const Config *config, int row, const char *wanted) {
    const void *place = (const char *)config + rows[row].offset;
    switch (rows[row].kind) {
    case INTEGER:
        assert_int_equal(*(const int64_t *)place, strtoll(wanted, NULL, 10));
        break;
    case REAL:
        assert_true(*(const double *)place == strtod(wanted, NULL));
        break;
    case SWITCH:
        assert_int_equal(*(const bool *)place, !strcmp(wanted, "on"));
        break;
    case CHOICE:
        assert_int_equal(*(const int *)place, choice_value(wanted));
        break;
    case TEXT:
        assert_string_equal(place, wanted);
        break;
    }
}

/* Whether `text` has the line "name = value" in the key's section. */
static bool prints(const char *text, const char *key, const char *value) {
    char section[64], line[300];
    const char *dot = strchr(key, '.');
    snprintf(section, sizeof section, "[%.*s]\n", (int)(dot - key), key);
    snprintf(line, sizeof line, "\n%s =%s%s\n", dot + 1, *value ? " " : "", value);
    const char *start = strstr(text, section);
    if (!start)
        return false;
    const char *found = strstr(start, line), *end = strstr(start + 1, "\n[");
    return found && (!end || found <= end);
}

static void defaults_are_the_documented_recipe(void **state) {
    Config config;
    char *text;
    assert_fine(load(state, &config, "", NULL));
    assert_fine(config_text(&train_config, &config, &text));
    for (int key = 0; key < train_config.key_count; key++) {
        char name[64];
        snprintf(name, sizeof name, "%s.%s", train_config.keys[key].section, train_config.keys[key].name);
        int row = 0;
        while (row < ROWS && strcmp(rows[row].key, name) != 0)
            row++;
        if (row == ROWS)
            fail_msg("the key %s has no row in this test", name);
    }
    assert_int_equal(train_config.key_count, ROWS);
    for (int row = 0; row < ROWS; row++) {
        assert_field(&config, row, rows[row].fallback);
        if (!prints(text, rows[row].key, rows[row].fallback))
            fail_msg("%s = %s is not in:\n%s", rows[row].key, rows[row].fallback, text);
    }
    free(text);
    assert_reads_back(state, &config);
}

static void every_key_takes_effect_from_set_and_from_a_file(void **state) {
    Config before, set, read;
    char argument[300], file[300], *text;
    assert_fine(load(state, &before, "", NULL));
    for (int row = 0; row < ROWS; row++) {
        snprintf(argument, sizeof argument, " %s = %s ", rows[row].key, rows[row].other);
        assert_fine(load(state, &set, "", argument));
        assert_field(&set, row, rows[row].other);
        assert_fine(config_text(&train_config, &set, &text));
        if (!prints(text, rows[row].key, rows[row].other))
            fail_msg("%s = %s is not in:\n%s", rows[row].key, rows[row].other, text);
        free(text);
        assert_reads_back(state, &set);

        const char *dot = strchr(rows[row].key, '.');
        snprintf(file, sizeof file, "; a comment\n[%.*s]\n%s=%s ; another\n", (int)(dot - rows[row].key), rows[row].key,
                 dot + 1, rows[row].other);
        assert_fine(load(state, &read, file, NULL));
        assert_field(&read, row, rows[row].other);
        assert_true(hash_of(&read) == hash_of(&set));
        /* Where a run is kept, and what more steps would do, is no part of what it is. */
        const bool hashed = strcmp(rows[row].key, "run.dir") && strcmp(rows[row].key, "optim.extend");
        assert_true((hash_of(&set) != hash_of(&before)) == hashed);

        for (int other = 0; other < ROWS; other++) /* nothing else moved; the preset moves the sizes */
            if (other != row && strncmp(rows[row].key, "model.preset", 12))
                assert_field(&set, other, rows[other].fallback);
    }
}

static void an_integer_may_be_auto(void **state) {
    Config config, zero;
    char *text;
    assert_fine(load(state, &zero, "", NULL));
    assert_fine(load(state, &config, "[train]\nmicro_batch = auto\n", NULL));
    assert_int_equal(config.train.micro_batch, CONFIG_AUTO);
    assert_true(hash_of(&config) != hash_of(&zero));
    assert_fine(config_text(&train_config, &config, &text));
    assert_true(prints(text, "train.micro_batch", "auto"));
    free(text);
    assert_reads_back(state, &config);
    assert_refused(load(state, &config, "", "train.micro_batch=-1"), EXIT_USAGE, "0 to 1048576 | auto");
    assert_refused(load(state, &config, "", "train.threads=auto"), EXIT_USAGE, "not a whole number");
}

static void presets_set_what_is_not_given(void **state) {
    static const struct {
        const char *name;
        int64_t patch, dim, depth, heads, decoder_dim, decoder_depth, decoder_heads;
    } known[] = {{"vit_tiny", 16, 192, 12, 3, 192, 4, 3},
                 {"vit_small", 16, 384, 12, 6, 256, 4, 8},
                 {"vit_base", 16, 768, 12, 12, 512, 8, 16},
                 {"vit_large", 16, 1024, 24, 16, 512, 8, 16},
                 {"vit_huge", 14, 1280, 32, 16, 512, 8, 16}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        char text[200];
        Config config;
        /* A size given before or after the preset's name wins over it. */
        snprintf(text, sizeof text, "[model]\ndepth = 2\npreset = %s\ndecoder_depth = 1\n", known[i].name);
        assert_fine(load(state, &config, text, NULL));
        assert_int_equal(config.model.preset, i);
        assert_int_equal(config.model.image_size, 224);
        assert_int_equal(config.model.patch_size, known[i].patch);
        assert_int_equal(config.model.dim, known[i].dim);
        assert_int_equal(config.model.depth, 2);
        assert_int_equal(config.model.heads, known[i].heads);
        assert_int_equal(config.model.decoder_dim, known[i].decoder_dim);
        assert_int_equal(config.model.decoder_depth, 1);
        assert_int_equal(config.model.decoder_heads, known[i].decoder_heads);
        assert_reads_back(state, &config);
        snprintf(text, sizeof text, "[model]\npreset = %s\n", known[i].name);
        assert_fine(load(state, &config, text, NULL));
        assert_int_equal(config.model.depth, known[i].depth);
        assert_int_equal(config.model.decoder_depth, known[i].decoder_depth);
    }
}

static void wrong_values_of_every_key_are_refused(void **state) {
    static const char *const wrong[] = {"",    "x",   "nan", "inf", "-inf", "0x10", "1 2",
                                        "1,5", "--1", "1e",  "ON",  "yes",  "true"};
    static const char *const outside[] = {"-1", "-9223372036854775809", "99999999999999999999", "9223372036854775807"};
    Config config;
    char set[400];
    for (int row = 0; row < ROWS; row++) {
        if (rows[row].kind == TEXT)
            continue;
        for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
            snprintf(set, sizeof set, "%s=%s", rows[row].key, wrong[i]);
            assert_refused(load(state, &config, "", set), EXIT_USAGE, rows[row].key);
            assert_refused(load(state, &config, "", set), EXIT_USAGE, "expected");
        }
        for (size_t i = 0; i < sizeof outside / sizeof outside[0] && rows[row].kind <= REAL; i++) {
            snprintf(set, sizeof set, "%s=%s", rows[row].key, outside[i]);
            assert_refused(load(state, &config, "", set), EXIT_USAGE, "out of range; expected");
        }
        if (rows[row].kind == REAL) {
            snprintf(set, sizeof set, "%s=1e999", rows[row].key);
            assert_refused(load(state, &config, "", set), EXIT_USAGE, "out of range");
        }
        if (rows[row].kind == INTEGER) {
            snprintf(set, sizeof set, "%s=2.0", rows[row].key);
            assert_refused(load(state, &config, "", set), EXIT_USAGE, "not a whole number");
        }
    }
}

/* What a file can get wrong about the keys, and what the message has to say. */
static void bad_values_are_refused_with_place_and_remedy(void **state) {
    static const struct {
        const char *text, *parts[3];
    } cases[] = {
        {"[model]\ndmi = 4\n", {"test.ini:2: unknown key model.dmi", "nearest is model.dim", "--help model.dim"}},
        {"[model]\nevery = 4\n", {"unknown key model.every", ".every"}},
        {"[optim]\n\n; x\nlr = 1\n", {"test.ini:4: unknown key optim.lr", "optim.base_lr"}},
        {"[chekpoint]\nkeep = 4\n", {"test.ini:1: unknown section [chekpoint]", "nearest is [checkpoint]"}},
        {"[data]\nflip = 0\nworkers = 2\nflip = 0\n", {"test.ini:4: key data.flip is set twice", "first on line 2"}},
        {"depth = 4\n", {"test.ini:1: key depth is outside any section", "[model]"}},
        {"[data]\nprefetch_batches = many\n",
         {"test.ini:2: data.prefetch_batches = many: not a whole number", "expected integer: 1 to 64 (./train",
          "--help data.prefetch_batches"}},
        {"[data]\nprefetch_batches = 65\n", {"test.ini:2: data.prefetch_batches = 65: out of range", "1 to 64"}},
        {"[data]\nprefetch_batches = 0\n", {"data.prefetch_batches = 0: out of range"}},
        {"[data]\nprefetch_batches =\n", {"test.ini:2: data.prefetch_batches = : not a whole number"}},
        {"[data]\nprefetch_batches = 2 # two\n", {"data.prefetch_batches = 2 # two: not a whole number"}},
        {"[model]\ndim = 0\n", {"model.dim = 0: out of range"}},
        {"[model]\nmask_ratio = 1\n", {"model.mask_ratio = 1: out of range", "0.01 to 0.99"}},
        {"[model]\nmask_ratio = 0.75x\n", {"model.mask_ratio = 0.75x: not a number"}},
        {"[model]\nnorm_pix_loss = 1\n", {"neither on nor off", "on | off"}},
        {"[model]\npreset = vit_giant\n", {"unknown choice", "vit_tiny | vit_small | vit_base | vit_large | vit_huge"}},
        {"[guard]\naction = 1\n", {"unknown choice", "stop | skip | rollback"}},
        /* What keys demand of each other. */
        {"[model]\nimage_size = 100\n", {"image_size = 100 is not a multiple of model.patch_size = 16", "112"}},
        {"[model]\nheads = 5\n", {"model.dim = 768 is not a multiple of model.heads = 5"}},
        {"[model]\ndecoder_heads = 5\n", {"decoder_dim = 512 is not a multiple of model.decoder_heads = 5"}},
        {"[model]\ndim = 6\nheads = 3\n", {"model.dim = 6 is not a multiple of 4"}},
        {"[model]\ndecoder_dim = 6\ndecoder_heads = 3\n", {"model.decoder_dim = 6 is not a multiple of 4"}},
        {"[model]\nimage_size = 32\nmask_ratio = 0.9\n", {"model.mask_ratio = 0.9 leaves none of the 4"}},
        {"[model]\nimage_size = 16\nmask_ratio = 0.01\n", {"model.mask_ratio"}},
        {"[data]\ncrop_scale_min = 0.5\ncrop_scale_max = 0.4\n",
         {"crop_scale_min = 0.5 is above data.crop_scale_max = 0.4"}},
        {"[data]\ncrop_ratio_min = 2\n", {"data.crop_ratio_min = 2 is above"}},
        {"[train]\nmicro_batch = 3\n", {"train.global_batch = 4096 is not a multiple of train.micro_batch = 3"}},
        {"[train]\nepochs = 30\n", {"optim.warmup_epochs = 40 is above train.epochs = 30"}},
        {"[optim]\nmin_lr = 0.01\n", {"optim.min_lr = 0.01 is above the peak"}},
        {"[guard]\nspike = 0.9\n", {"guard.spike = 0.9"}},
        {"[guard]\nspike = 1\n", {"guard.spike = 1 "}},
        {"[checkpoint]\nevery = auto\n[guard]\naction = rollback\n", {"checkpoint.every = auto with guard.action"}},
        {"[checkpoint]\nkeep_at = 0\n", {"test.ini: checkpoint.keep_at = 0 is no rising list of up to 32 shares"}},
        {"[checkpoint]\nkeep_at = 101\n", {"above 0 and up to 100 %; give one such as 5, 10, 25, 50, 100"}},
        {"[checkpoint]\nkeep_at = 5, 5\n", {"checkpoint.keep_at = 5, 5 is no"}},
        {"[checkpoint]\nkeep_at = 5,\n", {"checkpoint.keep_at = 5, is no"}},
        {"[checkpoint]\nkeep_at = ,5\n", {"checkpoint.keep_at = ,5 is no"}},
        {"[checkpoint]\nkeep_at = 5 %, 10\n", {"checkpoint.keep_at = 5 %, 10 is no"}},
        {"[checkpoint]\nkeep_at = nan\n", {"checkpoint.keep_at = nan is no"}},
        {"[checkpoint]\nkeep_at = "
         "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33\n",
         {"32,33 is no rising list of up to 32"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int part = 0; part < 3 && cases[i].parts[part]; part++) {
            Config config;
            assert_refused(load(state, &config, cases[i].text, NULL), EXIT_USAGE, cases[i].parts[part]);
        }
}

static void keys_may_make_each_other_idle(void **state) {
    Config config;
    /* With steps, epochs are ignored. A warm-up as long as the run is allowed. */
    assert_fine(load(state, &config, "[train]\nepochs = 1\nsteps = 5\n", NULL));
    assert_fine(load(state, &config, "[train]\nepochs = 40\n", NULL));
    assert_fine(load(state, &config, "[train]\nmicro_batch = 4096\n", NULL));
    assert_fine(load(state, &config, "[train]\nmicro_batch = 8192\n", NULL));
    assert_fine(load(state, &config, "[checkpoint]\nevery = auto\n[guard]\naction = skip\n", NULL));
}

static void bad_overrides_name_the_argument(void **state) {
    Config config;
    assert_refused(load(state, &config, "", "model.dmi=4"), EXIT_USAGE, "--set model.dmi=4: unknown key model.dmi");
    assert_refused(load(state, &config, "", "model.dmi=4"), EXIT_USAGE, "model.dim");
    assert_refused(load(state, &config, "", "model.dim=3"), EXIT_USAGE,
                   "--set model.dim=3: model.dim = 3: out of range");
    assert_refused(load(state, &config, "", "depth=4"), EXIT_USAGE, "unknown key depth; the nearest is model.depth");
}

/* A key's old name works for one version, with a warning. */
static void renamed_keys_are_read_under_their_old_names(void **state) {
    static const struct {
        const char *old, *set, *warning;
    } cases[] = {
        {"ring = 5", "data.prefetch_batches=5", "data.ring is now called data.prefetch_batches"},
        {"max_bad = 0.25", "data.max_unreadable=0.25", "data.max_bad is now called data.max_unreadable"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Config old, new;
        char path[TEMP_PATH * 2], file[100], set[100], *printed, *warnings;
        size_t size;
        FILE *out = open_memstream(&warnings, &size);
        assert_non_null(out);
        snprintf(file, sizeof file, "[data]\n%s\n", cases[i].old);
        assert_fine(config_load(&train_config, &old, write_ini(state, file, path), NULL, 0, out));
        assert_fine(load(state, &new, "", cases[i].set));
        assert_true(hash_of(&old) == hash_of(&new));
        assert_fine(config_text(&train_config, &old, &printed));
        assert_null(strstr(printed, cases[i].old));
        snprintf(set, sizeof set, "data.%s", cases[i].old);
        assert_fine(config_load(&train_config, &old, path, (char *[]){set}, 1, NULL));
        assert_true(hash_of(&old) == hash_of(&new));
        assert_int_equal(fclose(out), 0);
        assert_non_null(strstr(warnings, cases[i].warning));
        assert_non_null(strstr(warnings, "test.ini:2"));
        assert_ptr_equal(strchr(warnings, '\n'), warnings + size - 1); /* one line */
        free(warnings);
        free(printed);
    }
}

static void printing_to_a_stream_gives_the_same_text(void **state) {
    Config config;
    char path[TEMP_PATH * 2], *text, *printed;
    size_t size;
    assert_fine(load(state, &config, "", "run.dir=runs/x"));
    FILE *out = fopen(temp_path(state, "printed.ini", path), "w");
    assert_non_null(out);
    config_print(&train_config, &config, out);
    assert_int_equal(fclose(out), 0);
    assert_fine(files_read(path, &printed, &size));
    assert_fine(config_text(&train_config, &config, &text));
    assert_string_equal(printed, text);
    assert_true(strstr(text, "[run]\ndir = runs/x\n") != NULL);
    assert_true(strstr(text, "\n\n[data]\n") != NULL);
    assert_memory_equal(text, "[model]\npreset = vit_base\n", 26);
    free(text);
    free(printed);
}

static char *help_of(const char *key, Status *status) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    *status = config_help(&train_config, key, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void help_explains_each_key_and_all(void **state) {
    (void)state;
    Status status;
    char *all = help_of(NULL, &status);
    assert_fine(status);
    for (int row = 0; row < ROWS; row++) {
        char *one = help_of(rows[row].key, &status);
        assert_fine(status);
        assert_memory_equal(one, rows[row].key, strlen(rows[row].key));
        assert_non_null(strstr(one, "default"));
        assert_non_null(strstr(one, ".\n")); /* a sentence */
        assert_non_null(strstr(all, one));
        free(one);
    }
    free(all);
    char *text = help_of("optim.base_lr", &status);
    assert_non_null(strstr(text, "real     0 to 100; default 0.00015\n"));
    free(text);
    text = help_of("model.image_size", &status);
    assert_non_null(strstr(text, "integer  1 to 8192 pixels; default 224\n"));
    free(text);
    text = help_of("model.dim", &status);
    assert_non_null(strstr(text, "default by the preset\n"));
    free(text);
    text = help_of("optim", &status); /* a section's keys, and no others */
    assert_fine(status);
    assert_non_null(strstr(text, "optim.base_lr"));
    assert_non_null(strstr(text, "optim.clip"));
    assert_null(strstr(text, "model.dim "));
    free(text);
    text = help_of("guard.actoin", &status);
    assert_refused(status, EXIT_USAGE, "nearest is guard.action");
    assert_string_equal(text, "");
    free(text);
}

/* Any file is refused with a usage error that names it, or taken; what is taken reads back the same. */
static void mutated_files_do_no_harm(void **state) {
    Config config;
    char *whole;
    int rounds = getenv("FOVEA_LONG") ? 50000 : 4000, taken = 0;
    assert_fine(load(state, &config, "", "data.train=photos/train"));
    assert_fine(config_text(&train_config, &config, &whole));
    size_t size = strlen(whole);
    char *mutant = malloc(2 * size);
    assert_non_null(mutant);
    static const char likely[] = "[]=;# \n\r\t.-+eE0123456789:";
    for (int round = 0; round < rounds; round++) {
        Random random;
        random_start(&random, 2, RANDOM_TEST, 0, (uint64_t)round);
        size_t length = size;
        memcpy(mutant, whole, size);
        for (uint32_t change = random_below(&random, 3) + 1; change; change--) {
            size_t place = random_below(&random, (uint32_t)length), run = random_below(&random, 40) + 1;
            run = run < length - place ? run : length - place;
            switch (random_below(&random, 4)) {
            case 0:
                mutant[place] = (char)random_u32(&random);
                break;
            case 1:
                mutant[place] = likely[random_below(&random, sizeof likely - 1)];
                break;
            case 2: /* taken out */
                memmove(mutant + place, mutant + place + run, length - place - run);
                length -= run;
                break;
            default: /* doubled */
                if (length + run <= 2 * size) {
                    memmove(mutant + place + run, mutant + place, length - place);
                    length += run;
                }
            }
        }
        char path[TEMP_PATH * 2];
        FILE *out = fopen(temp_path(state, "mutant.ini", path), "w");
        assert_non_null(out);
        assert_int_equal(fwrite(mutant, 1, length, out), length);
        assert_int_equal(fclose(out), 0);
        Status status = config_load(&train_config, &config, path, NULL, 0, NULL);
        if (!status) {
            taken++;
            assert_reads_back(state, &config);
        } else {
            assert_int_equal(status_code(status), EXIT_USAGE);
            assert_non_null(strstr(status_message(status), "mutant.ini"));
        }
        status_free(status);
    }
    assert_true(taken > rounds / 100 && taken < rounds / 2);
    free(mutant);
    free(whole);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_the_documented_recipe),
        cmocka_unit_test(every_key_takes_effect_from_set_and_from_a_file),
        cmocka_unit_test(an_integer_may_be_auto),
        cmocka_unit_test(presets_set_what_is_not_given),
        cmocka_unit_test(wrong_values_of_every_key_are_refused),
        cmocka_unit_test(bad_values_are_refused_with_place_and_remedy),
        cmocka_unit_test(keys_may_make_each_other_idle),
        cmocka_unit_test(bad_overrides_name_the_argument),
        cmocka_unit_test(renamed_keys_are_read_under_their_old_names),
        cmocka_unit_test(printing_to_a_stream_gives_the_same_text),
        cmocka_unit_test(help_explains_each_key_and_all),
        cmocka_unit_test(mutated_files_do_no_harm),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
