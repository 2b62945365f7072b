/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file of a trial: the base's text with the trial's values. The pool knows no key of the program's
 * but train.seed and run.dir, so it changes the text and leaves the rest, comments too, as it is. */
#ifndef FOVEA_POOL_SWEEP_TRIALS_TRIAL_CONFIG_H
#define FOVEA_POOL_SWEEP_TRIALS_TRIAL_CONFIG_H

#include "pool/sweep/trials/trial.h"

/* The text, the caller's. `run_dir`: whether it has run.dir, which is not part of what a trial is. */
Status trial_config_text(const Sweep *sweep, const Trial *trial, const char *base, bool run_dir, char **text) MUST_USE;
/* Writes trial->config, whose folder is there, unless it has that text already. */
Status trial_config_write(const Sweep *sweep, const Trial *trial, const char *base) MUST_USE;

#endif
