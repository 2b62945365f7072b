/* SPDX-License-Identifier: Apache-2.0 */
/* The state of one run. run_open.h opens it, train.c drives it, guard/ handles steps that must not be applied. */
#ifndef FOVEA_TRAIN_RUN_H
#define FOVEA_TRAIN_RUN_H

#include "checkpoint/write.h"
#include "data/evaluation_images.h"
#include "data/loader.h"
#include "rundir/run_directory.h"
#include "rundir/run_record.h"
#include "rundir/throughput.h"
#include "train/config.h"
#include "train/monitor/layer_watch.h"
#include "train/monitor/monitor.h"
#include "train/objective/objective.h"
#include "train/optimizer.h"
#include "train/options.h"
#include "train/probe/online_probe.h"
#include "train/run/tune.h"
#include "train/step/step.h"

/* Why a run ends before its last step, or at it. */
typedef enum { GOING_ON, END_FINISHED, END_UNTIL, END_MAX_HOURS, END_SIGNAL } Ending;

/* A step that was started and whose outcome is not known yet. */
typedef struct {
    PrefetchBatch batch; /* the loader's */
    double lr;
    double data_wait, checkpoint_wait; /* seconds that the device, and the host, waited before the step started */
} PendingStep;

typedef struct {
    const Config *config;
    const TrainOptions *options;
    double opened; /* clock_now() when the run began, for max_hours */
    RunDirectory directory;
    Device *device;
    Ops ops;
    Tune tune;
    Records train, val;
    Targets targets;
    Objective *objective;
    int micro_batch;
    Loader *loader;
    EvaluationImages images; /* for validation and reconstructions */
    OnlineProbe probe;
    int validation_count;
    Optimizer *optimizer;
    Step *step;
    PendingStep pending_steps[STEP_MAX_IN_FLIGHT]; /* a ring */
    int first_pending;                             /* index of the oldest */
    double last_step_end; /* clock_now() when the last step ended, or when the oldest pending one started */
    Schedule schedule;
    int64_t total_steps;
    CheckpointWriter *writer;
    CheckpointKeep keep;
    int64_t checkpoint_every; /* steps between checkpoints, 0: only the last; changes while no step is pending */
    TrainState state;
    GpuWatch *gpu; /* NULL: none */
    Monitor monitor;
    LayerWatch layers;
    ThroughputWatch watch;
    RunSummary earlier; /* the run's process before this one; empty when there was none */
    RunRecord record;
    bool recording; /* run.json is this run's from here on */

    /* The batch of the last step whose outcome is known: its records can be named after the loader has moved on. */
    uint64_t batch_number;
    int64_t *batch_records; /* [global_batch] keys: records_at() */
    double last_loss;

    int64_t written_step, validated_step, drawn_step; /* of the newest checkpoint, validation, reconstruction; -1 */
    double checkpoint_seconds;                        /* waited for the writer since the last step's figures */
    int signal;                                       /* that asked the run to stop; 0: none */
    Ending ending;
} Run;

#endif
