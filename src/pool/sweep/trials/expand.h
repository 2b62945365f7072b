/* SPDX-License-Identifier: Apache-2.0 */
/* The trials of a sweep: the product of [grid] in the order of the file, the last key fastest; each with every draw of
 * [random]; each of these with every seed. Draw k of a key depends on the key's name, the sweep's seed and k alone, so
 * that it is the same on every machine and does not change when other keys come or go. */
#ifndef FOVEA_POOL_SWEEP_TRIALS_EXPAND_H
#define FOVEA_POOL_SWEEP_TRIALS_EXPAND_H

#include "pool/sweep/trials/sweep_file.h"
#include "pool/sweep/trials/trial.h"

/* EXIT_USAGE, naming `path`, when there are more than SWEEP_TRIALS. sweep_free() either way. */
Status expand_sweep(const char *path, const SweepFile *file, Sweep *sweep) MUST_USE;

#endif
