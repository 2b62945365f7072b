/* SPDX-License-Identifier: Apache-2.0 */
#include "train/profile.h"

#include "base/clock.h"
#include "cost/flops.h"
#include "cost/peak.h"
#include "profile/ceilings.h"
#include "profile/profile_report.h"
#include "train/memory/memory_fit.h"
#include "train/pipeline.h"
#include "train/run/run_open.h"

#include <inttypes.h>

/* Enough to use each of the model's input slots twice: the first time the work runs uncaptured, the second time it is
 * captured. */
enum { WARM_UP = 2 * MODEL_INPUT_SLOTS };

static Status start_step(Run *run) {
    const Device *device = run->ops.device;
    const int64_t number = run->state.step + step_pending(run->step) + 1;
    PrefetchBatch batch;
    device->range_push(device, "data");
    Status status = loader_next(run->loader, &batch);
    device->range_pop(device);
    TRY(status);
    TRY(step_gradients(run->step, &batch));
    return step_update(run->step, schedule_lr(&run->schedule, number - 1), number);
}

static Status finish_step(Run *run) {
    StepState outcome;
    TRY(step_wait_oldest(run->step, &outcome));
    loader_done(run->loader);
    run->state.step++;
    if (!outcome.halted)
        return NULL;
    return status_error(EXIT_DIVERGED,
                        "profile: step %" PRId64 " cannot be applied: its loss is %g and its gradient norm "
                        "%g; lower optim.base_lr or raise guard.spike",
                        run->state.step, outcome.loss, (double)outcome.norm);
}

/* With as many steps pending as in training. */
static Status take_steps(Run *run, int64_t count, double *seconds) {
    const double start = clock_now();
    for (int64_t i = 0; i < count; i++) {
        TRY(start_step(run));
        if (step_pending(run->step) > pipeline_ahead(run))
            TRY(finish_step(run));
    }
    while (step_pending(run->step))
        TRY(finish_step(run));
    *seconds = clock_now() - start;
    return NULL;
}

static Status take_marked_steps(Run *run, Profiler *profiler, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        TRY(profiler_begin_step(profiler, true));
        TRY(start_step(run));
        TRY(profiler_end_step(profiler));
        TRY(finish_step(run));
    }
    return NULL;
}

static void print_head(const Run *run, int64_t count, const Ceilings *ceilings, const CeilingSizes *sizes) {
    const char *type = run->ops.type == REAL_BF16 ? "bf16" : "fp32";
    printf("profile  %" PRId64 " steps one by one and as many as in training, each after %d to warm up; %d x "
           "%d images a step, %s on %s",
           count, WARM_UP, (int)run->config->train.global_batch / run->micro_batch, run->micro_batch,
           config_choice_name(&train_config, "train.precision", run->config->train.precision), run->ops.name);
    if (run->device->host_memory)
        printf(" with %d threads", run->ops.threads);
    else
        printf(" (%s)", run->device->model);
    printf("; no run directory is changed\n");
    printf("ceilings a copy of %.0f MB moves %.2f GB/s, reads and writes; a product of %d x %d x %d in %s runs at %.1f "
           "GFLOP/s; measured now\n",
           (double)sizes->copy * 1e-6, ceilings->copy * 1e-9, sizes->product, sizes->product, sizes->product, type,
           ceilings->product * 1e-9);
    fflush(stdout);
}

/* The share of time in which the device had no work: it waited for data, inputs or the host. */
static double idle_share(const ProfileFigures *figures) {
    const double idle = figures->phases[PHASE_DATA] + figures->phases[PHASE_INPUTS] + figures->phases[PHASE_OTHER];
    return figures->seconds > 0 ? idle / figures->seconds : 0;
}

static void print_tail(const Run *run, const ProfileFigures *whole, int64_t count, double seconds) {
    const char *why, *note = step_note(run->step);
    if (note)
        printf("%s\n", note);
    const double rate = (double)count * (double)run->config->train.global_batch / seconds;
    const double mfu = flops_mfu(run->objective->shape, rate, peak_flops(run->device, run->ops.type, &why));
    printf("steps    as in training%s: %.3f ms, %.1f%% of it idle between them; %.1f images/s, ",
           run->config->train.capture && !run->device->host_memory && !note ? ", captured" : "",
           seconds / (double)count * 1e3, 100 * idle_share(whole), rate);
    if (why)
        printf("MFU n/a: %s\n", why);
    else
        printf("MFU %.1f%%\n", 100 * mfu);
    fflush(stdout);
}

/* How many ways to compute were taken over from the run, and how many were timed by now. */
static void print_choices(const Tune *tune) {
    size_t count;
    if (!tune->device)
        return;
    tune->device->autotune_export(tune->device, &count);
    printf("choices  %zu of %s, %zu timed now\n", tune->kept, tune->path, count - tune->kept);
}

/* Operations can be marked only when they are called one by one, not in a graph. */
static Status profile_run(Run *run, Profiler *profiler, int64_t count) {
    double seconds;
    TRY(run_open_step(run, false));
    TRY(take_steps(run, WARM_UP, &seconds));
    print_choices(&run->tune);
    TRY(take_marked_steps(run, profiler, count));
    const char *note = run->device->note(run->device);
    if (note)
        printf("%s\n", note);
    profile_report(&profiler->figures, stdout);
    TRY(run_open_step(run, run->config->train.capture));
    TRY(take_steps(run, WARM_UP, &seconds));
    profiler->figures = (ProfileFigures){0};
    TRY(profiler_begin_step(profiler, false));
    TRY(take_steps(run, count, &seconds));
    TRY(profiler_end_step(profiler));
    print_tail(run, &profiler->figures, count, seconds);
    return NULL;
}

Status train_profile(const Config *config, const TrainOptions *options, int64_t steps) {
    Run run;
    Profiler profiler = {0};
    Ceilings ceilings;
    CeilingSizes sizes;
    Status status = run_open_bare(&run, config, options);
    if (!status)
        status = tune_open(&run.tune, config, run.device, config->run.dir, true);
    if (!status)
        status = ceilings_measure(&run.ops, &ceilings, &sizes);
    if (!status) {
        profiler_attach(&profiler, &run.ops, &ceilings);
        status = run_open_parts(&run);
    }
    if (!status) {
        int64_t left = 1;
        while (left && !status)
            status = loader_fill_device_cache(run.loader, &left);
    }
    if (!status) {
        print_head(&run, steps, &ceilings, &sizes);
        status = profile_run(&run, &profiler, steps);
    }
    if (profiler.real)
        profiler_close(&profiler);
    run_close(&run);
    return memory_advise(status);
}
