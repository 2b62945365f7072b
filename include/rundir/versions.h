/* SPDX-License-Identifier: Apache-2.0 */
/* Versions of the programs and libraries that made a run, for comparison with another run's. */
#ifndef FOVEA_RUNDIR_VERSIONS_H
#define FOVEA_RUNDIR_VERSIONS_H

#include "base/json.h"

#include <cJSON.h>
#include <stdio.h>

typedef struct {
    char name[24], text[72];
} Version;

enum { MAX_VERSIONS = 12 };
typedef struct {
    int count;
    Version list[MAX_VERSIONS];
} Versions;

/* Longer texts are cut; after MAX_VERSIONS nothing is added. */
void versions_add(Versions *versions, const char *name, const char *text);

/* The member "versions": {"compiler": "gcc 12.2.0", ...}. */
void versions_print(const Versions *versions, Json *json);
void versions_read(Versions *versions, const cJSON *object);

/* What one has and the other has not, or has in another version, each as "NAME THERE there, HERE here", separated by
 * "; ". Prints nothing when they are equal. */
void versions_differences(const Versions *here, const Versions *there, FILE *out);

#endif
