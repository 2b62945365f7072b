/* SPDX-License-Identifier: Apache-2.0 */
/* Names, numbers of GPUs and days, as a rule file has them. Each reading function returns NULL, or what is wrong with
 * the text. */
#ifndef FOVEA_POOL_RULE_RULE_NAMES_H
#define FOVEA_POOL_RULE_RULE_NAMES_H

#include "pool/limits.h"

#include <stdbool.h>

/* Letters, digits and . _ - + @, at most POOL_NAME - 1, and not - at the start: nothing that a shell, a terminal or a
 * page would take for more than a name. */
bool rule_name_is_plain(const char *name);
/* The machine's name, or "node" where that is no plain name. */
void rule_name_machine(char name[POOL_NAME]);

/* A number of a GPU, 0 to 9999; -1: it is none. */
int rule_read_number(const char *text);
/* A word "2-7" or "3": appends its numbers to `numbers` [count], which has room for POOL_GPUS. */
const char *rule_read_range(const char *word, int *numbers, int *count);

/* The kinds of a GPU's id. */
typedef enum { GPU_ID_NONE, GPU_ID_CPU, GPU_ID_UUID, GPU_ID_PCI, GPU_ID_INDEX } GpuIdKind;
GpuIdKind rule_id_kind(const char *id);
/* Whether two ids are the same text but for case, leading zeros and the domain that may be left out. */
bool rule_same_id(const char *a, const char *b);

/* "2026-11-01 2026-12-31": the start of the first day and the end of the second, seconds since 1970. */
const char *rule_read_loan(const char *text, double *from, double *to);

#endif
