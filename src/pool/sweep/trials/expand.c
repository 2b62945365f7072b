/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/sweep/trials/expand.h"

#include "base/random.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* 53 bits in [0, 1). */
static double draw_uniform(Random *random) {
    const uint64_t high = random_u32(random) >> 5, low = random_u32(random) >> 6;
    return (double)(high << 26 | low) / 0x1p53;
}

/* Four digits are more than a search can tell apart, and read well. */
static void draw_value(const ConfigEntry *entry, uint64_t seed, int64_t number, char *value, size_t size) {
    SweepDraw draw;
    Random random;
    const bool valid = sweep_file_draw(entry, &draw);
    random_start(&random, seed, RANDOM_SWEEP, (uint32_t)XXH3_64bits(entry->name, strlen(entry->name)),
                 (uint64_t)number);
    if (!valid || draw.kind == DRAW_LIST) {
        snprintf(value, size, "%s", entry->list.values[random_below(&random, (uint32_t)entry->list.count)].text);
        return;
    }
    const double u = draw_uniform(&random);
    if (draw.kind == DRAW_LOG)
        snprintf(value, size, "%.4g", exp(log(draw.low) + u * (log(draw.high) - log(draw.low))));
    else
        snprintf(value, size, "%.4g", draw.low + u * (draw.high - draw.low));
}

/* Point `point` of the grid's product. */
static Status add_grid(const SweepFile *file, int64_t point, Trial *trial) {
    int64_t rest = 1;
    for (int i = 0; i < file->grid.count; i++)
        rest *= file->grid.entries[i].list.count;
    for (int i = 0; i < file->grid.count; i++) {
        const ConfigEntry *entry = &file->grid.entries[i];
        rest /= entry->list.count;
        TRY(trial_add_param(trial, entry->name, entry->list.values[point / rest % entry->list.count].text));
    }
    return NULL;
}

static Status add_draw(const SweepFile *file, int64_t number, Trial *trial) {
    char value[CONFIG_TEXT];
    for (int i = 0; i < file->random.count; i++) {
        draw_value(&file->random.entries[i], (uint64_t)file->seed, number, value, sizeof value);
        TRY(trial_add_param(trial, file->random.entries[i].name, value));
    }
    return NULL;
}

static Status add_trial(const char *path, const SweepFile *file, Sweep *sweep, int64_t set, int64_t seed) {
    const int64_t draws = file->count ? file->count : 1;
    Trial *trial;
    TRY(sweep_add_trial(sweep, &trial));
    trial->set = set;
    trial->seed = seed;
    TRY(add_grid(file, set / draws, trial));
    TRY(add_draw(file, set % draws, trial));
    TRY(trial_name(sweep, trial));
    const int64_t other = sweep_find_trial(sweep, trial->id);
    if (&sweep->trials[other] == trial)
        return NULL;
    char *text;
    TRY(trial_describe(trial, &text));
    Status status =
        status_error(EXIT_USAGE, "%s: two trials are %s; list other values, or another seed of [random]", path, text);
    free(text);
    return status;
}

Status expand_sweep(const char *path, const SweepFile *file, Sweep *sweep) {
    *sweep = (Sweep){.max = file->max};
    memcpy(sweep->name, file->name, sizeof sweep->name - 1); /* as long as a name may be */
    TRY(text_format(&sweep->base, "%s", file->base));
    TRY(text_format(&sweep->command, "%s", file->command));
    TRY(text_format(&sweep->metric, "%s", file->metric));
    int64_t sets = file->count ? file->count : 1;
    for (int i = 0; i < file->grid.count && sets <= SWEEP_TRIALS; i++)
        sets *= file->grid.entries[i].list.count;
    if (sets > SWEEP_TRIALS || sets * file->seeds.count > SWEEP_TRIALS)
        return status_error(EXIT_USAGE, "%s: there are more than %d trials; list fewer values", path, SWEEP_TRIALS);
    for (int64_t set = 0; set < sets; set++)
        for (int i = 0; i < file->seeds.count; i++)
            TRY(add_trial(path, file, sweep, set, file->seeds.values[i].integer));
    return NULL;
}
