/* SPDX-License-Identifier: Apache-2.0 */
/* derived.tsv: the files that were made of a pack's images and lie elsewhere. `./stage forget` removes them with the
 * pack. */
#ifndef FOVEA_PACK_DERIVED_H
#define FOVEA_PACK_DERIVED_H

#include "base/status.h"

#include <stdbool.h>

/* Adds `derived`, outside the pack or inside it, to the pack's list, unless it is there; call before creating the file.
 * Several processes may add files. EXIT_IO when the list cannot be written or the file's folder does not exist. */
Status pack_derived_add(const char *pack, const char *derived) MUST_USE;
/* Whether files can be added; EXIT_IO with the reason otherwise. */
Status pack_derived_check(const char *pack) MUST_USE;

#endif
