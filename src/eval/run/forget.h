/* SPDX-License-Identifier: Apache-2.0 */
/* --forgetting: what a further training of a masked autoencoder forgot of the images of tasks. */
#ifndef FOVEA_EVAL_FORGET_H
#define FOVEA_EVAL_FORGET_H

#include "base/status.h"
#include "eval/options.h"

/* options->checkpoints are two, before and after the training; options->task names task files, separated by commas.
 * Prints a table of the losses of their val and test images and writes forgetting.json to options->out, or beside the
 * features of the later checkpoint. No label counts, so no test split is read. EXIT_USAGE and EXIT_DATA as
 * forgetting_measure(), cohort_open() and the options deserve. */
Status forget_run(const EvalOptions *options) MUST_USE;

#endif
