/* SPDX-License-Identifier: Apache-2.0 */
/* AI-READI's people: participants.tsv, and what clinical_data says of them. */
#ifndef FOVEA_STAGE_PARTICIPANTS_H
#define FOVEA_STAGE_PARTICIPANTS_H

#include "pack/pack.h"
#include "stage/source/findings.h"

#include <stdio.h>

typedef struct {
    char *id;
    PackSplit split;
    float *labels; /* [participants_label_count()], NaN: not known */
} Person;

typedef struct {
    Person *list; /* sorted by id */
    int64_t count, capacity;
} Participants;

enum { LABEL_STUDY_GROUP, LABEL_AGE, LABEL_SITE, LABEL_CLINICAL }; /* the first ones, and where clinical_data's begin */

int participants_label_count(void);
const char *const *participants_label_names(void);

/* root/participants.tsv. A person whose rows differ in their split becomes a finding, unless `findings` is NULL: their
 * splits do not count then. `notes` gets lines on what the labels mean. */
Status participants_read(const char *root, Participants *people, Findings *findings, FILE *notes) MUST_USE;
/* Adds root/clinical_data/{measurement,condition_occurrence}.csv; without them the labels stay NaN. */
Status clinical_read(const char *root, Participants *people, FILE *notes) MUST_USE;
Person *participants_find(const Participants *people, const char *id); /* NULL when there is none */
void participants_close(Participants *people);

#endif
