/* SPDX-License-Identifier: Apache-2.0 */
/* The main metric of parts of the images: by device, site, eye, age band. */
#ifndef FOVEA_EVAL_SUBGROUPS_H
#define FOVEA_EVAL_SUBGROUPS_H

#include "eval/score/estimate.h"

/* Below so many people in a class (of numbers: at all) a subgroup has no score. */
enum { SUBGROUP_LEAST = 10 };

typedef struct {
    const char *column; /* the caller's */
    char *category;     /* the category's name, the band as "40 to < 50", or "not known" */
    Estimate estimate;
} Subgroup;

typedef struct {
    const EvalRows *rows;
    const double *predictions; /* as in main_metric_measure() */
    const ThresholdFigures *thresholds;
    const char *metric;
    const Resampling *resampling;
} SubgroupsInput;

/* Of the test images, by each column's categories that have some. Numbers are in bands of one width, of 1, 2 or 5 times
 * a power of ten, at most six. Free with subgroups_free() either way. */
Status subgroups_measure(const SubgroupsInput *input, Subgroup **list, int *count) MUST_USE;
void subgroups_free(Subgroup *list, int count);

#endif
