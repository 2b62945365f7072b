/* SPDX-License-Identifier: Apache-2.0 */
/* The features of all records of a data set. */
#ifndef FOVEA_EVAL_EXTRACT_H
#define FOVEA_EVAL_EXTRACT_H

#include "data/evaluation_view.h"
#include "data/records.h"
#include "eval/features/encoder.h"

#include <stdbool.h>
#include <stdio.h>

typedef struct {
    TaskFeatures tokens;
    EvaluationView view;
    double max_unreadable; /* share of the records that may be unreadable */
} FeatureOptions;

typedef struct {
    int64_t count; /* of records */
    int width;
    float *values;  /* [count][width], NAN where the record cannot be read */
    bool *readable; /* [count] */
    int64_t unreadable;
    double seconds; /* that computing took; 0: they are from a file */
} Features;

/* What a task wants of an encoder: its view depends on the encoder's image size. */
FeatureOptions features_options(const TaskConfig *task, const Encoder *encoder);

Status features_allocate(Features *features, int64_t count, int width) MUST_USE;
void features_close(Features *features);

/* Computes the features of all records, whatever their split, images being read while the encoder computes. Prints its
 * progress to `out` and the unreadable records (NULL: nothing). EXIT_DATA when too many are unreadable, or when
 * features are not finite. Closed with features_close() either way. */
Status features_extract(Encoder *encoder, const Records *records, const FeatureOptions *options, FILE *out,
                        Features *features) MUST_USE;

/* Those of record[rows], into *values [rows][width], the caller's. */
Status features_gather(const Features *features, const int64_t *record, int64_t rows, float **values) MUST_USE;

#endif
