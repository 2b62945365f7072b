/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/score/scores.h"
#include "eval/score/measure.h"

#include <stdlib.h>
#include <string.h>

static Status fill_level(const ScoresInput *in, const Selection *selection, const ThresholdFigures *thresholds,
                         ScoreLevel *level) {
    TRY(estimates_measure(selection, thresholds, NULL, &in->resampling, &level->list, &level->count));
    level->images = level->list[0].images;
    level->people = level->list[0].people;
    while (strcmp(level->list[level->main].name, in->metric->name))
        level->main++;
    return NULL;
}

/* The thresholds of people are those of val's people. */
static Status choose_people(const Selection *val, ThresholdFigures *thresholds) {
    Selection people;
    int64_t mixed;
    Status status = selection_people(val, &people, &mixed);
    if (!status)
        status = measure_thresholds(&people, thresholds);
    selection_free(&people);
    return status;
}

static Status measure_people(const ScoresInput *in, const Selection *images, const Selection *val, ScoreLevel *level) {
    ThresholdFigures thresholds;
    int64_t known, known_val;
    TRY(selection_count_people(images, &known));
    TRY(selection_count_people(val, &known_val));
    level->people = known;
    if (known < 0 || known_val < 0) {
        level->reason = "the people of some images are not known";
        return NULL;
    }
    TRY(choose_people(val, &thresholds));
    Selection people;
    Status status = selection_people(images, &people, &level->mixed);
    if (!status && !people.count)
        level->reason = "the images of each person have different labels";
    else if (!status)
        status = fill_level(in, &people, &thresholds, level);
    selection_free(&people);
    return status;
}

static Status measure_selections(const ScoresInput *in, const Selection *images, const Selection *val, Scores *scores) {
    ThresholdFigures thresholds;
    TRY(measure_thresholds(val, &thresholds));
    TRY(fill_level(in, images, &thresholds, &scores->image));
    TRY(measure_people(in, images, val, &scores->person));
    TRY(curves_measure(images, &scores->parts, &scores->part_count));
    TRY(confusions_measure(images, &thresholds, &scores->confusions, &scores->confusion_count));
    return subgroups_measure(&(SubgroupsInput){.rows = in->rows,
                                               .predictions = in->predictions,
                                               .thresholds = &thresholds,
                                               .metric = in->metric->name,
                                               .resampling = &in->resampling},
                             &scores->subgroups, &scores->subgroup_count);
}

Status scores_measure(const ScoresInput *input, Scores *scores) {
    Selection images, val = {0};
    *scores = (Scores){0};
    Status status = selection_open(input->rows, input->rows->labels, input->predictions, PROBE_TEST, NULL, &images);
    if (!status)
        status = selection_open(input->rows, input->rows->labels, input->predictions, PROBE_VAL, NULL, &val);
    if (!status && !images.count)
        status = status_error(EXIT_DATA, "no test image has a known label: there is nothing to score");
    if (!status)
        status = measure_selections(input, &images, &val, scores);
    selection_free(&images);
    selection_free(&val);
    return status;
}

void scores_free(Scores *scores) {
    free(scores->image.list);
    free(scores->person.list);
    curves_free(scores->parts, scores->part_count);
    confusions_free(scores->confusions, scores->confusion_count);
    subgroups_free(scores->subgroups, scores->subgroup_count);
    *scores = (Scores){0};
}
