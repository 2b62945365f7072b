/* SPDX-License-Identifier: Apache-2.0 */
/* The state of FP8 as a checkpoint holds it: fp8.safetensors, written by runs in FP8 alone. For each layer in turn the
 * scales of its input, weight and incoming gradient: `scale`, `position`, `recent`, `overflows`, `saturated` [scales],
 * `history` [scales][FP8_HISTORY], and `off` [layers]; the layers' names are the note `layers`. */
#ifndef FOVEA_CHECKPOINT_FP8_H
#define FOVEA_CHECKPOINT_FP8_H

#include "model/fp8.h"
#include "model/params.h"

#define CHECKPOINT_FP8 "fp8.safetensors"

/* Room for it in host memory, in the order of the file. */
typedef struct {
    int layers; /* 0: nothing is written */
    Fp8Scale *scales;
    float *scale, *history;
    int32_t *position, *recent, *overflows;
    int64_t *saturated;
    uint8_t *off;
    char *names;
} CheckpointFp8;

/* Takes the room for the layers that `params` tells of, on a measuring arena first. */
void checkpoint_fp8_place(CheckpointFp8 *state, const Params *params, Arena *arena);
/* Waits for the device, and copies the state as it is now. */
Status checkpoint_fp8_take(CheckpointFp8 *state, const Fp8 *fp8) MUST_USE;
Status checkpoint_fp8_write(const CheckpointFp8 *state, const char *path) MUST_USE;

/* Holds the file against the model's layers: EXIT_DATA naming what is wrong. It is closed with safetensors_close(). */
Status checkpoint_fp8_open(const char *path, const Fp8 *fp8, SafeTensors **file) MUST_USE;
/* Takes the state over from a file so opened. */
Status checkpoint_fp8_apply(const SafeTensors *file, Fp8 *fp8) MUST_USE;

#endif
