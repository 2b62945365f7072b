/* SPDX-License-Identifier: Apache-2.0 */
/* run.json as other programs read it. A process that was killed leaves the status `running` behind; a run on a machine
 * that is down looks the same. Fields that the file lacks, or that hold something else, have the values given here. */
#ifndef FOVEA_RUNDIR_RUN_SUMMARY_H
#define FOVEA_RUNDIR_RUN_SUMMARY_H

#include "base/status.h"
#include "rundir/throughput.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    RUN_UNKNOWN, /* no status that this version knows */
    RUN_RUNNING,
    RUN_FINISHED,  /* all steps taken */
    RUN_UNTIL,     /* at the step given by --until */
    RUN_MAX_HOURS, /* after the time given by --max-hours */
    RUN_STOPPED,   /* by a signal, with a checkpoint */
    RUN_FAILED
} RunStatus;

/* A skip, rollback or stop of the guard. */
typedef struct {
    int64_t step;   /* the step that failed, from 1; -1: not given */
    uint64_t batch; /* number of its batch, exact up to 2^53; UINT64_MAX: not given */
    char kind[16], action[16];
    double loss; /* NaN: not finite, or not given */
    char found[16], tensor[96];
    int records; /* images in the batch */
    char *text;  /* the event's JSON, compact; owned */
} RunEvent;

typedef struct {
    RunStatus status;
    int exit_code;                                           /* -1: none yet */
    char *exit_reason;                                       /* owned; never NULL */
    char run_dir[4096], host[256], backend[32], device[128]; /* "" */
    int64_t started, ended;                                  /* seconds since 1970; 0: not given, not yet */
    int threads, micro_batch;                                /* 0 */
    uint64_t config_hash, data_hash;                         /* 0 */
    int64_t data_count, parameters;                          /* 0 */
    char init_from[4096], init_sha256[65];                   /* "" */
    int64_t resumed_step, steps, total_steps;                /* 0 */
    int64_t schedule_steps;                                  /* total_steps, which it was before the field was added */
    double final_loss, val_loss, best_val_loss;              /* NaN */
    char metric[64];                                         /* "": the loss says which checkpoint is the best */
    double val_metric, best_val_metric;                      /* NaN */
    int64_t best_step;                                       /* -1 */
    int64_t checkpoints_skipped;                             /* 0 */
    Versions versions;
    Throughput throughput; /* images_per_s 0: none */
    RunEvent *events;      /* [event_count], owned */
    int event_count;
    int unreadable_count; /* unreadable images */
} RunSummary;

/* Reads the run.json at `path`. EXIT_IO when the file cannot be read, EXIT_DATA when it is not a JSON object;
 * run_summary_close() is allowed after a failure too. */
Status run_summary_read(const char *path, RunSummary *summary) MUST_USE;
/* The same of a run that may not have begun: an empty summary when there is no such file, or a damaged one. */
void run_summary_read_any(const char *path, RunSummary *summary);
void run_summary_close(RunSummary *summary);
/* Whether run.json has such a number, as docs/run-directory.md names it. */
bool run_number_known(const char *name);
/* One number of a run.json, or of another JSON object, by name: "val_loss", or with a dot for each object that it is
 * in, "throughput.images_per_s". NAN when it is not there, or is no number. Failures as of run_summary_read(). */
Status run_number_read(const char *path, const char *name, double *value) MUST_USE;

/* Whether a process that begins with batch `next_batch` has the event behind it; otherwise it will meet the event
 * again. Steps do not tell: after a rollback a run may stop before it has reached the step that failed. */
bool run_event_is_past(const RunEvent *event, uint64_t next_batch);

/* The status as run.json has it: "running", "finished", "until", "max_hours", "stopped", "failed"; "" for unknown. */
const char *run_status_name(RunStatus status);

#endif
