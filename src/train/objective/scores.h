/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of a model's outputs beside the labels of the validation images, by their names of docs/metrics.md. */
#ifndef FOVEA_TRAIN_SCORES_H
#define FOVEA_TRAIN_SCORES_H

#include "train/objective/targets.h"
#include "train/objective/validation.h"

/* Outputs beside the labels of the same rows, in double as src/stats takes them. */
typedef struct {
    Task task;
    bool probed;        /* of a probe: figures are called probe_... */
    char *const *names; /* [columns] of the labels */
    double *labels;     /* [rows][columns], NAN: not known */
    double *outputs;    /* [rows][classes]: probabilities, or numbers */
    double *each;       /* [classes], overwritten */
    int rows, classes, columns;
} Scored;

Status scores_add(const Scored *scored, Validation *validation) MUST_USE;

/* What the logits [outputs] of an image predict, [targets->classes]: in TASK_REGRESS numbers in the labels' own unit,
 * else probabilities. Ordered classes have those that follow from the probabilities of exceeding each. */
void scores_predict(const Targets *targets, const float *logits, double *prediction);

/* Adds to `validation` the figures of logits [rows][outputs] for rows of targets->val with those numbers. In
 * TASK_REGRESS in the labels' own unit; of several columns also each one's, called FIGURE_COLUMN, and the plain figure
 * is their mean. */
Status scores_add_logits(const Targets *targets, const float *logits, const int64_t *records, int rows,
                         Validation *validation) MUST_USE;

/* EXIT_USAGE for a val.metric that the objective does not have, EXIT_DATA for one that the first val.images validation
 * images cannot give, where targets->val has labels: a class without images, for example. */
Status scores_check(const Config *config, const Targets *targets) MUST_USE;
/* Whether that is the name of a probe's figure; EXIT_USAGE for such a val.metric that the probe does not have. */
bool scores_of_probe(const char *name);
Status scores_check_probe(const Config *config) MUST_USE;
/* Whether the smaller value of val.metric is the better one. */
bool scores_falls(const Config *config);

#endif
