/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/sweep/trials/sweep_file.h"

#include "base/files.h"
#include "pool/sweep/trials/trial.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SEED = 1000000000 };

static const ConfigChoice directions[] = {{"min", false}, {"max", true}, {NULL, 0}};

typedef struct {
    SweepFile file;
    int direction;
} SweepValues;

#define ROW(kind, Type, field, section_, name_, help_)                                                                 \
    .section = section_, .name = name_, .type = kind, .offset = CONFIG_AT(SweepValues, field, Type), .unit = "",       \
    .help = help_

static const ConfigKey keys[] = {
    {ROW(CONFIG_STRING, ConfigText, file.name, "sweep", "name",
         "Name: results are in runs/sweeps/NAME. Letters, digits, '.', '_' and '-'.")},
    {ROW(CONFIG_STRING, ConfigText, file.base, "sweep", "base", "Configuration that the trials change.")},
    {ROW(CONFIG_STRING, ConfigText, file.command, "sweep", "command",
         "What runs a trial: {config} stands for its configuration file."),
     .text = "./train {config} --resume"},
    {ROW(CONFIG_STRING, ConfigText, file.metric, "sweep", "metric",
         "Score of a trial: a number of run.json, or eval:TASK:METRIC.")},
    {.section = "sweep",
     .name = "direction",
     .type = CONFIG_CHOICE,
     .offset = CONFIG_CHOICE_AT(SweepValues, direction),
     .unit = "",
     .choices = directions,
     .fallback = false,
     .help = "Whether the smallest or the largest score is the best."},
    {ROW(CONFIG_INTEGER, ConfigList, file.seeds, "sweep", "seeds", "Values of train.seed with which all is tried."),
     .max = MAX_SEED, .text = "1", .list = true},
    {ROW(CONFIG_STRING, ConfigEntries, file.grid, "grid", "*", "Values of a key; the last key changes fastest."),
     .list = true},
    {ROW(CONFIG_INTEGER, int64_t, file.count, "random", "count", "How often the keys of [random] are drawn."),
     .max = SWEEP_TRIALS},
    {ROW(CONFIG_INTEGER, int64_t, file.seed, "random", "seed", "Another one draws other values."), .max = MAX_SEED,
     .fallback = 1},
    {ROW(CONFIG_STRING, ConfigEntries, file.random, "random", "*", "log A B, linear A B, or a list of values."),
     .list = true},
    {ROW(CONFIG_STRING, ConfigEntries, file.asha, "asha", "*", "Not built yet."), .list = true},
    {ROW(CONFIG_STRING, ConfigEntries, file.gate, "gate", "*", "Not built yet."), .list = true},
};

static bool is_word(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)text[i]) && text[i] != '_')
            return false;
    return length > 0;
}

static Status check_key(const char *path, const ConfigEntry *entry) {
    const char *dot = strchr(entry->name, '.');
    if (!dot || !is_word(entry->name, (size_t)(dot - entry->name)) || !is_word(dot + 1, strlen(dot + 1)))
        return status_error(EXIT_USAGE, "%s:%d: %.80s is no key of a configuration; write section.key = values", path,
                            entry->line, entry->name);
    if (strcmp(entry->name, "train.seed") == 0)
        return status_error(EXIT_USAGE, "%s:%d: train.seed is set for every trial; use seeds in [sweep]", path,
                            entry->line);
    if (strcmp(entry->name, "run.dir") == 0)
        return status_error(EXIT_USAGE, "%s:%d: run.dir is set for every trial; remove it", path, entry->line);
    return NULL;
}

/* "0.1" and "1e-1" are the same value. */
static bool same_value(const char *a, const char *b) {
    char *end_a, *end_b;
    const double x = strtod(a, &end_a), y = strtod(b, &end_b);
    return strcmp(a, b) == 0 || (*a && *b && !*end_a && !*end_b && x == y);
}

static Status check_values(const char *path, const ConfigEntry *entry) {
    if (!entry->list.count)
        return status_error(EXIT_USAGE, "%s:%d: %s has no values; list some, or remove it", path, entry->line,
                            entry->name);
    for (int i = 0; i < entry->list.count; i++) {
        const char *value = entry->list.values[i].text;
        for (const char *c = value; *c; c++)
            if (iscntrl((unsigned char)*c))
                return status_error(EXIT_USAGE, "%s:%d: a value of %s has a control character; remove it", path,
                                    entry->line, entry->name);
        if (!*value)
            return status_error(EXIT_USAGE, "%s:%d: %s has an empty value; remove a comma", path, entry->line,
                                entry->name);
        for (int j = 0; j < i; j++)
            if (same_value(value, entry->list.values[j].text))
                return status_error(EXIT_USAGE, "%s:%d: %s has the value %.80s twice; remove one", path, entry->line,
                                    entry->name, value);
    }
    return NULL;
}

bool sweep_file_draw(const ConfigEntry *entry, SweepDraw *draw) {
    const char *text = entry->list.values[0].text;
    char after;
    *draw = (SweepDraw){.kind = DRAW_LIST};
    if (strncmp(text, "log ", 4) == 0)
        draw->kind = DRAW_LOG;
    else if (strncmp(text, "linear ", 7) == 0)
        draw->kind = DRAW_LINEAR;
    else
        return true;
    return entry->list.count == 1 && sscanf(strchr(text, ' '), " %lf %lf %c", &draw->low, &draw->high, &after) == 2 &&
           isfinite(draw->low) && isfinite(draw->high) && draw->low < draw->high &&
           (draw->kind == DRAW_LINEAR || draw->low > 0);
}

static Status check_random(const char *path, const SweepFile *file) {
    for (int i = 0; i < file->random.count; i++) {
        const ConfigEntry *entry = &file->random.entries[i];
        SweepDraw draw;
        TRY(check_key(path, entry));
        TRY(check_values(path, entry));
        for (int j = 0; j < file->grid.count; j++)
            if (strcmp(file->grid.entries[j].name, entry->name) == 0)
                return status_error(EXIT_USAGE, "%s:%d: %s is in [grid] too, on line %d; remove one", path, entry->line,
                                    entry->name, file->grid.entries[j].line);
        if (!sweep_file_draw(entry, &draw))
            return status_error(EXIT_USAGE,
                                "%s:%d: %s = %.80s is no range; write log A B with 0 < A < B, linear A B with A < B, "
                                "or a list of values",
                                path, entry->line, entry->name, entry->list.values[0].text);
    }
    if (file->random.count && !file->count)
        return status_error(EXIT_USAGE, "%s: [random] has keys and no count; set how often they are drawn", path);
    if (file->count && !file->random.count)
        return status_error(EXIT_USAGE, "%s: [random] has a count and no keys; name keys, or remove it", path);
    return NULL;
}

static Status check_seeds(const char *path, const ConfigList *seeds) {
    for (int i = 0; i < seeds->count; i++)
        for (int j = 0; j < i; j++)
            if (seeds->values[i].integer == seeds->values[j].integer)
                return status_error(EXIT_USAGE, "%s: seeds has %lld twice; remove one", path,
                                    (long long)seeds->values[i].integer);
    return seeds->count ? NULL : status_error(EXIT_USAGE, "%s: seeds is empty; name at least one", path);
}

static Status check_metric(const char *path, const char *metric) {
    const char *task = strncmp(metric, "eval:", 5) == 0 ? metric + 5 : NULL, *colon = task ? strrchr(task, ':') : NULL;
    if (!*metric)
        return status_error(EXIT_USAGE,
                            "%s: metric is not set; name a number of run.json, such as val_loss, or "
                            "eval:TASK:METRIC",
                            path);
    if (task && (!colon || colon == task || !colon[1]))
        return status_error(EXIT_USAGE, "%s: metric = %.80s: write eval:TASK:METRIC, such as eval:drawn_eye:auroc",
                            path, metric);
    for (const char *c = metric; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("_.:/-", *c))
            return status_error(EXIT_USAGE, "%s: metric = %.80s has characters that no metric has; correct it", path,
                                metric);
    return NULL;
}

static Status check_sweep(const char *path, const SweepFile *file) {
    const ConfigEntries *later[] = {&file->asha, &file->gate};
    for (int i = 0; i < 2; i++)
        if (later[i]->count)
            return status_error(EXIT_USAGE, "%s:%d: [%s] is not built yet; remove the section", path,
                                later[i]->entries[0].line, i ? "gate" : "asha");
    if (!sweep_name_fits(file->name))
        return status_error(EXIT_USAGE,
                            "%s: name%s%.80s; use letters, digits, '.', '_' and '-', up to %d, and begin with a letter "
                            "or digit",
                            path, *file->name ? " = " : " is not set", file->name, SWEEP_NAME - 1);
    if (!*file->base)
        return status_error(EXIT_USAGE, "%s: base is not set; name the configuration that the trials change", path);
    if (!strstr(file->command, "{config}"))
        return status_error(EXIT_USAGE, "%s: command has no {config}, so that all trials would be the same; add it",
                            path);
    TRY(check_metric(path, file->metric));
    TRY(check_seeds(path, &file->seeds));
    for (int i = 0; i < file->grid.count; i++) {
        TRY(check_key(path, &file->grid.entries[i]));
        TRY(check_values(path, &file->grid.entries[i]));
    }
    TRY(check_random(path, file));
    if (!file->grid.count && !file->random.count && file->seeds.count < 2)
        return status_error(EXIT_USAGE, "%s: there is nothing to try; give [grid] or [random] a key, or several seeds",
                            path);
    return NULL;
}

static void complete_values(void *values) {
    SweepValues *all = values;
    all->file.max = all->direction;
}

static Status check_file(const void *values, const char *path) {
    return check_sweep(path, &((const SweepValues *)values)->file);
}

static const ConfigTable table = {.size = sizeof(SweepValues),
                                  .keys = keys,
                                  .key_count = sizeof keys / sizeof *keys,
                                  .help_command = "docs/sweep.md",
                                  .complete = complete_values,
                                  .check = check_file};

Status sweep_file_load(const char *path, SweepFile *file) {
    SweepValues *values = calloc(1, sizeof *values);
    if (!values)
        return status_no_memory("a sweep's file", sizeof *values);
    Status status = config_load(&table, values, path, NULL, 0, NULL);
    if (!status)
        *file = values->file;
    free(values);
    return status;
}

void sweep_file_free(SweepFile *file) {
    SweepValues *values = calloc(1, sizeof *values);
    if (!values)
        return;
    values->file = *file;
    config_free(&table, values);
    free(values);
}
