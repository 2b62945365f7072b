/* SPDX-License-Identifier: Apache-2.0 */
/* Every configuration key does in a run what it is for, and nothing else: the same short run is made twice, with one
 * key changed, and a table says which parts of its results must differ. All others must be the same to the bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fixtures/short_run.h"
#include "tests/fixtures/torch_make.h"
#include "train/memory/memory_plan.h"

#include <dirent.h>
#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

/* Parts of a run's results. */
typedef enum {
    FIRST = 1 << 0,       /* loss and gradient norm of step 1: data and model before any update */
    LOSSES = 1 << 1,      /* of the later steps */
    RATES = 1 << 2,       /* learning rates by step */
    EPOCHS = 1 << 3,      /* by step */
    WEIGHTS = 1 << 4,     /* of the last checkpoint, and its moments */
    VALIDATION = 1 << 5,  /* losses by step */
    CHECKPOINTS = 1 << 6, /* names in ckpt/, and which is the best */
    PICTURES = 1 << 7,    /* names and bytes in recon/ */
    RECORD = 1 << 8,      /* run.json, apart from times, places and losses */
    FILES = 1 << 9,       /* names in the run directory */
    MEMORY = 1 << 10,     /* that the plan counts */
    COPIES = 1 << 11,     /* bytes copied to the device by step */
    THREADS = 1 << 12,    /* started by the run, without those of OpenMP */
    PROBES = 1 << 13,     /* a figure of probes by step */
    MONITORS = 1 << 14,   /* figures of layers by step */
} Part;
enum { PARTS = 15 };
static const char *const part_names[PARTS] = {
    "the first loss", "later losses", "learning rates", "epochs", "weights", "validation", "checkpoints", "pictures",
    "run.json",       "files",        "memory",         "copies", "threads", "probes",     "monitors"};

enum {
    NOTHING = 0,
    LEARNT = LOSSES | WEIGHTS | VALIDATION | PICTURES, /* what a change of the updates leads to */
    SEEN = FIRST | LEARNT,                             /* what a change of data or model leads to */
    TRAINED = LOSSES | WEIGHTS | VALIDATION,           /* as LEARNT, and */
    TOLD = FIRST | TRAINED,                            /* as SEEN, of labelled runs */
    CUT_SHORT = LEARNT | RATES | EPOCHS | CHECKPOINTS, /* what another number of steps leads to */
};

/* The GPU's kernels under emulation, without timing, which would choose among them by chance. */
#define EMULATED "train.steps=4 train.device=emu train.deterministic=on"
/* Towards labels; nothing is drawn then. */
#define LABELLED "train.objective=classify data.label=grade"
/* With a probe of a number. */
#define PROBED "probe.train=@/train probe.val=@/val probe.label=age probe.kind=regress"
/* A loss that hardly falls, and is above its mean every few steps once the mean is trusted, after step 20. */
#define SPIKES "optim.base_lr=0.001 guard.spike=1.001 guard.max_events=100 train.steps=30 checkpoint.every=0"

/* What a key is changed to, on which run (keys set beside short.ini), and the parts that must differ. A base
 * "A > B" is a run with the keys A, resumed with B. Parts in `may` may: where sums are in another order, their last
 * bits are not the key's purpose. */
static const struct {
    const char *key, *base, *value;
    int differ, may;
} rows[] = {
    {"model.preset", "", "vit_small", SEEN | MEMORY, 0}, /* other heads in the decoder */
    {"model.image_size", "", "20", SEEN | RECORD | MEMORY, 0},
    {"model.patch_size", "", "8", SEEN | RECORD | MEMORY, 0},
    {"model.dim", "", "24", SEEN | RECORD | MEMORY, 0},
    {"model.depth", "", "1", SEEN | RECORD | MEMORY, 0},
    {"model.heads", "", "4", SEEN | MEMORY, 0},
    {"model.decoder_dim", "", "48", SEEN | RECORD | MEMORY, 0},
    {"model.decoder_depth", "", "1", SEEN | RECORD | MEMORY, 0},
    {"model.decoder_heads", "", "2", SEEN | MEMORY, 0},
    {"model.mask_ratio", "", "0.5", SEEN | MEMORY, 0},
    {"model.norm_pix_loss", "", "off", SEEN, 0},
    {"model.activation", "", "tanh", SEEN, 0},
    {"model.layer_scale", LABELLED, "on", TOLD | RECORD | MEMORY, CHECKPOINTS},
    {"model.drop_path", LABELLED, "0.5", FIRST | LOSSES | WEIGHTS | VALIDATION | MEMORY, CHECKPOINTS},
    {"model.pool", LABELLED, "cls", TOLD, CHECKPOINTS},
    {"data.train", "", "@/other", SEEN | RECORD, 0},
    {"data.val", "", "@/val2", VALIDATION | PICTURES, CHECKPOINTS},
    {"data.weights", "data.train=@/pack,@/pack2 data.weights=1,1", "1,2", SEEN | RATES | EPOCHS | RECORD, 0},
    {"data.splits", "data.train=@/pack", "all", SEEN | RATES | EPOCHS | RECORD, 0},
    {"data.cache", EMULATED " data.train=@/pack", "device", COPIES | THREADS, 0}, /* others fill the cache */
    {"data.max_unreadable", "data.train=@/spoilt data.max_unreadable=0.5", "0.01", CUT_SHORT | RECORD, 0},
    {"data.crop_scale_min", "", "0.9", SEEN, 0},
    {"data.crop_scale_max", "", "0.3", SEEN, 0},
    {"data.crop_ratio_min", "", "1.2", SEEN, 0},
    {"data.crop_ratio_max", "", "0.8", SEEN, 0},
    {"data.flip", "", "0", SEEN, 0},
    {"data.jitter", LABELLED, "0.5", TOLD | MEMORY, CHECKPOINTS},
    {"data.erase", LABELLED, "1", TOLD | MEMORY, CHECKPOINTS},
    {"data.label", LABELLED, "risk", TOLD | RECORD, CHECKPOINTS},
    {"data.classes", LABELLED, "5", TOLD | RECORD | MEMORY, CHECKPOINTS},
    {"data.balance", LABELLED, "on", TOLD, CHECKPOINTS},
    {"data.workers", "", "3", THREADS, 0},
    {"data.prefetch_batches", "", "5", MEMORY, 0},
    {"train.objective", LABELLED, "ordinal", TOLD | RECORD | MEMORY, CHECKPOINTS},
    {"train.device", "", "emu", RECORD | FILES | COPIES, SEEN},
    {"train.precision", "", "fp32", SEEN | MEMORY, 0},
    {"train.seed", "", "2", SEEN, 0},
    {"train.epochs", "train.steps=0 train.epochs=1.5", "1.75", CUT_SHORT | RECORD, 0},
    {"train.steps", "", "7", CUT_SHORT | RECORD, 0},
    {"train.global_batch", "", "8", SEEN | RATES | EPOCHS | MEMORY | RECORD, 0},
    {"train.micro_batch", "", "2", RECORD | MEMORY, SEEN},
    {"train.capture", EMULATED, "off", NOTHING, 0},
    {"train.recompute", "", "blocks", MEMORY, 0},
    {"train.label_smoothing", LABELLED, "0.1", TOLD, CHECKPOINTS},
    {"train.class_weights", LABELLED, "on", TOLD, CHECKPOINTS},
    {"train.freeze_blocks", LABELLED, "1", TRAINED | MEMORY, CHECKPOINTS | FIRST},
    {"train.head_epochs", LABELLED, "1", TRAINED, CHECKPOINTS},
    {"train.threads", "", "2", RECORD, 0},
    {"train.deterministic", "train.steps=2 train.device=emu", "on", FILES, SEEN},
    {"init.from", "", "@/first.safetensors", SEEN | RECORD, 0},
    {"init.key", "init.from=@/two.pth", "teacher", SEEN, 0},
    {"init.fresh", "init.from=@/first.safetensors", "blocks.0", SEEN, 0},
    {"init.resize", "init.from=@/first.safetensors model.image_size=12", "antialias", SEEN, 0},
    {"optim.extend", "train.steps=4 > train.steps=8", "hold", LEARNT | RATES | RECORD, 0},
    {"optim.base_lr", "", "1.28", LEARNT | RATES, 0},
    {"optim.min_lr", "", "0.001", LEARNT | RATES, 0},
    {"optim.warmup_epochs", "", "0.75", LEARNT | RATES, 0},
    {"optim.weight_decay", "", "0.3", LEARNT, 0},
    {"optim.beta1", "", "0.8", LEARNT, 0},
    {"optim.beta2", "", "0.999", LEARNT, 0},
    {"optim.eps", "", "1e-3", LEARNT, 0},
    {"optim.clip", "", "0.01", LEARNT, 0},
    {"optim.l2sp", "", "1", LEARNT | MEMORY, 0},
    {"optim.layer_decay", "", "0.5", LEARNT, 0},
    {"val.every", "", "2", VALIDATION, 0},
    {"val.images", "", "4", VALIDATION | MEMORY, 0},
    {"val.metric", LABELLED, "accuracy", RECORD, CHECKPOINTS},
    {"probe.train", PROBED, "@/other", PROBES, 0},
    {"probe.val", PROBED, "@/val2", PROBES, 0},
    {"probe.label", PROBED, "grade", PROBES, 0},
    {"probe.images", PROBED, "3", PROBES | MEMORY, 0},
    {"probe.every", PROBED, "6", PROBES, 0},
    {"probe.kind", PROBED " probe.label=risk", "classify", PROBES, 0},
    {"checkpoint.every", "", "auto", CHECKPOINTS, 0},
    {"checkpoint.keep", "", "1", CHECKPOINTS, 0},
    {"checkpoint.keep_at", "", "50,75", CHECKPOINTS, 0},
    {"guard.action", SPIKES " guard.action=skip", "stop", CUT_SHORT | RECORD, 0},
    {"guard.spike", SPIKES " guard.action=skip", "0", LEARNT | EPOCHS | RECORD, 0},
    {"guard.max_events", SPIKES " guard.action=skip", "1", CUT_SHORT | RECORD, 0},
    {"monitor.every", EMULATED " monitor.every=0", "2", MONITORS | MEMORY | RECORD, 0},
    {"log.every", "", "2", FIRST | LOSSES | RATES | EPOCHS, 0},
    {"log.recon_every", "", "2", PICTURES, 0},
    {"log.recon_images", "", "4", PICTURES | MEMORY, 0},
    {"log.recon_licensed", "data.train=@/secret", "on", PICTURES, 0},
    {"run.dir", "", "@/elsewhere/run", NOTHING, 0},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

typedef struct {
    const char *base; /* NULL: empty */
    char *parts[PARTS];
} Results;

static atomic_int started;

/* Takes the place of the C library's: threads_start() starts the run's own threads. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*work)(void *), void *context) {
    Dl_info caller;
    const bool own = dladdr(__builtin_return_address(0), &caller) && caller.dli_sname &&
                     strcmp(caller.dli_sname, "threads_start") == 0;
    atomic_fetch_add(&started, own);
    union {
        void *symbol;
        int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    } real = {dlsym(RTLD_NEXT, "pthread_create")};
    return real.create(thread, attributes, work, context);
}

/* "NAME HASH" of each file of a folder with `ending`, sorted; names alone without `contents`. Events are left out:
 * their names have the second of their beginning. */
static char *list_folder(const char *run, const char *name, const char *ending, bool contents) {
    char *text, *folder = scratch_path(run, name);
    size_t size;
    FILE *out = open_memstream(&text, &size);
    struct dirent **entries;
    const int count = scandir(folder, &entries, NULL, alphasort);
    assert_non_null(out);
    for (int i = 0; i < count; i++) {
        const char *entry = entries[i]->d_name, *end = strstr(entry, ending);
        if (entry[0] != '.' && end && !strstr(entry, "tfevents")) {
            uint8_t *data = NULL;
            size_t bytes = 0;
            if (contents)
                scratch_read(folder, entry, &data, &bytes);
            fprintf(out, contents ? "%s %llx; " : "%s; ", entry, (unsigned long long)XXH3_64bits(data, bytes));
            free(data);
        }
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    assert_int_equal(fclose(out), 0);
    free(folder);
    return text;
}

static char *list_checkpoints(const char *run) {
    char *folder = scratch_path(run, "ckpt/best"), target[64] = "none", *names = list_folder(run, "ckpt", "", false);
    const ssize_t length = readlink(folder, target, sizeof target - 1);
    target[length < 0 ? 0 : length] = '\0';
    char *text = printed_path("%s best is %s", names, target);
    free(folder);
    free(names);
    return text;
}

/* `keys` of the lines of metrics.jsonl that have all of them, from the line numbered `from` up to `to`. */
static char *list_metrics(const char *run, const char *const keys[3], int from, int to) {
    cJSON *lines = short_run_lines(run, keys[1]);
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    for (int i = from; i < to && i < cJSON_GetArraySize(lines); i++) {
        for (int key = 0; key < 3 && keys[key]; key++)
            fprintf(out, "%.9g ", short_run_number(cJSON_GetArrayItem(lines, i), keys[key]));
        fputs("; ", out);
    }
    assert_int_equal(fclose(out), 0);
    cJSON_Delete(lines);
    return text;
}

/* The step and a figure of each probe: of numbers, or of classes. */
static char *list_probes(const char *run) {
    cJSON *lines = short_run_lines(run, "val_figures"), *line;
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    cJSON_ArrayForEach(line, lines) {
        const cJSON *figures = cJSON_GetObjectItemCaseSensitive(line, "val_figures");
        const char *name = cJSON_HasObjectItem(figures, "probe_r2") ? "probe_r2" : "probe_log_loss";
        if (cJSON_HasObjectItem(figures, name))
            fprintf(out, "%g %s %.9g; ", short_run_number(line, "step"), name, short_run_number(figures, name));
    }
    assert_int_equal(fclose(out), 0);
    cJSON_Delete(lines);
    return text;
}

/* The lines of monitored steps. */
static char *list_monitors(const char *run) {
    cJSON *lines = short_run_lines(run, "layers");
    char *text = cJSON_PrintUnformatted(lines);
    cJSON_Delete(lines);
    return text;
}

/* Bytes copied by the first step. */
static char *list_copies(const char *run) {
    cJSON *lines = short_run_lines(run, "loss"), *first = cJSON_GetArrayItem(lines, 0);
    /* Both have nine digits. */
    const double bytes = short_run_number(first, "copy_bytes_per_s") * short_run_number(first, "seconds");
    cJSON_Delete(lines);
    return printed_path("%.0f", bytes);
}

/* run.json without what differs from run to run, and without losses, which other parts have. */
static char *list_record(const char *run) {
    static const char *const left_out[] = {"exit_reason",   "run_dir",   "started",     "ended",          "host",
                                           "device",        "versions",  "config_hash", "final_loss",     "val_loss",
                                           "best_val_loss", "best_step", "val_metric",  "best_val_metric"};
    cJSON *record = short_run_json(run, "run.json"), *event;
    for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++)
        cJSON_DeleteItemFromObjectCaseSensitive(record, left_out[i]);
    cJSON_ArrayForEach(event, cJSON_GetObjectItemCaseSensitive(record, "guard_events"))
        cJSON_DeleteItemFromObjectCaseSensitive(event, "loss");
    char *text = cJSON_PrintUnformatted(record);
    cJSON_Delete(record);
    return text;
}

/* The plan for the CPU, where it does not depend on what is free. */
static char *list_memory(const Config *config) {
    MemoryBudget budget;
    MemoryPlan plan;
    const int64_t all = config->train.global_batch, micro_batch = config->train.micro_batch;
    assert_ok(memory_budget_open(device_cpu(), &budget));
    assert_ok(memory_plan(config, &budget, (int)(micro_batch ? micro_batch : all), &plan));
    return printed_path("%zu and %zu bytes", plan.device.used, plan.host.used);
}

/* short.ini with `device`'s keys, then those of a base. */
static void configure_run(const char *root, const char *device, const char *base, int length, Config *config) {
    char *sets = printed_path("%s %.*s", device, length, base);
    short_run_config(root, sets, config);
    free(sets);
}

/* Makes the run of a base and removes its directory. */
static void make_run(const char *root, const char *device, const char *base, Results *results) {
    static const char *const losses[] = {"step", "loss", "grad_norm"}, *const rates[] = {"step", "lr", NULL};
    static const char *const epochs[] = {"step", "epoch", NULL}, *const validations[] = {"step", "val_loss", NULL};
    TrainOptions options = {.config_path = "short.ini"};
    Config config;
    const char *resumed = strchr(base, '>');
    if (resumed) {
        configure_run(root, device, base, (int)(resumed - base), &config);
        assert_ok(train_run(&config, &options));
        options.resume = true;
    }
    base = resumed ? resumed + 1 : base;
    configure_run(root, device, base, (int)strlen(base), &config);
    const char *run = config.run.dir;
    const int before = atomic_load(&started);
    Status status = train_run(&config, &options);
    if (!files_exists(run)) /* a run that fails on its way leaves what it did */
        fail_msg("no run: %s", status_message(status));
    status_free(status);
    char *parts[PARTS] = {list_metrics(run, losses, 0, 1),
                          list_metrics(run, losses, 1, 1000),
                          list_metrics(run, rates, 0, 1000),
                          list_metrics(run, epochs, 0, 1000),
                          list_folder(run, "ckpt/latest", ".safetensors", true),
                          list_metrics(run, validations, 0, 1000),
                          list_checkpoints(run),
                          list_folder(run, "recon", ".png", true),
                          list_record(run),
                          list_folder(run, ".", "", false),
                          list_memory(&config),
                          list_copies(run),
                          printed_path("%d", atomic_load(&started) - before),
                          list_probes(run),
                          list_monitors(run)};
    memcpy(results->parts, parts, sizeof parts);
    assert_ok(files_remove(run));
}

static void forget_results(Results *results) {
    for (int i = 0; i < PARTS; i++)
        free(results->parts[i]);
    *results = (Results){0};
}

/* Returns how many parts differ that must not, or the other way round. Parts in `may` may. */
static int check_row(const char *root, const char *device, int row, int may, Results *base) {
    if (!base->base || strcmp(base->base, rows[row].base) != 0) {
        forget_results(base);
        make_run(root, device, rows[row].base, base);
        base->base = rows[row].base;
    }
    Results other = {0};
    char *sets = printed_path("%s %s=%s", rows[row].base, rows[row].key, rows[row].value);
    make_run(root, device, sets, &other);
    int wrong = 0;
    for (int i = 0; i < PARTS; i++) {
        const bool differs = strcmp(base->parts[i], other.parts[i]) != 0;
        if ((rows[row].may | may) & 1 << i || differs == !!(rows[row].differ & 1 << i))
            continue;
        print_error("%s = %s: %s must%s differ: %.200s\n    and %.200s\n", rows[row].key, rows[row].value,
                    part_names[i], differs ? " not" : "", base->parts[i], other.parts[i]);
        wrong++;
    }
    free(sets);
    forget_results(&other);
    return wrong;
}

static int open_root(void **state) {
    static const PackSpec plain = {"one", "ttve", SHORT_SIDE + 4, 48, 100, 1};
    static const PackSpec second = {"two", "t", SHORT_SIDE + 4, 16, 100, 2};
    static const PackSpec secret = {"three", "t", SHORT_SIDE + 4, 16, 100, 3};
    char *root = scratch_make();
    short_run_draw(root);
    short_run_label(root);
    free(fixture_pack(root, "pack", &plain));
    free(fixture_pack(root, "pack2", &second));
    free(fixture_pack_of(root, "secret", &secret, true));
    short_run_folder(root, "spoilt", SHORT_IMAGES - 1, 0);
    scratch_write(root, "spoilt/zz.png", "", 0);
    Config config;
    const TrainOptions options = {.config_path = "short.ini"};
    short_run_config(root, "train.seed=3 run.dir=@/first", &config);
    assert_ok(train_run(&config, &options));
    char *from = scratch_path(root, "first/ckpt/latest/weights.safetensors"),
         *to = scratch_path(root, "first.safetensors");
    assert_int_equal(link(from, to), 0);
    char *two = scratch_path(root, "two.pth");
    SafeTensors *file;
    assert_ok(safetensors_open(to, &file));
    torch_make_two(two, file);
    safetensors_close(file);
    free(two);
    free(from);
    free(to);
    *state = root;
    return 0;
}

static void every_key_has_a_row(void **state) {
    (void)state;
    for (int key = 0; key < train_config.key_count; key++) {
        char *name = printed_path("%s.%s", train_config.keys[key].section, train_config.keys[key].name);
        int row = 0;
        while (row < ROWS && strcmp(rows[row].key, name) != 0)
            row++;
        if (row == ROWS)
            fail_msg("the key %s has no row in this test", name);
        free(name);
    }
    assert_int_equal(train_config.key_count, ROWS);
}

/* Keys that are left out of an identity change no figure of a run, but by rounding or by which lines are written. */
static void neutral_keys_change_no_result(void **state) {
    (void)state;
    /* Their images' hash stands for them; which lines there are; how many images may be missing before the run ends;
     * the length of a resumed run alone. */
    static const char *const others[] = {"data.train", "data.val",     "probe.train",        "probe.val",
                                         "log.",       "optim.extend", "data.max_unreadable"};
    /* Where the guard rolls back to, and which validations can be the best; rounding that is asked for. */
    static const char *const counted[] = {"checkpoint.every", "checkpoint.keep_at", "train.deterministic",
                                          "val.metric"};
    const int results = FIRST | LOSSES | RATES | EPOCHS | WEIGHTS | VALIDATION | PROBES;
    for (int key = 0; key < train_config.key_count; key++) {
        const ConfigKey *own = &train_config.keys[key];
        char *name = printed_path("%s.%s", own->section, own->name);
        int row = 0;
        while (strcmp(rows[row].key, name) != 0)
            row++;
        bool neutral = !(rows[row].differ & results);
        for (size_t i = 0; i < sizeof others / sizeof *others; i++)
            neutral |= strncmp(name, others[i], strlen(others[i])) == 0;
        for (size_t i = 0; i < sizeof counted / sizeof *counted; i++)
            neutral &= strcmp(name, counted[i]) != 0;
        if ((own->neutral || own->unhashed) != neutral)
            fail_msg("%s must%s be neutral", name, neutral ? "" : " not");
        free(name);
    }
}

/* On the CPU, and with FOVEA_LONG, for a minute, on the emulated GPU too: elsewhere only the rows that name the device
 * run there. What is copied to a device, and by how many threads, depends on the shape. */
static void keys_have_their_effect_and_no_other(void **state) {
    static const char *const own[] = {"train.device", "train.threads", "train.deterministic"}; /* set, or the CPU's */
    Results base = {0};
    int wrong = 0;
    for (int row = 0; row < ROWS; row++)
        wrong += check_row(*state, "", row, 0, &base);
    forget_results(&base);
    for (int row = 0; row < ROWS && getenv("FOVEA_LONG"); row++) {
        bool there = true;
        for (size_t i = 0; i < sizeof own / sizeof *own; i++)
            there &= strcmp(rows[row].key, own[i]) != 0;
        if (there)
            wrong += check_row(*state, "train.device=emu train.deterministic=on", row, COPIES | THREADS, &base);
    }
    forget_results(&base);
    assert_int_equal(wrong, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_has_a_row),
        cmocka_unit_test(neutral_keys_change_no_result),
        cmocka_unit_test(keys_have_their_effect_and_no_other),
    };
    return cmocka_run_group_tests(tests, open_root, short_run_close);
}
