/* SPDX-License-Identifier: Apache-2.0 */
/* The file `checksums` of a checkpoint. */
#ifndef FOVEA_CHECKPOINT_CHECKSUMS_H
#define FOVEA_CHECKPOINT_CHECKSUMS_H

#include "base/status.h"

enum { CHECKPOINT_CHECKSUMS_TEXT = 512 };

/* The text of `checksums` for the present files in `path`: "HEX  NAME" lines as xxh128sum prints them, the last one
 * over the lines before it. EXIT_IO when a file is missing or cannot be read. fp8.safetensors, which not every run has,
 * may be missing unless `listed` (NULL: no text) contains it. */
Status checkpoint_checksums(const char *path, const char *listed, char text[CHECKPOINT_CHECKSUMS_TEXT]) MUST_USE;
/* Compares the files in `path` with its `checksums`. EXIT_DATA or EXIT_IO naming the first wrong file. */
Status checkpoint_verify(const char *path) MUST_USE;

#endif
