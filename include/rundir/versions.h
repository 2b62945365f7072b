/* SPDX-License-Identifier: Apache-2.0 */
/* Versions of what made a run, to be held against another run's. */
#ifndef FOVEA_RUNDIR_VERSIONS_H
#define FOVEA_RUNDIR_VERSIONS_H

#include "device/device.h"

#include <cJSON.h>
#include <stdio.h>

typedef struct {
    char name[24], text[72];
} Version;

enum { VERSIONS_MOST = DEVICE_VERSIONS + 4 };
typedef struct {
    int count;
    Version list[VERSIONS_MOST];
} Versions;

/* The compiler, the program and, of a plugin, its library (hashes of their files), and what the device tells. */
void versions_gather(Versions *versions, const Device *device);

/* As a JSON object, {"compiler": "gcc 12.2.0", ...}. */
void versions_print(const Versions *versions, FILE *out);
void versions_read(Versions *versions, const cJSON *object);

/* What one has and the other has not, or has otherwise, each as "NAME THERE there, HERE here" with "; " between.
 * Nothing is printed when they are equal. */
void versions_differences(const Versions *here, const Versions *there, FILE *out);

#endif
