/* SPDX-License-Identifier: Apache-2.0 */
/* The state of FP8 in a checkpoint: fp8.safetensors, which only FP8 runs write. For each layer in turn it contains the
 * scales of input, weight and incoming gradient: `scale`, `position`, `recent`, `overflows`, `saturated` [scales],
 * `history` [scales][FP8_HISTORY], and `off` [layers]; the note `layers` has the layers' names. */
#ifndef FOVEA_CHECKPOINT_FP8_H
#define FOVEA_CHECKPOINT_FP8_H

#include "model/fp8.h"
#include "model/params.h"

/* The state in host memory, in the order of the file. */
typedef struct {
    int layers; /* 0: nothing is written */
    Fp8Scale *scales;
    float *scale, *history;
    int32_t *position, *recent, *overflows;
    int64_t *saturated;
    uint8_t *off;
    char *names;
} CheckpointFp8;

/* Takes memory for the layers of `params`; the first time from a measuring arena. */
void checkpoint_fp8_place(CheckpointFp8 *state, const Params *params, Arena *arena);
/* Waits for the device and copies its present state. */
Status checkpoint_fp8_take(CheckpointFp8 *state, const Fp8 *fp8) MUST_USE;
Status checkpoint_fp8_write(const CheckpointFp8 *state, const char *path) MUST_USE;

/* Opens the file and checks that it fits the model's layers: EXIT_DATA naming what is wrong. Closed with
 * safetensors_close(). */
Status checkpoint_fp8_open(const char *path, const Fp8 *fp8, SafeTensors **file) MUST_USE;
/* Sets the model's state from a file opened that way. */
Status checkpoint_fp8_apply(const SafeTensors *file, Fp8 *fp8) MUST_USE;

#endif
