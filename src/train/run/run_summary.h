/* SPDX-License-Identifier: Apache-2.0 */
/* What a run prints before its first step. */
#ifndef FOVEA_TRAIN_RUN_SUMMARY_H
#define FOVEA_TRAIN_RUN_SUMMARY_H

#include "train/run/run.h"

/* Prints model, data, steps, device and run directory of an open run. */
void run_print_summary(const Run *run);
/* Prints which share of an epoch each of several packs has, a line for each; nothing of a single one, nor with
 * data.balance, where the shares follow from the classes. */
void run_print_shares(const Config *config, const Records *train);

#endif
