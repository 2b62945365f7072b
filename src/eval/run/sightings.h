/* SPDX-License-Identifier: Apache-2.0 */
/* Which test images a training has seen, or others of their people. */
#ifndef FOVEA_EVAL_SIGHTINGS_H
#define FOVEA_EVAL_SIGHTINGS_H

#include "eval/task/cohort.h"

#include <stdbool.h>

/* By what a test image is recognised: the file of its photograph, its pixels, its person. */
typedef enum { SIGHT_FILE, SIGHT_PIXELS, SIGHT_PERSON, SIGHT_WAYS } SightWay;

typedef struct Sight Sight;

typedef struct {
    const Cohort *tested;
    Sight *sorted[SIGHT_WAYS]; /* [count[way]] the test rows of which that is known */
    int64_t count[SIGHT_WAYS];
    bool *seen; /* [tested->rows.count]; false for rows that are not tested */
} Sightings;

/* Of the test rows of a task, none seen yet. Closed with sightings_close() either way. */
Status sightings_open(const Cohort *tested, Sightings *sightings) MUST_USE;
void sightings_close(Sightings *sightings);

/* Sets `seen` to what is in these records and no other. People are known by data set and name. A folder is known by its
 * files alone, all of which are read; one that cannot be read was seen by nobody. */
Status sightings_find(Sightings *sightings, const Records *records) MUST_USE;

#endif
