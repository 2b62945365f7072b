/* SPDX-License-Identifier: Apache-2.0 */
/* Python's pickles, protocols 2 to 5, read by an interpreter that calls nothing: a call stays a value that names the
 * function and its arguments. A function that runs code or reaches the system is refused wherever it appears. */
#ifndef FOVEA_CHECKPOINT_IMPORT_PICKLE_H
#define FOVEA_CHECKPOINT_IMPORT_PICKLE_H

#include "base/status.h"
#include "checkpoint/import/pickle_value.h"

/* Reads `size` bytes, which the values refer to. EXIT_DATA naming `path`: damaged, refused, or in need of more memory
 * than the weights of a model are. Closed with pickle_close() after success. */
Status pickle_open(const char *path, const char *bytes, size_t size, Pickle *pickle) MUST_USE;
void pickle_close(Pickle *pickle);

#endif
