/* SPDX-License-Identifier: Apache-2.0 */
/* The known name that a mistyped one most likely stands for. */
#ifndef FOVEA_BASE_NEAREST_H
#define FOVEA_BASE_NEAREST_H

/* The number of characters to insert, delete or replace that turns `a` into `b` (Levenshtein's distance). Of each name
 * the first 63 characters count. */
int nearest_edits(const char *a, const char *b);

#endif
