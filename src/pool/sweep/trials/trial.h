/* SPDX-License-Identifier: Apache-2.0 */
/* A sweep: which configurations are tried, and by what they are judged. */
#ifndef FOVEA_POOL_SWEEP_TRIALS_TRIAL_H
#define FOVEA_POOL_SWEEP_TRIALS_TRIAL_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

enum { TRIAL_ID = 9, TRIAL_HASH = 17, SWEEP_TRIALS = 5000, SWEEP_NAME = 65 };

/* A key that the trials differ in, as "section.name", and its value as in a file. */
typedef struct {
    char *key, *value;
} TrialParam;

typedef struct {
    char id[TRIAL_ID];  /* hexadecimal: a hash of parameters and seed, whatever their order in the file */
    TrialParam *params; /* [param_count], owned, in the order of the file */
    int param_count;
    int64_t seed;
    int64_t set;               /* trials of one set differ in their seed alone */
    char *config;              /* the file that the command reads; owned, as the next */
    char *run_dir;             /* where its results are: its own, or that of an earlier run of the same identity */
    char *before;              /* the sweep whose run that is; NULL: this one */
    int64_t same_as;           /* an earlier trial of this sweep with the same identity; -1: none */
    char identity[TRIAL_HASH]; /* "": not known yet */
    int64_t checkpoint, disk;  /* bytes, as Plan */
    int64_t gpu_memory, host_memory; /* bytes, as Plan; -1: not known */
    int64_t micro_batch;             /* 0: the program is no trainer of fovea */
    char config_hash[TRIAL_HASH], data_hash[TRIAL_HASH];
} Trial;

typedef struct {
    char name[SWEEP_NAME];
    char *base, *command, *metric; /* owned */
    bool max;                      /* the largest score is the best */
    Trial *trials;                 /* [count], owned */
    int64_t count, capacity;
} Sweep;

/* Makes room for a trial without parameters. */
Status sweep_add_trial(Sweep *sweep, Trial **trial) MUST_USE;
/* Adds a parameter; both texts are copied. */
Status trial_add_param(Trial *trial, const char *key, const char *value) MUST_USE;
/* Sets id, config and run_dir from the sweep's name and the trial's parameters and seed. */
Status trial_name(const Sweep *sweep, Trial *trial) MUST_USE;
/* "optim.base_lr = 1e-4, train.seed = 2", for messages; the caller's. */
Status trial_describe(const Trial *trial, char **text) MUST_USE;
/* -1: none has that ID. */
int64_t sweep_find_trial(const Sweep *sweep, const char *id);
void sweep_free(Sweep *sweep);

/* runs/sweeps/NAME; the caller's. */
Status sweep_folder(const char *name, char **folder) MUST_USE;
/* Whether a sweep may have this name: letters, digits, '.', '_' and '-', the first no '.' or '-', at most 64. */
bool sweep_name_fits(const char *name);

#endif
