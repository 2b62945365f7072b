/* SPDX-License-Identifier: Apache-2.0 */
/* A finished pack is not replaced by another download of the same name, nor by what is left of its own. */
#ifndef FOVEA_STAGE_REPLACE_CHECK_H
#define FOVEA_STAGE_REPLACE_CHECK_H

#include "stage/source/source.h"

/* EXIT_DATA when `pack` is a finished pack with records of files that are no inputs of `source`, be it packed,
 * quarantined or excluded ones. Changes nothing. NULL where no pack opens: there is nothing to keep. */
Status keep_check(const char *pack, const StageSource *source) MUST_USE;

#endif
