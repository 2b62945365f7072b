/* SPDX-License-Identifier: Apache-2.0 */
/* Labels from AI-READI's OMOP tables: clinical_data/measurement.csv and condition_occurrence.csv. */
#ifndef FOVEA_STAGE_CLINICAL_H
#define FOVEA_STAGE_CLINICAL_H

#include "stage/source/aireadi/participants.h"

/* Enters root/clinical_data/{measurement,condition_occurrence}.csv into the people's labels; without a table they stay
 * NaN. */
Status clinical_read(const char *root, Participants *people, FILE *notes) MUST_USE;

#endif
