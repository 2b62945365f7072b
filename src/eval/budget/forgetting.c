/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/budget/forgetting.h"

#include "base/files.h"
#include "eval/features/encoder_source.h"
#include "stats/bootstrap.h"
#include "train/evaluate.h"

#include <math.h>
#include <stdlib.h>

static const double NORMAL_95 = 1.96; /* two-sided, as the field rounds it */

/* The images that both weights have a loss of. */
typedef struct {
    double *changes; /* [count], new - old */
    int64_t *people; /* [count] */
    int64_t count;
} Pairs;

/* --- Whose weights --- */

typedef struct {
    EncoderSource old, new;
    Config after, before; /* the runs' */
} Trainings;

/* The shape is the configuration's, so what weights do not say of it does not matter. */
static const EncoderHints any_heads = {.heads = 1};

static Status load_run(const EncoderSource *source, char *const *sets, int set_count, Config *config) {
    char *path;
    TRY(files_path(&path, "%s/config.ini", source->run));
    Status status = config_load(&train_config, config, path, sets, set_count, NULL);
    free(path);
    return status;
}

static Status refuse_kind(const char *name) {
    return status_error(EXIT_USAGE,
                        "%s: is of a training towards labels, which reconstructs nothing; give weights of a masked "
                        "autoencoder",
                        name);
}

static Status find_new(const ForgettingInput *in, Trainings *t) {
    TRY(encoder_source_open(in->new, &any_heads, &t->new));
    if (!t->new.run)
        return status_error(EXIT_USAGE,
                            "%s: is of no run, whose configuration says how it reconstructs; give the directory of "
                            "the run of ./train, or of one of its checkpoints",
                            in->new);
    TRY(load_run(&t->new, in->sets, in->set_count, &t->after));
    return t->after.train.objective == OBJECTIVE_MAE ? NULL : refuse_kind(in->new);
}

/* What weights do not tell, and what makes their losses another quantity. */
static Status check_same(const ForgettingInput *in, const Trainings *t) {
    const Config *after = &t->after, *before = &t->before;
    if (before->train.objective != OBJECTIVE_MAE)
        return refuse_kind(in->old);
    const char *differs = after->model.norm_pix_loss != before->model.norm_pix_loss   ? "norm_pix_loss"
                          : after->model.mask_ratio != before->model.mask_ratio       ? "mask_ratio"
                          : after->model.heads != before->model.heads                 ? "heads"
                          : after->model.decoder_heads != before->model.decoder_heads ? "decoder_heads"
                          : after->model.activation != before->model.activation       ? "activation"
                                                                                      : NULL;
    return differs ? status_error(EXIT_DATA,
                                  "%s and %s were trained with another model.%s, so that their losses cannot be "
                                  "compared; give weights of the same kind",
                                  in->old, in->new, differs)
                   : NULL;
}

static Status find_old(const ForgettingInput *in, Trainings *t) {
    TRY(encoder_source_open(in->old, &any_heads, &t->old));
    if (!t->old.run)
        return NULL;
    TRY(load_run(&t->old, NULL, 0, &t->before));
    return check_same(in, t);
}

static Status find_trainings(const ForgettingInput *in, Trainings *t) {
    TRY(find_new(in, t));
    TRY(find_old(in, t));
    if (!t->old.random && !t->new.random)
        return NULL;
    return status_error(EXIT_USAGE, "%s: random weights have nothing to forget; give those of a training",
                        t->old.random ? in->old : in->new);
}

/* --- The losses --- */

static Status mark_images(const ForgettingInput *in, bool **wanted) {
    *wanted = calloc((size_t)in->records->count + 1, sizeof **wanted);
    if (!*wanted)
        return status_no_memory("a list of images", (size_t)in->records->count);
    for (int64_t row = 0; row < in->rows->count; row++)
        if (in->rows->split[row] != PROBE_TRAIN)
            (*wanted)[in->record[row]] = true;
    return NULL;
}

static Status measure_losses(const ForgettingInput *in, const Trainings *t, const EncoderSource *source,
                             const bool *wanted, double **losses) {
    const EvaluateInput input = {
        .config = &t->after, .weights = source->weights, .records = in->records, .wanted = wanted};
    int width;
    return evaluate_images(&input, losses, &width);
}

static Status pair_losses(const ForgettingInput *in, const double *old, const double *new, const bool *wanted,
                          Pairs *pairs, Forgetting *f) {
    const size_t room = (size_t)in->rows->count + 1;
    pairs->changes = malloc(room * sizeof *pairs->changes);
    pairs->people = malloc(room * sizeof *pairs->people);
    if (!pairs->changes || !pairs->people)
        return status_no_memory("paired losses", room * 2 * sizeof *pairs->changes);
    for (int64_t row = 0; row < in->rows->count; row++) {
        const int64_t r = in->record[row];
        if (!wanted[r] || (isnan(old[r]) && isnan(new[r]))) /* it cannot be read */
            continue;
        if (!isfinite(old[r]) || !isfinite(new[r]))
            return status_error(EXIT_DATA, "%s: the loss of an image is not finite; give weights that did not diverge",
                                isfinite(old[r]) ? in->new : in->old);
        f->old += old[r];
        f->new += new[r];
        pairs->changes[pairs->count] = new[r] - old[r];
        pairs->people[pairs->count++] = in->rows->person[row];
    }
    if (!pairs->count)
        return status_error(EXIT_DATA, "%s: no image of val or test can be read; give another task", in->records->text);
    f->old /= (double)pairs->count;
    f->new /= (double)pairs->count;
    f->difference = f->new - f->old;
    return NULL;
}

static int compare_people(const void *a, const void *b) {
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* How many they are; -1 where some are not known. */
static Status count_people(const Pairs *pairs, int64_t *count) {
    int64_t *sorted = malloc((size_t)pairs->count * sizeof *sorted);
    if (!sorted)
        return status_no_memory("a list of people", (size_t)pairs->count * sizeof *sorted);
    for (int64_t i = 0; i < pairs->count; i++)
        sorted[i] = pairs->people[i];
    qsort(sorted, (size_t)pairs->count, sizeof *sorted, compare_people);
    *count = sorted[0] < 0 ? -1 : 1;
    for (int64_t i = 1; i<pairs->count && * count> 0; i++)
        *count += sorted[i] != sorted[i - 1];
    free(sorted);
    return NULL;
}

static Status measure_mean(const void *context, const int32_t *times, double *value) {
    const Pairs *pairs = context;
    double sum = 0, count = 0;
    for (int64_t i = 0; i < pairs->count; i++) {
        sum += times[i] * pairs->changes[i];
        count += times[i];
    }
    *value = sum / count;
    return NULL;
}

static Status measure_interval(const ForgettingInput *in, const Pairs *pairs, Forgetting *f) {
    if (f->people < 2) {
        f->reason = f->people < 0 ? "whose images these are is not known" : "all images are of one person";
        return NULL;
    }
    double *values = malloc((size_t)in->bootstraps * sizeof *values);
    if (!values)
        return status_no_memory("a bootstrap", (size_t)in->bootstraps * sizeof *values);
    const Bootstrap bootstrap = {.people = pairs->people,
                                 .rows = pairs->count,
                                 .replicates = in->bootstraps,
                                 .seed = in->seed,
                                 .threads = in->threads};
    Status status = bootstrap_run(&bootstrap, measure_mean, pairs, 1, values);
    if (!status) {
        const double error = bootstrap_deviation(values, in->bootstraps);
        f->interval = (Interval){.method = "bootstrap of people",
                                 .low = f->difference - NORMAL_95 * error,
                                 .high = f->difference + NORMAL_95 * error,
                                 .error = error};
    }
    free(values);
    return status;
}

static Status measure_pairs(const ForgettingInput *in, const Trainings *t, const bool *wanted, double **old,
                            double **new, Pairs *pairs, Forgetting *f) {
    TRY(measure_losses(in, t, &t->old, wanted, old));
    TRY(measure_losses(in, t, &t->new, wanted, new));
    TRY(pair_losses(in, *old, *new, wanted, pairs, f));
    f->images = pairs->count;
    TRY(count_people(pairs, &f->people));
    return measure_interval(in, pairs, f);
}

static Status measure_trainings(const ForgettingInput *in, const Trainings *t, Forgetting *f) {
    bool *wanted;
    double *old = NULL, *new = NULL;
    Pairs pairs = {0};
    Status status = mark_images(in, &wanted);
    if (!status)
        status = measure_pairs(in, t, wanted, &old, &new, &pairs, f);
    free(wanted);
    free(old);
    free(new);
    free(pairs.changes);
    free(pairs.people);
    return status;
}

Status forgetting_measure(const ForgettingInput *input, Forgetting *forgetting) {
    *forgetting = (Forgetting){.interval = {.low = NAN, .high = NAN, .error = NAN}};
    Trainings *trainings = calloc(1, sizeof *trainings); /* configurations are too large for a stack */
    if (!trainings)
        return status_no_memory("two configurations", sizeof *trainings);
    Status status = find_trainings(input, trainings);
    if (!status)
        status = measure_trainings(input, trainings, forgetting);
    encoder_source_close(&trainings->old);
    encoder_source_close(&trainings->new);
    free(trainings);
    return status;
}
