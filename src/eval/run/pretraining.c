/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/run/pretraining.h"

#include "base/data_file.h"
#include "base/files.h"
#include "eval/run/sightings.h"
#include "train/config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TABLE "data/pretraining.tsv"

typedef struct {
    const char *name;  /* of the encoder */
    const char *table; /* NULL: there is none */
    const char **datasets;
    int dataset_count; /* of the test rows */
    Sightings sightings;
    ControlContamination *contamination;
} Search;

/* --- The table of published training sets --- */

Status pretraining_check(const char *table) {
    ControlContamination none = {0};
    if (!files_exists(table))
        return status_error(EXIT_DATA, "%s: there is no such table (--pretraining)", table);
    return status_append(contamination_look_up(&none, table, "", NULL, 0), " (--pretraining)");
}

static Status find_table(const char *table, ControlContamination *contamination, char **path) {
    if (table)
        TRY(pretraining_check(table));
    if (table)
        return files_path(path, "%s", table);
    TRY(data_file_find(TABLE, path));
    return *path ? NULL
                 : contamination_miss(contamination, "there is no " TABLE ", which says what published weights were "
                                                     "trained on; name the table (--pretraining)");
}

static Status look_up(const Search *search, const char *weights) {
    if (!search->table)
        return NULL;
    return status_append(
        contamination_look_up(search->contamination, search->table, weights, search->datasets, search->dataset_count),
        " (--pretraining)");
}

/* --- The lists of a run --- */

static Status add_seen(const Search *search, const char *run, const char *key) {
    const Cohort *tested = search->sightings.tested;
    char *source;
    TRY(files_path(&source, "%s: %s", run, key));
    Status status = NULL;
    for (int i = 0; i < search->dataset_count && !status; i++) {
        Contamination item = {(char *)(uintptr_t)search->name, (char *)(uintptr_t)search->datasets[i], source, 0};
        for (int64_t row = 0; row < tested->rows.count; row++) {
            int64_t number;
            item.images += search->sightings.seen[row] &&
                           strcmp(records_part(&tested->records, tested->record[row], &number)->pack.info.dataset,
                                  item.dataset) == 0;
        }
        if (item.images)
            status = contamination_add(search->contamination, &item);
    }
    free(source);
    return status;
}

/* Sets *gone when a failure only means that something is not there any more, or not as it was: it is noted and freed.
 * Else returns it. */
static Status note_gone(const Search *search, const char *run, const char *what, Status failure, bool *gone) {
    const int code = status_code(failure);
    char *sentence;
    *gone = code == EXIT_DATA || code == EXIT_USAGE || code == EXIT_IO;
    if (!*gone)
        return failure;
    Status status =
        files_path(&sentence, "%s: its %s cannot be looked at for test images: %s", run, what, status_message(failure));
    status_free(failure);
    TRY(status);
    status = contamination_miss(search->contamination, sentence);
    free(sentence);
    return status;
}

static Status look_at_list(Search *search, const char *run, const char *key, const char *text, RecordsSplits splits) {
    Records records;
    bool gone;
    if (!*text)
        return NULL;
    Status status = records_open(text, "", splits, &records);
    if (status)
        return note_gone(search, run, key, status, &gone);
    status = sightings_find(&search->sightings, &records);
    if (!status)
        status = add_seen(search, run, key);
    records_close(&records);
    return status;
}

static Status look_at_lists(Search *search, const char *run, const Config *config) {
    TRY(look_at_list(search, run, "data.train", config->data.train, config->data.splits));
    TRY(look_at_list(search, run, "data.val", config->data.val, RECORDS_VAL));
    TRY(look_at_list(search, run, "probe.train", config->probe.train, RECORDS_TRAIN));
    return look_at_list(search, run, "probe.val", config->probe.val, RECORDS_VAL);
}

/* --- From a run to what it started from --- */

/* The runs that led to the one that is looked at, so that no circle of them goes on for ever. */
typedef struct Later Later;
struct Later {
    const char *run;
    const Later *next;
};

static bool is_among(const char *run, const Later *later) {
    for (; later; later = later->next)
        if (strcmp(run, later->run) == 0)
            return true;
    return false;
}

static Status follow_run(Search *search, const char *run, const Later *later);

/* `run` began with the weights `config->init.from`. */
static Status follow_start(Search *search, const char *run, const Config *config, const Later *later) {
    const char *from = config->init.from;
    /* The heads do not matter; with one the shape of any weights is found. */
    const EncoderHints hints = {.key = *config->init.key ? config->init.key : NULL, .heads = 1};
    EncoderSource source;
    if (!*from)
        return NULL;
    Status status = encoder_source_open(from, &hints, &source);
    bool gone = false;
    if (status)
        status = note_gone(search, run, "init.from", status, &gone);
    if (!status && gone)
        status = look_up(search, from);
    else if (!status)
        status = source.run ? follow_run(search, source.run, &(Later){run, later}) : look_up(search, from);
    encoder_source_close(&source);
    return status;
}

static Status follow_config(Search *search, const char *run, Config *config, const Later *later) {
    char *path;
    TRY(files_path(&path, "%s/config.ini", run));
    Status status = config_load(&train_config, config, path, NULL, 0, NULL);
    free(path);
    TRY(status);
    TRY(look_at_lists(search, run, config));
    return follow_start(search, run, config, later);
}

static Status follow_run(Search *search, const char *run, const Later *later) {
    char *real = realpath(run, NULL);
    Config *config = calloc(1, sizeof *config); /* too large for a stack */
    Status status = !real || !config        ? status_no_memory("the configuration of a run", sizeof *config)
                    : is_among(real, later) ? NULL
                                            : follow_config(search, real, config, later);
    free(config);
    free(real);
    return status;
}

/* --- A search --- */

static Status list_datasets(const Cohort *tested, Search *search) {
    search->datasets = malloc(((size_t)tested->records.part_count + 1) * sizeof *search->datasets);
    if (!search->datasets)
        return status_no_memory("the names of data sets", (size_t)tested->records.part_count);
    for (int i = 0; i < tested->records.part_count; i++) {
        const char *name = tested->records.parts[i].pack.info.dataset;
        bool known = false;
        for (int other = 0; other < search->dataset_count; other++)
            known |= strcmp(search->datasets[other], name) == 0;
        if (!known)
            search->datasets[search->dataset_count++] = name;
    }
    return NULL;
}

static Status search_encoder(Search *search, const Encoder *encoder, const Cohort *tested) {
    TRY(list_datasets(tested, search));
    TRY(sightings_open(tested, &search->sightings));
    return encoder->source.run ? follow_run(search, encoder->source.run, NULL) : look_up(search, encoder->name);
}

Status pretraining_find(const char *table, const Encoder *encoder, const Cohort *tested,
                        ControlContamination *contamination) {
    Search search = {.name = encoder->name, .contamination = contamination};
    char *path;
    if (encoder->source.random)
        return NULL;
    TRY(find_table(table, contamination, &path));
    search.table = path;
    Status status = search_encoder(&search, encoder, tested);
    sightings_close(&search.sightings);
    free(search.datasets);
    free(path);
    return status;
}
