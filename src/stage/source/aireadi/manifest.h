/* SPDX-License-Identifier: Apache-2.0 */
/* AI-READI's retinal_photography/manifest.tsv. */
#ifndef FOVEA_STAGE_MANIFEST_H
#define FOVEA_STAGE_MANIFEST_H

#include "stage/source/source_builder.h"

typedef struct {
    char *path; /* relative to the root, normal form */
    char *person, *laterality;
    int64_t line;
} ManifestRow;

typedef struct {
    ManifestRow *rows; /* sorted by path, each path once */
    int64_t count, capacity;
} Manifest;

/* Reads it. A second row for a path, and a path that leads outside the root, become findings. */
Status manifest_read(SourceBuilder *builder, Manifest *manifest) MUST_USE;
void manifest_close(Manifest *manifest);

#endif
