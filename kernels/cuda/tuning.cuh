/* SPDX-License-Identifier: Apache-2.0 */
/* Choices between ways to compute the same: an algorithm of the library's, the library's epilogue or a kernel of ours.
 * With `timed` the fastest, found by timing when a shape is first met and kept in a list under a text that tells what
 * is computed; else what each operation takes first. */
#ifndef FOVEA_TUNING_CUH
#define FOVEA_TUNING_CUH

#include "kernels/cuda/cuda.cuh"

struct Tuning;

Status tuning_open(Cuda *cuda);
void tuning_close(Cuda *cuda);

/* What Device's functions of these names do. */
void tuning_set(Cuda *cuda, bool timed);
Status tuning_give(Cuda *cuda, const TuneEntry *entries, size_t count);
const TuneEntry *tuning_list(const Cuda *cuda, size_t *count);

/* Whether choices are made by timing; not where there is no list. */
bool tuning_timed(const Ops *ops);
/* Whether ways can be timed now: not while work is captured, which waits for nothing. */
bool tuning_may_time(const Ops *ops);
/* What was chosen for `key`; NULL: nothing yet, or nothing is chosen by timing. */
const char *tuning_choice(const Ops *ops, const char *key);
/* Keeps a choice in the list. One that was there before was refused. */
void tuning_keep(Ops *ops, const char *key, const char *choice, double seconds);
/* Device memory for results that nobody wants, where timing would spoil what is added to; NULL when there is none left,
 * and nothing is timed then. Released by the device's release(). */
void *tuning_room(const Ops *ops, size_t bytes);

#endif
