/* SPDX-License-Identifier: Apache-2.0 */
/* All that one run holds, and how it is opened and closed. loop.c drives it, recovery.c mends it. */
#ifndef FOVEA_TRAIN_RUN_H
#define FOVEA_TRAIN_RUN_H

#include "checkpoint/checkpoint.h"
#include "data/evaluation_images.h"
#include "data/loader.h"
#include "model/mae.h"
#include "rundir/run_directory.h"
#include "rundir/run_record.h"
#include "rundir/throughput.h"
#include "train/guard/guard_find.h"
#include "train/monitor/monitor.h"
#include "train/optimizer.h"
#include "train/run/tune.h"
#include "train/step/masks.h"
#include "train/step/step.h"
#include "train/train.h"

/* Why a run ends before its last step, or at it. */
typedef enum { GOING_ON, END_FINISHED, END_UNTIL, END_MAX_HOURS, END_SIGNAL } Ending;

/* What is known of a step under way. */
typedef struct {
    PrefetchBatch batch; /* the loader's */
    double lr;
    double data_wait, checkpoint_wait; /* seconds that the device, and the host, waited when the step was started */
} Flight;

typedef struct {
    const Config *config;
    const TrainOptions *options;
    double opened; /* clock_now() when the run began, for max_hours */
    RunDirectory directory;
    Device *device;
    Ops ops;
    Tune tune;
    Records train, val;
    Mae *mae;
    Masks masks;
    int micro_batch;
    Loader *loader;
    EvaluationImages images; /* for validation and reconstructions */
    int validation_count;
    Optimizer *optimizer;
    Step *step;
    Flight flights[STEP_MOST]; /* a ring of those under way */
    int oldest;                /* the first of them */
    double settled_at;         /* clock_now() when the last step had ended, or the first one under way began */
    Schedule schedule;
    int64_t total_steps;
    CheckpointWriter *writer;
    TrainState state;
    Monitor monitor;
    ThroughputWatch watch;
    RunRecord record;
    bool recording; /* run.json is this run's from here on */

    /* The batch of the last step that settled, for naming its records after the loader has gone on. */
    uint64_t batch_number;
    int64_t *batch_records; /* [global_batch] keys: records_at() */
    double last_loss;

    int64_t written_step, validated_step, drawn_step; /* of the newest checkpoint, validation, reconstruction; -1 */
    double checkpoint_seconds;                        /* waited for the writer since the last step's figures */
    int signal;                                       /* that asked the run to stop; 0: none */
    Ending ending;
} Run;

/* Whether there is something at data.train, or it is a list of packs. */
bool run_data_given(const Config *config);
/* Opens the device that `config` asks for; says why it is not a GPU, where one was looked for. */
Status run_open_device(const Config *config, Device **device) MUST_USE;
/* Opens everything in the order that lets a mistake show before anything on disk changes. On failure run_close() still
 * has to be called. */
Status run_open(Run *run, const Config *config, const TrainOptions *options) MUST_USE;
void run_close(Run *run);

/* For steps that leave nothing behind: no directory, record, checkpoint or image. First the images and the
 * device; then, when run->ops is as it is to be, model, optimizer and loader; last the step, which can be opened anew.
 * run_close() as after run_open(). */
Status run_open_bare(Run *run, const Config *config, const TrainOptions *options) MUST_USE;
Status run_open_parts(Run *run) MUST_USE;
Status run_open_step(Run *run, bool capture) MUST_USE;

/* The path of an image of the last batch that settled, for messages. */
const char *run_image(const Run *run, int place);

/* Brings the record up to the run's state and writes run.json. */
Status run_write_record(Run *run) MUST_USE;
/* Notes new bad records, and writes run.json when there are any. */
Status run_note_bad(Run *run) MUST_USE;

/* Counts an applied step: at the 200th of this process its images/s are held against the best run of the same
 * configuration and device, with a note when they are much lower, and kept in run.json if they are this run's best. */
Status run_watch(Run *run, const StepFigures *figures) MUST_USE;

/* Deals with a step that is not fit to be applied, as guard.action says: NULL when the run goes on (the state then says
 * where), otherwise EXIT_DIVERGED. */
Status recover(Run *run, GuardKind kind, double loss) MUST_USE;

#endif
