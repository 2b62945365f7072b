/* SPDX-License-Identifier: Apache-2.0 */
/* What pretraining saw of the images that a task tests on, from a table of published training sets and from the lists
 * of a run. */
#ifndef FOVEA_EVAL_PRETRAINING_H
#define FOVEA_EVAL_PRETRAINING_H

#include "eval/control/contamination.h"
#include "eval/features/encoder.h"
#include "eval/task/cohort.h"

/* Adds to `contamination` what is known of an encoder and the test rows of `tested`, those of the set that is tested:
 * the rows of the table for weights of no run, by their path; of a run the images of its data.train, data.val,
 * probe.train and probe.val, and the same of what it started from, run by run. Random weights have seen nothing.
 *
 * `table`: as data/pretraining.tsv, which NULL means: in the current folder, else beside the program or where `make
 * install` puts it. What cannot be found out any more is added to its `unsearched`. EXIT_DATA when the table that was
 * named is missing, or is damaged. */
Status pretraining_find(const char *table, const Encoder *encoder, const Cohort *tested,
                        ControlContamination *contamination) MUST_USE;

/* Reads the table that was named; EXIT_DATA as above. */
Status pretraining_check(const char *table) MUST_USE;

#endif
