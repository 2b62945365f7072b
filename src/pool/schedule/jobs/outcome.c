/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/schedule/jobs/outcome.h"

#include "base/status.h"
#include "pool/schedule/state/reason_words.h"

#include <inttypes.h>
#include <stdio.h>

/* Codes that say: another attempt would end the same way. */
static bool is_final(int exit) {
    return exit == EXIT_USAGE || exit == EXIT_DATA || exit == EXIT_DIVERGED || exit == EXIT_REFUSED || exit == 126 ||
           exit == 127;
}

static void set_why(Outcome *outcome, const char *first, const char *then) {
    snprintf(outcome->why, sizeof outcome->why, "%.150s%s%.100s", first, then[0] ? "; " : "", then);
}

static void fail(Outcome *outcome, const char *first, const char *then) {
    outcome->state = JOB_FAILED;
    set_why(outcome, first, then);
}

/* Tried again, unless it was three times. */
static void try_again(const Job *job, const char *text, Outcome *outcome) {
    outcome->failure = true;
    char then[64] = "";
    if (job->failures + 1 >= OUTCOME_FAILURES)
        snprintf(then, sizeof then, "%d attempts failed", job->failures + 1);
    outcome->state = then[0] ? JOB_FAILED : JOB_WAITING;
    set_why(outcome, text, then);
}

/* The job had been asked to stop. */
static void stop_job(const Job *job, JobEnd end, const char *text, Outcome *outcome) {
    switch (job->stop) {
    case STOP_YIELD:
        outcome->keeps_turn = true;
        set_why(outcome, job->reason, "");
        return;
    case STOP_FAILURE:
        try_again(job, job->reason, outcome);
        return;
    case STOP_LIMIT:
        fail(outcome, job->reason, end.exit == EXIT_STOPPED ? "it has a checkpoint: submit it again to go on" : "");
        return;
    default:
        fail(outcome, text, "");
    }
}

static void halve_micro_batch(const Job *job, const char *text, Outcome *outcome) {
    const int64_t micro_batch = job->halvings < 62 ? job->micro_batch >> job->halvings : 0;
    if (micro_batch <= 1) {
        fail(outcome, text, "its micro-batch is 1 already");
        return;
    }
    char then[80];
    snprintf(then, sizeof then, "goes on with a micro-batch of %" PRId64, micro_batch / 2);
    outcome->halve = outcome->keeps_turn = true;
    set_why(outcome, text, then);
}

static void judge_code(const Job *job, JobEnd end, const char *text, Outcome *outcome) {
    switch (end.signal ? -1 : end.exit) {
    case EXIT_STOPPED:
        outcome->keeps_turn = true;
        set_why(outcome, text, "");
        return;
    case EXIT_NO_MEMORY:
        if (job->micro_batch > 0)
            halve_micro_batch(job, text, outcome);
        else
            try_again(job, text, outcome);
        return;
    case EXIT_MISSING:
        outcome->quarantine = true;
        try_again(job, text, outcome);
        return;
    case EXIT_IO:
        outcome->pause = outcome->keeps_turn = true;
        set_why(outcome, text, "");
        return;
    default:
        if (!end.signal && is_final(end.exit))
            fail(outcome, text, "");
        else
            try_again(job, text, outcome);
    }
}

void outcome_of(const Job *job, JobEnd end, const char *why, double seconds, Outcome *outcome) {
    *outcome = (Outcome){.state = JOB_WAITING};
    char text[POOL_REASON];
    snprintf(text, sizeof text, "%.64s%s%.150s", reason_end(end).text, why[0] ? "; " : "", why);
    if (job->stop == STOP_CANCEL) {
        outcome->state = JOB_CANCELLED;
        set_why(outcome, job->reason, "");
    } else if (end.exit == EXIT_OK && !end.signal) {
        outcome->state = JOB_DONE;
    } else if (job->wants.foreground) {
        /* Who started it sees how it ended, and starts it again. */
        fail(outcome, job->stop != STOP_NONE ? job->reason : text, "");
    } else if (job->stop != STOP_NONE) {
        stop_job(job, end, text, outcome);
    } else {
        judge_code(job, end, text, outcome);
        const bool failed = outcome->failure || outcome->state == JOB_FAILED;
        /* A job that has failed before may be the cause itself: retries gather at the end of a list, and would put one
         * good GPU after the other in quarantine. */
        outcome->early = failed && job->failures == 0 && !outcome->halve && seconds < OUTCOME_EARLY_SECONDS &&
                         end.exit != EXIT_NO_MEMORY;
        /* What the job's own configuration or data causes is no sign of a broken GPU. */
        outcome->blames_gpu = outcome->early && outcome->failure;
    }
}
