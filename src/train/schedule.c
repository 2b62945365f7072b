/* SPDX-License-Identifier: Apache-2.0 */
#include "train/optimizer.h"

#include <math.h>

double schedule_lr(const Schedule *schedule, int64_t step) {
    const double pi = 3.14159265358979323846;
    double at = (double)step;
    if (at < schedule->warmup_steps)
        return schedule->peak_lr * at / schedule->warmup_steps;
    double progress = (at - schedule->warmup_steps) / (schedule->total_steps - schedule->warmup_steps);
    return schedule->min_lr + (schedule->peak_lr - schedule->min_lr) * 0.5 * (1 + cos(pi * fmin(progress, 1)));
}
