/* SPDX-License-Identifier: Apache-2.0 */
/* The names that other programs give a vision transformer's tensors. */
#ifndef FOVEA_CHECKPOINT_IMPORT_NAMES_H
#define FOVEA_CHECKPOINT_IMPORT_NAMES_H

#include "base/status.h"
#include <stdbool.h>

typedef struct {
    char *name;        /* MAE's and timm's; the caller's */
    int third;         /* 0, 1, 2: only the query's, key's or value's third of it; -1: all */
    bool hugging_face; /* it had a name of Hugging Face's */
} MappedName;

/* Strips prefixes of wrappers and maps a name. One that is not known stays. */
Status names_map(const char *name, MappedName *mapped) MUST_USE;

/* What a tensor of this name belongs to that fovea's models lack, such as "register tokens"; NULL: nothing like that.
 */
const char *names_unsupported_part(const char *name);

#endif
