/* SPDX-License-Identifier: Apache-2.0 */
/* AI-READI's participants.tsv. */
#ifndef FOVEA_STAGE_PARTICIPANTS_H
#define FOVEA_STAGE_PARTICIPANTS_H

#include "pack/row.h"
#include "stage/source/findings.h"

#include <stdio.h>

typedef struct {
    char *id;
    PackSplit split;
    float *labels; /* [LABELS], NaN: unknown */
} Participant;

typedef struct {
    Participant *list; /* sorted by id */
    int64_t count, capacity;
} Participants;

/* Reads root/participants.tsv. A person whose rows differ in their split becomes a finding, unless `findings` is NULL:
 * then another list gives the splits. `notes` receives lines about the labels' meaning. */
Status participants_read(const char *root, Participants *people, Findings *findings, FILE *notes) MUST_USE;
Participant *participants_find(const Participants *people, const char *id); /* NULL when there is none */
void participants_close(Participants *people);

#endif
