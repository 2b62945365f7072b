/* SPDX-License-Identifier: Apache-2.0 */
#include "base/config.h"
#include "base/random.h"
#include "tests/fixtures/check.h"
#include "tests/fixtures/temp.h"

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
    return config_load(config, write_ini(state, text, path), sets, set != NULL);
}

static uint64_t hash_of(const Config *config) {
    uint64_t hash;
    assert_fine(config_hash(config, &hash));
    return hash;
}

/* The printed configuration reads back as the same configuration. */
static void assert_reads_back(void **state, const Config *config) {
    Config again;
    char *text, *text_again;
    assert_fine(config_text(config, &text));
    assert_fine(load(state, &again, text, NULL));
    assert_fine(config_text(&again, &text_again));
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
    ROW(data, train, TEXT, "", "photos/train set; one"),
    ROW(data, val, TEXT, "", "photos/val=x"),
    ROW(data, weights, TEXT, "", "2,0.5"),
    ROW(data, splits, CHOICE, "train", "all"),
    ROW(data, cache, CHOICE, "auto", "direct"),
    ROW(data, max_bad, REAL, "0.005", "0.25"),
    ROW(data, crop_scale_min, REAL, "0.2", "0.5"),
    ROW(data, crop_scale_max, REAL, "1", "0.9"),
    ROW(data, crop_ratio_min, REAL, "0.75", "0.9"),
    ROW(data, crop_ratio_max, REAL, "1.3333333333333333", "1.5"),
    ROW(data, flip, REAL, "0.5", "0"),
    ROW(data, workers, INTEGER, "2", "7"),
    ROW(data, ring, INTEGER, "3", "5"),
    ROW(train, device, CHOICE, "auto", "emu"),
    ROW(train, precision, CHOICE, "bf16", "fp8"),
    ROW(train, seed, INTEGER, "1", "9007199254740991"),
    ROW(train, epochs, REAL, "800", "99.5"),
    ROW(train, steps, INTEGER, "0", "12"),
    ROW(train, global_batch, INTEGER, "4096", "512"),
    ROW(train, micro_batch, INTEGER, "0", "64"),
    ROW(train, capture, SWITCH, "on", "off"),
    ROW(train, recompute, CHOICE, "none", "norms"),
    ROW(train, threads, INTEGER, "0", "3"),
    ROW(train, deterministic, SWITCH, "off", "on"),
    ROW(optim, base_lr, REAL, "0.00015", "0.001"),
    ROW(optim, min_lr, REAL, "0", "1e-06"),
    ROW(optim, warmup_epochs, REAL, "40", "2.5"),
    ROW(optim, weight_decay, REAL, "0.05", "0.3"),
    ROW(optim, beta1, REAL, "0.9", "0.85"),
    ROW(optim, beta2, REAL, "0.95", "0.999"),
    ROW(optim, eps, REAL, "1e-08", "1e-06"),
    ROW(optim, clip, REAL, "0", "3"),
    ROW(val, every, INTEGER, "500", "0"),
    ROW(val, images, INTEGER, "256", "100"),
    ROW(checkpoint, every, INTEGER, "1000", "0"),
    ROW(checkpoint, keep, INTEGER, "3", "1"),
    ROW(guard, action, CHOICE, "stop", "rollback"),
    ROW(guard, spike, REAL, "0", "2.5"),
    ROW(guard, max_events, INTEGER, "10", "0"),
    ROW(log, every, INTEGER, "10", "1"),
    ROW(log, recon_every, INTEGER, "0", "100"),
    ROW(log, recon_images, INTEGER, "8", "4"),
    ROW(log, recon_licensed, SWITCH, "off", "on"),
    ROW(run, dir, TEXT, "", "runs/one"),
};
enum { ROWS = sizeof rows / sizeof rows[0] };

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
    /* vit_large, tanh, rollback, emu, fp8, norms, all and direct are 3, 1, 2, 3, 2, 1, 1 and 2, the defaults 2, 0, 0,
     * 0, 1, 0, 0 and 0 */
    case CHOICE:
        assert_int_equal(*(const int *)place, !strcmp(wanted, "vit_large")  ? PRESET_LARGE
                                              : !strcmp(wanted, "rollback") ? GUARD_ROLLBACK
                                              : !strcmp(wanted, "vit_base") ? PRESET_BASE
                                              : !strcmp(wanted, "emu")      ? TRAIN_ON_EMU
                                              : !strcmp(wanted, "bf16")     ? PRECISION_BF16
                                              : !strcmp(wanted, "fp8")      ? PRECISION_FP8
                                              : !strcmp(wanted, "norms")    ? CONFIG_RECOMPUTE_NORMS
                                              : !strcmp(wanted, "tanh")     ? GELU_TANH
                                              : !strcmp(wanted, "all")      ? SPLITS_ALL
                                              : !strcmp(wanted, "direct")   ? CACHE_DIRECT
                                                                            : GUARD_STOP);
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
    assert_fine(config_text(&config, &text));
    int keys = 0;
    for (const char *line = text; line; line = strchr(line + 1, '\n'))
        keys += strchr(line + 1, '\n') && memchr(line + 1, '=', (size_t)(strchr(line + 1, '\n') - line - 1));
    assert_int_equal(keys, ROWS); /* a new key needs its row here */
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
        assert_fine(config_text(&set, &text));
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
        if (strcmp(rows[row].key, "run.dir"))
            assert_true(hash_of(&set) != hash_of(&before));
        else /* where a run is kept is no part of what it is */
            assert_true(hash_of(&set) == hash_of(&before));

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
    assert_fine(config_text(&config, &text));
    assert_true(prints(text, "train.micro_batch", "auto"));
    free(text);
    assert_reads_back(state, &config);
    assert_refused(load(state, &config, "", "train.micro_batch=-1"), EXIT_USAGE, "0 to 1048576 | auto");
    assert_refused(load(state, &config, "", "train.threads=auto"), EXIT_USAGE, "no whole number");
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

static void later_sets_win_over_earlier_ones_and_the_file(void **state) {
    char path[TEMP_PATH * 2];
    Config config;
    write_ini(state, "[optim]\nclip = 1\n", path);
    char *sets[] = {"optim.clip=2", "model.depth=5", "optim.clip=3"};
    assert_fine(config_load(&config, path, sets, 3));
    assert_true(config.optim.clip == 3);
    assert_int_equal(config.model.depth, 5);
    assert_fine(config_load(&config, path, NULL, 0));
    assert_true(config.optim.clip == 1);
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
            assert_refused(load(state, &config, "", set), EXIT_USAGE, "it takes");
        }
        for (size_t i = 0; i < sizeof outside / sizeof outside[0] && rows[row].kind <= REAL; i++) {
            snprintf(set, sizeof set, "%s=%s", rows[row].key, outside[i]);
            assert_refused(load(state, &config, "", set), EXIT_USAGE, "out of range; it takes");
        }
        if (rows[row].kind == REAL) {
            snprintf(set, sizeof set, "%s=1e999", rows[row].key);
            assert_refused(load(state, &config, "", set), EXIT_USAGE, "out of range");
        }
        if (rows[row].kind == INTEGER) {
            snprintf(set, sizeof set, "%s=2.0", rows[row].key);
            assert_refused(load(state, &config, "", set), EXIT_USAGE, "no whole number");
        }
    }
}

static void texts_that_a_file_could_not_hold_are_refused(void **state) {
    Config config;
    char set[700] = "data.train=", file[300];
    assert_refused(load(state, &config, "", "data.train=a\nb"), EXIT_USAGE, "control character");
    assert_refused(load(state, &config, "", "data.train=a\tb"), EXIT_USAGE, "control character");
    assert_refused(load(state, &config, "", "data.train=a ;b"), EXIT_USAGE, "comment");
    assert_refused(load(state, &config, "", "data.train=;b"), EXIT_USAGE, "comment");
    assert_refused(load(state, &config, "[data]\ntrain = a # b\n", NULL), EXIT_USAGE, "comment");

    /* The longest path: its line has 199 bytes and an end. */
    size_t longest = 199 - strlen("train = ");
    memset(set + strlen("data.train="), 'p', longest);
    assert_fine(load(state, &config, "", set));
    assert_int_equal(strlen(config.data.train), longest);
    assert_reads_back(state, &config);
    memset(set + strlen("data.train="), 'p', longest + 1);
    assert_refused(load(state, &config, "", set), EXIT_USAGE, "too long");
    memset(set + strlen("data.train="), 'p', 600);
    assert_refused(load(state, &config, "", set), EXIT_USAGE, "more than 511 bytes");

    snprintf(file, sizeof file, "[data]\r\ntrain=%0*d\r\n", 193, 7);
    assert_refused(load(state, &config, file, NULL), EXIT_USAGE, "too long");
    snprintf(file, sizeof file, "[data]\r\ntrain =%0*d\r\nval=\r\n", 191, 7);
    assert_fine(load(state, &config, file, NULL));
    assert_int_equal(strlen(config.data.train), 191);
    assert_string_equal(config.data.val, "");
}

/* Everything a file can get wrong, with what the message has to say. */
static void bad_files_are_refused_with_place_and_remedy(void **state) {
    static char long_line[320], long_comment[320];
    snprintf(long_line, sizeof long_line, "[data]\n\nflip = %0*d\n", 193, 0);
    snprintf(long_comment, sizeof long_comment, "# %0*d\n", 198, 0);
    const struct {
        const char *text, *parts[3];
    } cases[] = {
        {"[model]\ndmi = 4\n", {"test.ini:2: no key model.dmi", "nearest is model.dim", "--help model.dim"}},
        {"[model]\nevery = 4\n", {"no key model.every", ".every"}},
        {"[optim]\n\n; x\nlr = 1\n", {"test.ini:4: no key optim.lr", "optim.base_lr"}},
        {"[model]\nDim = 4\n", {"no key model.Dim", "model.dim"}},
        {"[model]\n= 4\n", {"test.ini:2: no key model."}},
        {"[chekpoint]\nkeep = 4\n", {"test.ini:1: no section [chekpoint]", "nearest is [checkpoint]"}},
        {"[]\n", {"test.ini:1: no section []"}},
        {"[ model ]\n", {"no section [ model ]", "nearest is [model]"}},
        {"[model\ndim = 4\n", {"test.ini:1: [model: a section is [name]"}},
        {"[model] dim = 4\n", {"test.ini:1: [model] dim = 4: a section is [name]"}},
        {"[data]\n[model]\n[data]\n", {"test.ini:3: section [data] stands twice", "first in line 1"}},
        {"\xEF\xBB\xBF[data]\n[data]\n", {"test.ini:2: section [data] stands twice"}},
        {"[data]\nflip = 0\nring = 2\nflip = 0\n", {"test.ini:4: key data.flip stands twice", "first in line 2"}},
        {"depth = 4\n", {"test.ini:1: key depth stands before any section", "[model]"}},
        {"[data]\nflip = 0\n ring = 2\n", {"test.ini:3:", "indented", "first column"}},
        {"[data]\nflip = 0\n\tring = 2\n", {"test.ini:3:", "indented"}},
        {" [data]\n", {"test.ini:1:", "indented"}},
        {"[data]\nflip\n", {"test.ini:2: neither [section] nor key = value"}},
        {"[data]\nflip\nrnig = 2\n", {"test.ini:2: neither"}},
        {"[data]\nrnig = 2\nflip\n", {"test.ini:2: no key data.rnig"}},
        {"[data]\nflip ; = 0\n", {"test.ini:2: neither"}},
        {long_line, {"test.ini:3: the line has more than 199 bytes"}},
        {long_comment, {"test.ini:1: the line has more than 199 bytes"}},
        {"[data]\nflip = 0\rring = 2\n", {"test.ini:2:", "carriage return"}},
        {"[data]\nring = many\n",
         {"test.ini:2: data.ring = many: no whole number", "integer: 1 to 64", "--help data.ring"}},
        {"[data]\nring = 65\n", {"test.ini:2: data.ring = 65: out of range", "1 to 64"}},
        {"[data]\nring = 0\n", {"data.ring = 0: out of range"}},
        {"[data]\nring =\n", {"test.ini:2: data.ring = : no whole number"}},
        {"[data]\nring = 2 # two\n", {"data.ring = 2 # two: no whole number"}},
        {"[model]\ndim = 0\n", {"model.dim = 0: out of range"}},
        {"[model]\nmask_ratio = 1\n", {"model.mask_ratio = 1: out of range", "0.01 to 0.99"}},
        {"[model]\nmask_ratio = 0.75x\n", {"model.mask_ratio = 0.75x: no number"}},
        {"[model]\nnorm_pix_loss = 1\n", {"neither on nor off", "on | off"}},
        {"[model]\npreset = vit_giant\n", {"no such choice", "vit_tiny | vit_small | vit_base | vit_large | vit_huge"}},
        {"[guard]\naction = 1\n", {"no such choice", "stop | skip | rollback"}},
        /* What keys demand of each other. */
        {"[model]\nimage_size = 100\n", {"image_size = 100 is no multiple of model.patch_size = 16", "112"}},
        {"[model]\nheads = 5\n", {"model.dim = 768 is no multiple of model.heads = 5"}},
        {"[model]\ndecoder_heads = 5\n", {"decoder_dim = 512 is no multiple of model.decoder_heads = 5"}},
        {"[model]\ndim = 6\nheads = 3\n", {"model.dim = 6 is no multiple of 4"}},
        {"[model]\ndecoder_dim = 6\ndecoder_heads = 3\n", {"model.decoder_dim = 6 is no multiple of 4"}},
        {"[model]\nimage_size = 32\nmask_ratio = 0.9\n", {"model.mask_ratio = 0.9 leaves none of 4"}},
        {"[model]\nimage_size = 16\nmask_ratio = 0.01\n", {"model.mask_ratio"}},
        {"[data]\ncrop_scale_min = 0.5\ncrop_scale_max = 0.4\n",
         {"crop_scale_min = 0.5 is above data.crop_scale_max = 0.4"}},
        {"[data]\ncrop_ratio_min = 2\n", {"data.crop_ratio_min = 2 is above"}},
        {"[train]\nmicro_batch = 3\n", {"train.global_batch = 4096 is no multiple of train.micro_batch = 3"}},
        {"[train]\nepochs = 30\n", {"optim.warmup_epochs = 40 is above train.epochs = 30"}},
        {"[optim]\nmin_lr = 0.01\n", {"optim.min_lr = 0.01 is above the peak"}},
        {"[guard]\nspike = 0.9\n", {"guard.spike = 0.9"}},
        {"[guard]\nspike = 1\n", {"guard.spike = 1 "}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int part = 0; part < 3 && cases[i].parts[part]; part++) {
            Config config;
            assert_refused(load(state, &config, cases[i].text, NULL), EXIT_USAGE, cases[i].parts[part]);
        }
}

static void bytes_that_are_no_text_are_refused(void **state) {
    char path[TEMP_PATH * 2];
    Config config;
    assert_fine(files_write(temp_path(state, "nul.ini", path), "[data]\nfl\0ip = 0\n", 17));
    assert_refused(config_load(&config, path, NULL, 0), EXIT_USAGE, "nul.ini:2: not a text file");
}

static void a_missing_file_is_a_usage_error(void **state) {
    char path[TEMP_PATH * 2];
    Config config;
    assert_refused(config_load(&config, temp_path(state, "none.ini", path), NULL, 0), EXIT_USAGE, path);
    assert_refused(config_load(&config, path, NULL, 0), EXIT_USAGE, "No such file");
    assert_refused(config_load(&config, ((Temp *)*state)->root, NULL, 0), EXIT_USAGE, "directory");
}

static void harmless_forms_are_taken(void **state) {
    Config config;
    /* No newline at the end, Windows line ends, blank and indented comment lines, a comment behind a section. */
    assert_fine(load(state, &config,
                     "\n\t\n  ; note\n# note\r\n[data] ; here\r\nflip=0.25\r\n\r\n[optim]\nclip = +1.5E0", NULL));
    assert_true(config.data.flip == 0.25);
    assert_true(config.optim.clip == 1.5);
    /* With steps, epochs are not looked at. A warm-up as long as the run is allowed. */
    assert_fine(load(state, &config, "[train]\nepochs = 1\nsteps = 5\n", NULL));
    assert_fine(load(state, &config, "[train]\nepochs = 40\n", NULL));
    assert_fine(load(state, &config, "[train]\nmicro_batch = 4096\n", NULL));
    assert_fine(load(state, &config, "[train]\nmicro_batch = 8192\n", NULL));
    /* -0 and 0 are one value, so one hash. */
    Config zero;
    assert_fine(load(state, &config, "", "data.flip=-0"));
    assert_fine(load(state, &zero, "", "data.flip=0"));
    assert_true(hash_of(&config) == hash_of(&zero));
}

static void bad_sets_are_refused_naming_the_argument(void **state) {
    Config config;
    assert_refused(load(state, &config, "", "model.dmi=4"), EXIT_USAGE, "--set model.dmi=4: no key model.dmi");
    assert_refused(load(state, &config, "", "model.dmi=4"), EXIT_USAGE, "model.dim");
    assert_refused(load(state, &config, "", "model.dim=3"), EXIT_USAGE,
                   "--set model.dim=3: model.dim = 3: out of range");
    assert_refused(load(state, &config, "", "model.dim"), EXIT_USAGE, "--set model.dim: write section.key=value");
    assert_refused(load(state, &config, "", "depth=4"), EXIT_USAGE, "no key depth; the nearest is model.depth");
    assert_refused(load(state, &config, "", "=4"), EXIT_USAGE, "--set =4: no key");
    assert_refused(load(state, &config, "", ""), EXIT_USAGE, "write section.key=value");
    assert_refused(load(state, &config, "", "."), EXIT_USAGE, "write section.key=value");
    char longer[3000] = "model.";
    memset(longer + 6, 'x', sizeof longer - 10);
    strcpy(longer + sizeof longer - 4, "=1");
    assert_refused(load(state, &config, "", longer), EXIT_USAGE, "no key model.xxx");
}

static void reals_print_so_that_they_read_back_equal(void **state) {
    Random random;
    random_start(&random, 1, RANDOM_TEST, 0, 0);
    for (int i = 0; i < 300; i++) {
        Config config, again;
        char set[64], *text;
        double value = random_between(&random, 0, 1e-3) * (i % 3 ? 1 : 1e-6);
        snprintf(set, sizeof set, "optim.base_lr=%.17g", value);
        assert_fine(load(state, &config, "", set));
        assert_true(config.optim.base_lr == value);
        assert_fine(config_text(&config, &text));
        assert_fine(load(state, &again, text, NULL));
        assert_true(again.optim.base_lr == value);
        free(text);
    }
}

static void printing_to_a_stream_gives_the_same_text(void **state) {
    Config config;
    char path[TEMP_PATH * 2], *text, *printed;
    size_t size;
    assert_fine(load(state, &config, "", "run.dir=runs/x"));
    FILE *out = fopen(temp_path(state, "printed.ini", path), "w");
    assert_non_null(out);
    config_print(&config, out);
    assert_int_equal(fclose(out), 0);
    assert_fine(files_read(path, &printed, &size));
    assert_fine(config_text(&config, &text));
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
    *status = config_help(key, out);
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
    assert_fine(config_text(&config, &whole));
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
        Status status = config_load(&config, path, NULL, 0);
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
        cmocka_unit_test(later_sets_win_over_earlier_ones_and_the_file),
        cmocka_unit_test(wrong_values_of_every_key_are_refused),
        cmocka_unit_test(texts_that_a_file_could_not_hold_are_refused),
        cmocka_unit_test(bad_files_are_refused_with_place_and_remedy),
        cmocka_unit_test(bytes_that_are_no_text_are_refused),
        cmocka_unit_test(a_missing_file_is_a_usage_error),
        cmocka_unit_test(harmless_forms_are_taken),
        cmocka_unit_test(bad_sets_are_refused_naming_the_argument),
        cmocka_unit_test(reals_print_so_that_they_read_back_equal),
        cmocka_unit_test(printing_to_a_stream_gives_the_same_text),
        cmocka_unit_test(help_explains_each_key_and_all),
        cmocka_unit_test(mutated_files_do_no_harm),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
