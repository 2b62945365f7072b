/* SPDX-License-Identifier: Apache-2.0 */
/* The labels of AI-READI's people: their names, order and concept ids. */
#ifndef FOVEA_STAGE_LABELS_H
#define FOVEA_STAGE_LABELS_H

enum {
    LABEL_STUDY_GROUP,
    LABEL_AGE,
    LABEL_SITE,
    LABEL_MEASUREMENTS, /* the first of MEASUREMENTS labels from measurement.csv */
    MEASUREMENTS = 16,
    LABEL_CONDITIONS = LABEL_MEASUREMENTS + MEASUREMENTS, /* the first of CONDITIONS from condition_occurrence.csv */
    CONDITIONS = 6,
    LABELS = LABEL_CONDITIONS + CONDITIONS
};

extern const char *const label_names[LABELS];

/* The number of a measurement or condition by its concept id, from 0; -1: not a label. */
int label_measurement(double concept);
int label_condition(double concept);

#endif
