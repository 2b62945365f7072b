/* SPDX-License-Identifier: Apache-2.0 */
/* How far a mistyped name is from a known one. */
#ifndef FOVEA_BASE_NEAREST_H
#define FOVEA_BASE_NEAREST_H

/* The number of characters to insert, delete or replace that turns `a` into `b` (Levenshtein's distance). Only the
 * first 63 characters of each name count. */
int nearest_edits(const char *a, const char *b);

#endif
