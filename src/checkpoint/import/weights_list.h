/* SPDX-License-Identifier: Apache-2.0 */
/* The list within Weights: adding tensors under their mapped names. */
#ifndef FOVEA_CHECKPOINT_IMPORT_WEIGHTS_LIST_H
#define FOVEA_CHECKPOINT_IMPORT_WEIGHTS_LIST_H

#include "base/status.h"
#include "base/tensor.h"
#include "checkpoint/import/names.h"
#include <stdint.h>

typedef struct {
    Tensor tensor; /* its name is `mapped.name` */
    MappedName mapped;
    char *origin;
    void *copy; /* owned data; NULL: the file's */
} Weight;

typedef struct {
    const char *path; /* for messages */
    Weight *items;
    int count;
    int64_t capacity;
} WeightsList;

/* Adds a tensor named `name` in the file; `copy`, NULL or its data, becomes the list's, on failure too. EXIT_DATA for a
 * name that is no plain text. */
Status weights_list_add(WeightsList *list, const char *name, size_t length, const Tensor *tensor, void *copy) MUST_USE;
/* Joins thirds and checks that every name is there once. */
Status weights_list_finish(WeightsList *list) MUST_USE;
void weights_list_free(WeightsList *list);

#endif
