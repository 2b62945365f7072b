/* SPDX-License-Identifier: Apache-2.0 */
#include "train/keep_at.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool keep_at_read(const char *text, double shares[CHECKPOINT_KEPT_STEPS], int *count) {
    *count = 0;
    for (const char *at = text; *at;) {
        char *end;
        const double share = strtod(at, &end), before = *count ? shares[*count - 1] : 0;
        end += strspn(end, " \t");
        if (*count == CHECKPOINT_KEPT_STEPS || !(share > before && share <= 100) || (*end && *end != ','))
            return false;
        shares[(*count)++] = share;
        at = end + (*end == ',');
        if (*end && !at[strspn(at, " \t")]) /* nothing after the comma */
            return false;
    }
    return true;
}

CheckpointKeep keep_at_steps(const Config *config, int64_t total) {
    CheckpointKeep keep = {.newest = (int)config->checkpoint.keep};
    double shares[CHECKPOINT_KEPT_STEPS];
    if (!keep_at_read(config->checkpoint.keep_at, shares, &keep.step_count)) /* config_load() refuses it */
        keep.step_count = 0;
    for (int i = 0; i < keep.step_count; i++)
        keep.steps[i] = (int64_t)fmax(1, round(shares[i] / 100 * (double)total));
    return keep;
}

bool keep_at_due(const CheckpointKeep *keep, int64_t step) {
    for (int i = 0; i < keep->step_count; i++)
        if (keep->steps[i] == step)
            return true;
    return false;
}
