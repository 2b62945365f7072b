/* SPDX-License-Identifier: Apache-2.0 */
/* The micro-batch with which a run fits into its budget. */
#ifndef FOVEA_TRAIN_MEMORY_FIT_H
#define FOVEA_TRAIN_MEMORY_FIT_H

#include "train/memory/memory_plan.h"

/* The largest divisor of train.global_batch, up to `max`, that fits; 0: not even one image. */
Status memory_largest_micro_batch(const Config *config, const MemoryBudget *budget, int max, int *micro_batch) MUST_USE;
/* The micro-batch of a run: train.micro_batch. With `auto`, the one `kept` from the run that is resumed (0: none), else
 * the largest that fits, or one below it that fills a GPU better (waves.h): the largest divisor of train.global_batch
 * whose products take at most 1/0.98 of the best one's time an image; 1 when none fits. */
Status memory_choose_micro_batch(const Config *config, const MemoryBudget *budget, int kept, int *micro_batch) MUST_USE;
/* EXIT_NO_MEMORY when the plan does not fit: what it needs, what is free, and the largest micro-batch that fits. */
Status memory_check_fits(const Config *config, const MemoryBudget *budget, const MemoryPlan *plan) MUST_USE;
/* Passes on a run's failure. An out-of-memory failure that names no key gets the keys that reduce memory. */
Status memory_advise(Status failure) MUST_USE;

#endif
