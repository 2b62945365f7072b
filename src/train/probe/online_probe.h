/* SPDX-License-Identifier: Apache-2.0 */
/* The probe of a run: what a linear model can read of a label out of the features that the model has by now
 * (stats/probe.h). Losses at two mask ratios cannot be compared; this figure can. It depends on the weights alone. */
#ifndef FOVEA_TRAIN_ONLINE_PROBE_H
#define FOVEA_TRAIN_ONLINE_PROBE_H

#include "data/evaluation_images.h"
#include "train/objective/objective.h"

/* One side of it: what the probe is fitted on, or what it is measured on. */
typedef struct {
    Records records;
    Labels labels;
    EvaluationImages images;
} ProbeSide;

/* All zero for a run without. */
typedef struct {
    Task kind;
    int classes; /* of a label; in TASK_REGRESS 1 */
    int64_t every;
    ProbeSide train, val;
} OnlineProbe;

/* Opens the records and labels of a probe, if `config` has one. EXIT_DATA naming key and remedy: labels that are not
 * there, a person or an image of probe.val that is also in probe.train or in the run's own training data. */
Status online_probe_open(const Config *config, const Records *train, const Targets *targets,
                         OnlineProbe *probe) MUST_USE;
/* Reads its images, by `options` as evaluation_images_open() does. EXIT_DATA for labels of them that cannot be probed:
 * texts that are no class, a constant, a class without an image to measure it on, a val.metric that they cannot give.
 */
Status online_probe_read(OnlineProbe *probe, const Config *config, LoaderOptions options,
                         UnreadableList *unreadable) MUST_USE;
void online_probe_close(OnlineProbe *probe);
/* Adds to a measuring arena of the host's memory what so many images of each side take, and what a probe takes
 * while it is made. */
void online_probe_measure(const Config *config, const ModelShape *shape, int64_t trains, int64_t vals, Arena *host);

/* Whether the validation of `step`, of a run of `total` steps, has a probe: the last one always. */
bool online_probe_due(const OnlineProbe *probe, int64_t step, int64_t total);
/* Adds its figures to `validation`; none where a feature is not finite. */
Status online_probe_run(const OnlineProbe *probe, Objective *objective, int threads, Validation *validation) MUST_USE;
/* The figure to show; "" without a probe. */
const char *online_probe_shown(const OnlineProbe *probe);

#endif
