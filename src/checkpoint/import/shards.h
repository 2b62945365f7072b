/* SPDX-License-Identifier: Apache-2.0 */
/* The index of weights that are saved in several safetensors files, as Hugging Face's programs write it. */
#ifndef FOVEA_CHECKPOINT_IMPORT_SHARDS_H
#define FOVEA_CHECKPOINT_IMPORT_SHARDS_H

#include "base/status.h"

typedef struct {
    char **paths; /* of the shards, each once */
    int count;
    int tensors; /* that the index lists */
} Shards;

/* EXIT_DATA when it is no such index or names files outside its own folder. Freed with shards_free() after success. */
Status shards_read(const char *index, Shards *shards) MUST_USE;
void shards_free(Shards *shards);

#endif
