/* SPDX-License-Identifier: Apache-2.0 */
#include "train/run/checkpoint_interval.h"
#include "train/run/run_report.h"

#include <inttypes.h>
#include <math.h>

/* Of the time. A write mostly runs beside the steps, so that what it costs them is less. */
static const double WRITE_SHARE = 0.02;
/* Small models would otherwise be written every second. */
static const double LEAST_SECONDS = 300;
/* The first write waits until the steps' mean time has settled; a second may follow before the interval is known. */
enum { FIRST_STEPS = 100 };
enum { MOST_BETWEEN = 1000 }; /* checkpoints from one validation to the next */
static const double MOST_STEPS = 1e12;

static int64_t round_steps(double steps) {
    static const int digits[] = {1, 2, 5};
    for (double power = 1; power < MOST_STEPS; power *= 10)
        for (int i = 0; i < 3; i++)
            if (digits[i] * power >= steps)
                return (int64_t)(digits[i] * power);
    return (int64_t)MOST_STEPS;
}

static int64_t meet_validations(int64_t steps, int64_t validations) {
    if (!validations)
        return steps;
    if (steps >= validations)
        return (steps + validations - 1) / validations * validations;
    int64_t count = validations / steps < MOST_BETWEEN ? validations / steps : MOST_BETWEEN;
    while (validations % count)
        count--;
    return validations / count;
}

int64_t checkpoint_interval(double write_seconds, double step_seconds, int64_t validations) {
    const double seconds = fmax(write_seconds / WRITE_SHARE, LEAST_SECONDS);
    return meet_validations(round_steps(seconds / fmax(step_seconds, 1e-9)), validations);
}

static int64_t steps_between_validations(const Run *run) {
    return run->validation_count ? run->config->val.every : 0;
}

void checkpoint_interval_open(Run *run) {
    const int64_t every = run->config->checkpoint.every;
    run->checkpoint_every =
        every == CONFIG_AUTO ? meet_validations(FIRST_STEPS, steps_between_validations(run)) : every;
}

Status checkpoint_interval_update(Run *run) {
    const double write_seconds = checkpoint_writer_seconds(run->writer), step_seconds = run->monitor.step_seconds;
    if (run->config->checkpoint.every != CONFIG_AUTO || write_seconds <= 0 || step_seconds <= 0)
        return NULL;
    const int64_t every = checkpoint_interval(write_seconds, step_seconds, steps_between_validations(run));
    run->checkpoint_every = every;
    if (every == run->record.checkpoint_every)
        return NULL;
    run->record.checkpoint_every = every;
    monitor_note(&run->monitor,
                 "checkpoint.every = auto: every %" PRId64 " steps; one takes %.2g s to write, a step %.2g s", every,
                 write_seconds, step_seconds);
    return run_write_record(run);
}
