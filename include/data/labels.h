/* SPDX-License-Identifier: Apache-2.0 */
/* The labels of records: columns of the packs' label tables, or of a folder's labels.csv. */
#ifndef FOVEA_DATA_LABELS_H
#define FOVEA_DATA_LABELS_H

#include "base/status.h"
#include "data/records.h"

#include <stdint.h>

typedef struct {
    char *text;    /* where they are from, for messages */
    char **names;  /* [columns] */
    float *values; /* [count][columns], NaN: not known */
    char **people; /* [count] whom a record shows, of a labels.csv that says so; else NULL */
    int64_t count; /* the records' */
    int columns;
    uint64_t hash; /* of the values */
} Labels;

/* Reads `columns`, names separated by commas. A pack has the names of its pack.json. The labels.csv of a folder is in
 * it, with a column `file` of paths in the folder, or beside it, with paths from there ("train/a.jpg"); a file without
 * a row has no label. An empty cell, "nan" or "NA" is not known. EXIT_USAGE for an empty or repeated name; EXIT_DATA
 * naming pack, or file and line: no such column, with those that there are; no labels.csv; a text that is no number; a
 * second row for a file; records of which none has a label. */
Status labels_open(const Records *records, const char *columns, Labels *labels) MUST_USE;
/* The same of labels in memory: `values` of every record of the packs, whatever its split, one pack after the other as
 * `records` has them, or of every image of its folder; [.][as many as there are columns], NAN: not known. */
Status labels_take(const Records *records, const char *columns, const double *values, Labels *labels) MUST_USE;
void labels_close(Labels *labels);

/* EXIT_DATA when a person of one labels.csv is in the other. People of packs: records_check_disjoint(). */
Status labels_check_disjoint(const Labels *train, const Labels *val) MUST_USE;

/* Whether column `column` of the record is known, or any. */
bool labels_has(const Labels *labels, int64_t record, int column);
bool labels_has_any(const Labels *labels, int64_t record);

#endif
