/* SPDX-License-Identifier: Apache-2.0 */
/* Protects a finished pack from being replaced by another download of the same name, or by the rest of its own. */
#ifndef FOVEA_STAGE_REPLACE_CHECK_H
#define FOVEA_STAGE_REPLACE_CHECK_H

#include "stage/source/source.h"

/* EXIT_DATA when `pack` is a finished pack with records of files that are not inputs of `source`, whether packed,
 * quarantined or excluded. Changes nothing. NULL when no pack can be opened: there is nothing to protect. */
Status replace_check(const char *pack, const StageSource *source) MUST_USE;

#endif
