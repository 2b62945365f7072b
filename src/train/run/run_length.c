/* SPDX-License-Identifier: Apache-2.0 */
#include "train/run/run_length.h"

#include "train/run/claim.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

Status run_length_plan(Run *run) {
    const Config *config = run->config;
    double epoch = (double)loader_epoch_batches(run->loader);
    double warmup = config->optim.warmup_epochs * epoch;
    run->total_steps = config->train.steps ? config->train.steps : (int64_t)floor(config->train.epochs * epoch);
    if (run->total_steps < 1)
        return status_error(EXIT_USAGE,
                            "train.epochs = %g is less than one step of train.global_batch = %" PRId64
                            "; raise train.epochs or lower train.global_batch",
                            config->train.epochs, config->train.global_batch);
    run->schedule = (Schedule){.peak_lr = config->optim.base_lr * (double)config->train.global_batch / 256,
                               .min_lr = config->optim.min_lr,
                               .warmup_steps = warmup,
                               .total_steps = (double)run->total_steps};
    optimizer_head_first(run->optimizer, (int64_t)round(config->train.head_epochs * epoch));
    if (warmup >= (double)run->total_steps)
        printf("optim.warmup_epochs is %.0f steps, the run has only %" PRId64 ": the learning rate never reaches its "
               "peak\n",
               warmup, run->total_steps);
    return NULL;
}

/* Says what more steps than before do to the learning rate. */
static void print_extension(const Run *run) {
    const int64_t total = run->total_steps, schedule = (int64_t)run->schedule.total_steps, next = run->state.step;
    if (total > run->earlier.total_steps)
        printf("the run has %" PRId64 " steps, %" PRId64 " before; ", total, run->earlier.total_steps);
    if (schedule < total)
        printf("optim.extend = hold: the steps from %" PRId64 " on keep the learning rate of step %" PRId64 ", %.3g\n",
               schedule + 1, schedule, schedule_lr(&run->schedule, schedule));
    else
        printf("optim.extend = stretch: the learning rate's schedule spans them all, and step %" PRId64 " has %.3g\n",
               next + 1, schedule_lr(&run->schedule, next));
}

Status run_length_extend(Run *run) {
    const int64_t total = run->total_steps;
    int64_t schedule;
    TRY(claim_length(&run->earlier, run->config->optim.extend == EXTEND_HOLD, total, &schedule));
    run->schedule.total_steps = (double)schedule;
    run->schedule.held_from = schedule < total ? schedule : 0;
    if (schedule < total || (run->earlier.total_steps && total > run->earlier.total_steps))
        print_extension(run);
    return NULL;
}
