/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/control/contamination.h"

#include "base/list.h"
#include "base/table.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static void free_item(Contamination *item) {
    free(item->weights);
    free(item->dataset);
    free(item->source);
}

void contamination_free(ControlContamination *c) {
    for (int64_t i = 0; i < c->count; i++)
        free_item(&c->list[i]);
    for (int64_t i = 0; i < c->unsearched_count; i++)
        free(c->unsearched[i]);
    free(c->unsearched);
    free(c->list);
    *c = (ControlContamination){0};
}

Status contamination_miss(ControlContamination *c, const char *sentence) {
    TRY(list_grow(&c->unsearched, c->unsearched_count, &c->unsearched_room, sizeof *c->unsearched,
                  "a list of what was not searched"));
    c->unsearched[c->unsearched_count] = strdup(sentence);
    if (!c->unsearched[c->unsearched_count])
        return status_no_memory("a list of what was not searched", strlen(sentence));
    c->unsearched_count++;
    return NULL;
}

Status contamination_add(ControlContamination *c, const Contamination *item) {
    TRY(list_grow(&c->list, c->count, &c->capacity, sizeof *c->list, "a list of pretraining sets"));
    Contamination copy = {.weights = strdup(item->weights),
                          .dataset = strdup(item->dataset),
                          .source = strdup(item->source),
                          .images = item->images};
    if (copy.weights && copy.dataset && copy.source) {
        c->list[c->count++] = copy;
        return NULL;
    }
    free_item(&copy);
    return status_no_memory("the name of a data set", strlen(item->weights) + strlen(item->dataset));
}

/* The next letter or digit, as a small letter; 0 at the end. Moves *text past it. */
static int take_letter(const char **text) {
    while (**text && !isalnum((unsigned char)**text))
        ++*text;
    return **text ? tolower((unsigned char)*(*text)++) : 0;
}

/* Whether `text` begins with `name`, and what is after that. */
static bool starts_with(const char *text, const char *name, const char **rest) {
    for (int letter; (letter = take_letter(&name));)
        if (take_letter(&text) != letter)
            return false;
    *rest = text;
    return true;
}

static bool contains(const char *text, const char *name) {
    const char *rest;
    for (; *text; text++)
        if (starts_with(text, name, &rest))
            return true;
    return false;
}

static bool is_among(const char *name, const char *const *names, int count) {
    const char *rest;
    for (int i = 0; i < count; i++)
        if (starts_with(names[i], name, &rest) && !take_letter(&rest))
            return true;
    return false;
}

enum { WEIGHTS, DATASET, SOURCE, COLUMNS };

static Status read_table(ControlContamination *c, Table *table, const char *weights, const char *const *datasets,
                         int count) {
    static const char *const names[COLUMNS][2] = {{"weights", NULL}, {"dataset", NULL}, {"source", NULL}};
    int columns[COLUMNS];
    for (int i = 0; i < COLUMNS; i++)
        TRY(table_column(table, names[i], &columns[i]));
    for (;;) {
        bool more;
        TRY(table_next(table, &more));
        if (!more)
            return NULL;
        char *const *fields = table->fields;
        const char *name = fields[columns[WEIGHTS]], *dataset = fields[columns[DATASET]];
        if (!take_letter(&(const char *){name}) || !take_letter(&(const char *){dataset}))
            return table_error(table, "the name of the weights or of the data set is empty");
        if (contains(weights, name) && is_among(dataset, datasets, count))
            TRY(contamination_add(
                c, &(Contamination){fields[columns[WEIGHTS]], fields[columns[DATASET]], fields[columns[SOURCE]], -1}));
    }
}

Status contamination_look_up(ControlContamination *c, const char *path, const char *weights,
                             const char *const *datasets, int count) {
    Table table;
    TRY(table_open(path, &table));
    Status status = read_table(c, &table, weights, datasets, count);
    table_close(&table);
    return status;
}
