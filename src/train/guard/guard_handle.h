/* SPDX-License-Identifier: Apache-2.0 */
/* The guard: what happens to a step that must not be applied, as guard.action says. */
#ifndef FOVEA_TRAIN_GUARD_HANDLE_H
#define FOVEA_TRAIN_GUARD_HANDLE_H

#include "train/run/run.h"

/* Handles a step with that verdict and loss: stops the run, skips the step, or rolls back. NULL when the run continues
 * (its state says from where), otherwise EXIT_DIVERGED. */
Status guard_handle_event(Run *run, StepVerdict verdict, double loss) MUST_USE;

/* A verdict as in run.json: "loss", "spike", "gradient", "parameters"; "" for a sound step. */
const char *guard_verdict_name(StepVerdict verdict);

#endif
