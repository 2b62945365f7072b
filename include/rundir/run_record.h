/* SPDX-License-Identifier: Apache-2.0 */
/* run.json: what a run is and how it went. The file is replaced as a whole at the start, at the end, and when something
 * happens in between. Other programs read it, with run_summary.h, rather than the output. docs/run-directory.md
 * describes the fields. */
#ifndef FOVEA_RUNDIR_RUN_RECORD_H
#define FOVEA_RUNDIR_RUN_RECORD_H

#include "base/status.h"
#include "rundir/run_summary.h"
#include "rundir/throughput_compare.h"
#include "rundir/unreadable.h"
#include <stdbool.h>
#include <stdint.h>

/* One skip, rollback or stop of the guard. */
typedef struct {
    int64_t step; /* the step that failed, from 1 */
    uint64_t batch;
    const char *kind;   /* what was wrong: "loss", "spike", "gradient" or "parameters" */
    const char *action; /* "stop", "skip" or "rollback" */
    double loss;
    const char *found, *tensor; /* "parameter", "activation" or "gradient", and its name; "" when there is none */
    const char *const *records; /* [record_count] paths of the batch */
    int record_count;
} GuardEvent;

/* A pack that is trained on. */
typedef struct {
    const char *path;
    int64_t images;            /* that are shown */
    int64_t samples_per_epoch; /* -1: they vary from epoch to epoch */
} RunPack;

/* What the monitors found in a layer. */
typedef struct {
    char layer[64];   /* as in LayerFigures */
    const char *what; /* "dead", "exploding", "not finite" or "attention on one token" */
    char detail[96];  /* the figure that shows it */
    int64_t since;    /* the first step at which it was seen */
    int64_t until;    /* the last one; -1: it was still so when the layers were looked at last */
    bool of_guard;    /* the guard found it, at any step */
} RunFinding;

typedef struct {
    RunStatus status;
    const char *exit_reason;
    int exit_code; /* -1: still running */
    const char *run_dir, *backend;
    char device[128];     /* model of the GPU, or of the CPU */
    const char *gpu_uuid; /* as the driver names it; NULL: it does not, or there is no GPU */
    Versions versions;
    uint64_t config_hash, data_hash;
    int64_t data_count;
    RunPack *packs; /* [pack_count] in the order of their names; their list is owned; none: a folder */
    int64_t pack_count, pack_capacity;
    const char *init_from; /* the file of the first weights; NULL: they were random */
    char init_sha256[65];  /* of that file, in hexadecimal; "": not known */
    int64_t parameters;    /* trainable and fixed */
    int threads, micro_batch;
    int64_t started, ended; /* seconds since 1970; ended 0: not yet */
    int64_t resumed_step;   /* where this process began */
    int64_t steps, total_steps, schedule_steps;
    double final_loss, val_loss, best_val_loss; /* NaN: none */
    const char *metric; /* the validation figure that says which checkpoint is the best; NULL: the loss does */
    double val_metric, best_val_metric; /* NaN: none */
    int64_t best_step;                  /* -1: none */
    int64_t checkpoint_every;           /* as it was chosen; 0: it was not */
    int64_t checkpoints_skipped;
    Throughput throughput;      /* this run's best */
    bool monitored;             /* monitor_findings is written */
    const RunFinding *findings; /* [finding_count], borrowed */
    int64_t finding_count;
    UnreadableList unreadable;
    char **events; /* [event_count] JSON objects; owned */
    int event_count;
    int64_t event_capacity;
} RunRecord;

/* An empty record of a run that starts now; the caller sets hashes and names. */
void run_record_begin(RunRecord *record);
/* Copies from an earlier run.json at `path`, if there is one: the guard's events before batch `next_batch`, the
 * final loss if that process ended at `last_step`, the throughput if it can be compared, and the hash of the file of
 * the first weights unless this process read it. A damaged file is ignored. */
Status run_record_continue(RunRecord *record, const char *path, int64_t last_step, uint64_t next_batch) MUST_USE;
/* Which runs its throughput can be compared with. */
ThroughputKey run_record_key(const RunRecord *record);
Status run_record_add_pack(RunRecord *record, const RunPack *pack) MUST_USE;
Status run_record_event(RunRecord *record, const GuardEvent *event) MUST_USE;
Status run_record_write(const RunRecord *record, const char *path) MUST_USE;
void run_record_close(RunRecord *record);

#endif
