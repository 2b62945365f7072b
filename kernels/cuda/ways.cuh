/* SPDX-License-Identifier: Apache-2.0 */
/* Two ways that compute the same, of which the faster is found by timing and kept in the list of choices. */
#ifndef FOVEA_WAYS_CUH
#define FOVEA_WAYS_CUH

#include "kernels/cuda/stopwatch.cuh"
#include "kernels/cuda/tuning.cuh"

#include <string.h>

/* Their names in the list. `usual` is taken where nothing is timed. */
typedef struct {
    const char *usual, *other;
} Ways;

/* What was chosen before; NULL: nothing, or a name that is none of the two. */
static inline const char *way_chosen(const Ops *ops, const char *key, Ways ways) {
    const char *choice = tuning_choice(ops, key);
    return choice && (!strcmp(choice, ways.usual) || !strcmp(choice, ways.other)) ? choice : NULL;
}

/* Whether the other way was, or now is found to be, the faster one. Each does all that is to be done and returns
 * whether it could. */
template <typename Usual, typename Other>
bool other_way_wins(Ops *ops, const char *key, Ways ways, const Usual &usual, const Other &other) {
    if (const char *choice = way_chosen(ops, key, ways))
        return !strcmp(choice, ways.other);
    double by_usual, by_other;
    if (!tuning_may_time(ops) || !stopwatch(ops, key, 0, usual, &by_usual))
        return false;
    const bool wins = stopwatch(ops, key, 1, other, &by_other) && by_other < by_usual;
    if (!ops->error)
        tuning_keep(ops, key, wins ? ways.other : ways.usual, wins ? by_other : by_usual);
    return wins && !ops->error;
}

#endif
