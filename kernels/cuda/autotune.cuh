/* SPDX-License-Identifier: Apache-2.0 */
/* Autotuning: choices between variants that compute the same, such as an algorithm of the library's, the library's
 * epilogue or a kernel of ours. With `timed` the fastest, found by timing when a shape first occurs and kept in a list
 * under a key that says what is computed; else each operation's first. */
#ifndef FOVEA_AUTOTUNE_CUH
#define FOVEA_AUTOTUNE_CUH

#include "kernels/cuda/stopwatch.cuh"

#include <math.h>
#include <string.h>

struct Autotune;

Status autotune_open(Cuda *cuda);
void autotune_close(Cuda *cuda);

/* What Device's functions of these names do; the first is its autotune(). */
void autotune_set_timed(Cuda *cuda, bool timed);
Status autotune_import(Cuda *cuda, const AutotuneChoice *entries, size_t count);
const AutotuneChoice *autotune_export(const Cuda *cuda, size_t *count);

/* Whether choices are made by timing; false where there is no list. */
bool autotune_is_timed(const Ops *ops);
/* Whether variants can be timed now: not while work is captured, since captured work does not run. */
bool autotune_may_time(const Ops *ops);
/* The choice for `key`; NULL: none yet, or nothing is chosen by timing. */
const char *autotune_choice(const Ops *ops, const char *key);
/* Adds a choice to the list. One that was there before was refused. */
void autotune_record(Ops *ops, const char *key, const char *choice, double seconds);
/* Device memory for results that are thrown away, where timing would spoil a tensor that is added to; NULL when none is
 * left, and nothing is timed then. Released by the device's release(). */
void *autotune_allocate(const Ops *ops, size_t bytes);

/* The names of two variants in the list. `standard` is used where nothing is timed. */
typedef struct {
    const char *standard, *other;
} Variants;

/* What was chosen before; NULL: nothing, or a name that is neither of the two. */
static inline const char *autotune_chosen_variant(const Ops *ops, const char *key, Variants variants) {
    const char *choice = autotune_choice(ops, key);
    return choice && (!strcmp(choice, variants.standard) || !strcmp(choice, variants.other)) ? choice : NULL;
}

/* Whether the other variant was, or is now found to be, the faster one. Each does all the work and returns whether it
 * could. */
template <typename Standard, typename Other>
bool autotune_picks_other(Ops *ops, const char *key, Variants variants, const Standard &standard, const Other &other) {
    if (const char *choice = autotune_chosen_variant(ops, key, variants))
        return !strcmp(choice, variants.other);
    double standard_seconds = INFINITY;
    if (!autotune_may_time(ops) || !stopwatch(ops, key, 0, standard, &standard_seconds))
        return false;
    double other_seconds = standard_seconds;
    const bool wins = stopwatch(ops, key, 1, other, &other_seconds) && other_seconds < standard_seconds;
    if (!ops->error)
        autotune_record(ops, key, wins ? variants.other : variants.standard, wins ? other_seconds : standard_seconds);
    return wins && !ops->error;
}

#endif
