/* SPDX-License-Identifier: Apache-2.0 */
/* What is in a pack, and whether it is intact: ./stage info and ./stage verify. */
#ifndef FOVEA_STAGE_INFO_H
#define FOVEA_STAGE_INFO_H

#include "base/status.h"

#include <stdbool.h>

/* Prints a summary of the pack. `sheet`: writes a contact sheet there, refused for licensed data unless `anyway`. */
Status stage_info(const char *pack, const char *sheet, bool anyway) MUST_USE;
/* Checks every record and shard of a pack against its checksums. EXIT_DATA naming what is damaged. */
Status stage_verify(const char *pack, int threads) MUST_USE;

#endif
