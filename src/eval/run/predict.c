/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/run/predict.h"

#include "base/files.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    Setting setting; /* the caller's, the images being its external set */
    Cohort images;   /* a test row for each of the folder that can be read */
    double *labels;  /* of these, which are not known */
    int64_t *lists;
    TestRows rows;
} Prediction;

/* --- What is predicted --- */

static Status check_options(const EvalOptions *options) {
    return options->out ? NULL : status_error(EXIT_USAGE, "--predict needs --out with the name of a CSV file to write");
}

static Status open_folder(const EvalOptions *options, Prediction *prediction) {
    Records *records = &prediction->images.records;
    TRY(status_append(records_open(options->predict, "", RECORDS_ALL, records), " (--predict)"));
    if (records->part_count)
        return status_error(EXIT_USAGE,
                            "%s is a pack, and --predict takes a folder of images; name the pack in a task file, and "
                            "test with it (--external)",
                            options->predict);
    return NULL;
}

/* The folder's images as a set that is tested and of which nothing else is known. `readable`: NULL for all. */
static Status list_images(const EvalRows *task, const bool *readable, Prediction *prediction) {
    Cohort *images = &prediction->images;
    const size_t room = (size_t)images->records.count + 1, outputs = (size_t)task->outputs;
    prediction->lists = malloc(3 * room * sizeof *prediction->lists);
    prediction->labels = malloc(room * outputs * sizeof *prediction->labels);
    if (!prediction->lists || !prediction->labels)
        return status_no_memory("a list of images", room * (3 + outputs) * sizeof *prediction->lists);
    int64_t *split = prediction->lists, *nobody = split + room, count = 0;
    images->record = nobody + room;
    for (int64_t i = 0; i < images->records.count; i++)
        if (!readable || readable[i]) {
            split[count] = PROBE_TEST;
            nobody[count] = -1;
            images->record[count++] = i;
        }
    for (size_t i = 0; i < room * outputs; i++)
        prediction->labels[i] = NAN;
    images->rows = (EvalRows){.kind = task->kind,
                              .classes = task->classes,
                              .outputs = task->outputs,
                              .count = count,
                              .labels = prediction->labels,
                              .split = split,
                              .person = nobody,
                              .copies = nobody};
    return NULL;
}

static void close_prediction(Prediction *prediction) {
    test_rows_close(&prediction->rows);
    records_close(&prediction->images.records);
    free(prediction->labels);
    free(prediction->lists);
    free(prediction);
}

/* --- Learning and predicting --- */

static Status get_features(const Setting *setting, Evaluated *evaluated, Subject *subject, const Records *records) {
    FeatureOptions options = features_options(setting->task, &evaluated->encoder);
    int64_t left_out;
    options.max_unreadable = 1; /* each of them is listed without a prediction */
    TRY(features_extract(&evaluated->encoder, records, &options, stdout, &subject->external));
    return subject->features.unreadable ? cohort_leave_out(setting->cohort, subject->features.readable, &left_out)
                                        : NULL;
}

static Status learn(const Setting *setting, const MainMetric *metric, Evaluated *evaluated, Subject *subject,
                    Prediction *prediction) {
    TRY(subject_open(setting, evaluated));
    TRY(subject_extract(setting, evaluated, subject));
    if (setting->task->adapt.method != TASK_FINETUNE)
        TRY(get_features(setting, evaluated, subject, &prediction->images.records));
    TRY(list_images(&setting->cohort->rows, subject->external.readable, prediction));
    prediction->setting = *setting;
    prediction->setting.external = &prediction->images;
    TRY(test_rows_open(setting->cohort, &prediction->images, &prediction->rows));
    TRY(subject_adapt(&prediction->setting, &prediction->rows, metric, evaluated, subject));
    printf("%s: %s, %s on val %.4f\n", evaluated->name, evaluated->adapted, metric->name, evaluated->val);
    return NULL;
}

/* --- The file --- */

static void write_cell(FILE *out, const char *text) {
    const bool quoted = strpbrk(text, ",;\"\r\n\t") || *text == ' ';
    if (quoted)
        fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    if (quoted)
        fputc('"', out);
}

static void write_header(FILE *out, const Cohort *cohort) {
    const EvalRows *rows = &cohort->rows;
    const bool classes = rows->kind == EVAL_MULTICLASS || rows->kind == EVAL_ORDINAL;
    fputs("file", out);
    for (int v = 0; v < eval_values(rows); v++) {
        char name[CONFIG_TEXT + 2];
        if (classes)
            snprintf(name, sizeof name, "p_%d", v);
        else
            snprintf(name, sizeof name, "%s%s", rows->kind == EVAL_REGRESSION ? "" : "p_", cohort->label_names[v]);
        fputc(',', out);
        write_cell(out, name);
    }
    fputc('\n', out);
}

/* Returns how many images have no prediction. */
static int64_t write_images(FILE *out, const Prediction *prediction, const double *predictions) {
    const Records *records = &prediction->images.records;
    const int64_t count = prediction->images.rows.count;
    const int width = eval_values(&prediction->rows.rows);
    int64_t row = 0, missing = 0;
    for (int64_t i = 0; i < records->count; i++) {
        const bool read = row < count && prediction->images.record[row] == i;
        const double *values = predictions + (prediction->rows.first_count + row) * width;
        const bool known = read && !isnan(values[0]);
        write_cell(out, records_path(records, i));
        for (int v = 0; v < width; v++)
            if (known)
                fprintf(out, ",%.9g", values[v]);
            else
                fputc(',', out);
        fputc('\n', out);
        missing += !known;
        row += read;
    }
    return missing;
}

static Status write_predictions(const Prediction *prediction, const Evaluated *evaluated, const char *path) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    int64_t missing = 0;
    if (out) {
        write_header(out, prediction->setting.cohort);
        missing = write_images(out, prediction, evaluated->predictions);
    }
    Status status = !out || fclose(out) != 0 ? status_no_memory("the predictions", size) : NULL;
    if (!status)
        status = files_write(path, text, size);
    free(text);
    TRY(status);
    printf("%s: predictions of %" PRId64 " images", path, prediction->images.records.count - missing);
    if (missing)
        printf(", and %" PRId64 " that cannot be read", missing);
    printf("\n");
    return NULL;
}

Status predict_folder(const Setting *setting, const MainMetric *metric, Evaluated *evaluated, Subject *subject) {
    Prediction *prediction = calloc(1, sizeof *prediction);
    if (!prediction)
        return status_no_memory("a prediction", sizeof *prediction);
    Status status = check_options(setting->options);
    if (!status)
        status = open_folder(setting->options, prediction);
    if (!status)
        status = learn(setting, metric, evaluated, subject, prediction);
    if (!status)
        status = write_predictions(prediction, evaluated, setting->options->out);
    close_prediction(prediction);
    return status;
}
