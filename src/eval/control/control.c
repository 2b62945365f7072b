/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/control/control.h"

#include "eval/control/metadata.h"
#include "eval/control/permute.h"
#include "eval/control/scramble.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Equal scores may differ in the last bits. */
static const double SCORE_NOISE = 1e-12;

/* Label sets and their predictions that are in memory at once: 200 sets of 20,000 binary rows are 64 MB. A larger batch
 * lets an adapter share more work between sets. */
static const size_t BATCH_BYTES = 256u << 20;

void control_free(ControlResult *r) {
    for (int64_t i = 0; i < r->reason_count; i++)
        free(r->reasons[i]);
    free(r->reasons);
    free(r->null);
    *r = (ControlResult){0};
}

static double mean_of(const double *values, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += values[i];
    return sum / count;
}

/* The standard deviation (n - 1). */
static double deviation_of(const double *values, int count) {
    const double mean = mean_of(values, count);
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += (values[i] - mean) * (values[i] - mean);
    return sqrt(sum / (count - 1));
}

Status control_check(int b, double alpha) {
    if (b < 2 || 1.0 / (b + 1) > alpha)
        return status_error(
            EXIT_USAGE, "%d scrambled label sets: p is at least %.3g with as few, and cannot be %g; take %d or more", b,
            1.0 / (b + 1), alpha, (int)fmax(ceil(1 / alpha - 1e-9) - 1, 2));
    return NULL;
}

static void summarise(double *scores, double *chances, ControlResult *r) {
    const int sign = r->metric.sign;
    int as_good = 0;
    r->score = scores[0];
    r->null_mean = mean_of(scores + 1, r->b);
    r->null_chance = mean_of(chances + 1, r->b);
    r->excess = sign * (r->null_mean - r->null_chance);
    r->chance = isnan(r->metric.chance) ? chances[0] : r->metric.chance;
    memcpy(r->null, scores + 1, (size_t)r->b * sizeof *scores);
    for (int i = 1; i <= r->b; i++) {
        as_good += sign * scores[i] >= sign * r->score - SCORE_NOISE;
        chances[i] = scores[i] - chances[i];
    }
    r->excess_error = deviation_of(chances + 1, r->b) / sqrt(r->b);
    r->p = (as_good + 1.0) / (r->b + 1.0);
}

static Status run_scrambled(const ControlInput *in, const Scramble *scramble, ControlResult *r) {
    double *scores = malloc((size_t)(in->b + 1) * sizeof *scores);
    double *chances = malloc((size_t)(in->b + 1) * sizeof *chances);
    r->null = malloc((size_t)in->b * sizeof *r->null);
    r->b = in->b;
    Status status = scores && chances && r->null
                        ? scramble_run(scramble, in->adapter, scores, chances)
                        : status_no_memory("scrambled scores", 3 * (size_t)in->b * sizeof *scores);
    if (!status)
        summarise(scores, chances, r);
    free(scores);
    free(chances);
    return status;
}

static Status measure_metadata(const ControlInput *in, const Scramble *scramble, ControlResult *r) {
    double *predictions = malloc((size_t)(in->rows->count * eval_values(in->rows)) * sizeof *predictions + 1);
    double *scores = malloc((size_t)in->b * sizeof *scores);
    Status status = predictions && scores ? metadata_predict(in->rows, in->threads, predictions)
                                          : status_no_memory("predictions", (size_t)in->rows->count * sizeof(double));
    if (!status)
        status = main_metric_measure(&r->metric, in->rows, in->rows->labels, predictions, PROBE_TEST, &r->metadata);
    if (!status)
        status = scramble_measure(scramble, predictions, scores);
    if (!status) {
        const double around = 1.96 * deviation_of(scores, in->b);
        r->metadata_chance = isnan(r->metric.chance) ? mean_of(scores, in->b) : r->metric.chance;
        r->metadata_low = r->metadata - around;
        r->metadata_high = r->metadata + around;
    }
    free(predictions);
    free(scores);
    return status;
}

static Status run_checks(const ControlInput *in, const Permutation *permutation, ControlResult *r) {
    const Scramble scramble = {.rows = in->rows,
                               .metric = &r->metric,
                               .permutation = permutation,
                               .seed = in->seed,
                               .b = in->b,
                               .others = CONTROL_OTHERS < in->b ? CONTROL_OTHERS : in->b - 1,
                               .batch = BATCH_BYTES,
                               .threads = in->threads};
    TRY(checks_count(in->rows, &r->checks));
    r->test_images_alone = permute_alone(permutation, PROBE_TEST);
    TRY(run_scrambled(in, &scramble, r));
    TRY(measure_metadata(in, &scramble, r));
    return verdict_find(r, in->alpha, in->contamination);
}

Status control_run(const ControlInput *in, ControlResult *r) {
    *r = (ControlResult){0};
    TRY(control_check(in->b, in->alpha));
    TRY(main_metric_find(in->rows, in->metric, &r->metric));
    Permutation *permutation;
    TRY(permute_open(in->rows, &permutation));
    Status status = run_checks(in, permutation, r);
    permute_close(permutation);
    return status;
}
