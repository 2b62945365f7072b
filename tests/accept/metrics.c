/* SPDX-License-Identifier: Apache-2.0 */
/* metrics IN.json OUT.json
 *
 * Reads cases ({"cases": [{"kind": ..., "labels": ...}]}), has the product measure each, and writes every figure of its
 * kind under its name: {"cases": [{"metrics": {...}}]}, null where one is not defined. A kind or a setting that it does
 * not know is refused. Nothing is computed here. */
#include "base/files.h"
#include "base/json.h"
#include "base/program.h"
#include "stats/calibration.h"
#include "stats/classification.h"
#include "stats/interval.h"
#include "stats/multilabel.h"
#include "stats/regression.h"
#include "stats/threshold.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The fixed settings of kind `interval`, whose recorded figures come from as many replicates. */
enum { BOOTSTRAPS = 2000, BOOTSTRAP_SEED = 0 };

/* A list, or a list of lists of one length. */
typedef struct {
    double *values; /* [rows][width] */
    int64_t rows, width;
} Numbers;

/* --- Reading ---------------------------------------------------------------------------------------------------- */

/* A number, or null: NAN, where it may be missing. */
static Status read_number(const cJSON *item, const char *key, bool may_miss, double *value) {
    *value = cJSON_IsNumber(item) ? item->valuedouble : NAN;
    return isfinite(*value) || (may_miss && cJSON_IsNull(item))
               ? NULL
               : status_error(EXIT_DATA, "%s holds what is no number", key);
}

static Status read_numbers(const cJSON *from, const char *key, bool may_miss, Numbers *numbers) {
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(from, key), *row, *item;
    if (!cJSON_IsArray(list) || !list->child)
        return status_error(EXIT_DATA, "%s is missing, no list or empty", key);
    const bool nested = cJSON_IsArray(list->child);
    numbers->rows = cJSON_GetArraySize(list);
    numbers->width = nested ? cJSON_GetArraySize(list->child) : 1;
    numbers->values = malloc((size_t)numbers->rows * (size_t)numbers->width * sizeof(double) + 1);
    if (!numbers->values)
        return status_no_memory(key, (size_t)numbers->rows * (size_t)numbers->width * sizeof(double));
    double *value = numbers->values;
    cJSON_ArrayForEach(row, list) {
        if (nested && (!cJSON_IsArray(row) || cJSON_GetArraySize(row) != numbers->width))
            return status_error(EXIT_DATA, "the rows of %s differ in length", key);
        if (!nested)
            TRY(read_number(row, key, may_miss, value++));
        for (item = nested ? row->child : NULL; item; item = item->next)
            TRY(read_number(item, key, may_miss, value++));
    }
    return NULL;
}

/* A list with one number a row. */
static Status read_column(const cJSON *from, const char *key, bool may_miss, int64_t rows, Numbers *numbers) {
    TRY(read_numbers(from, key, may_miss, numbers));
    if (numbers->width != 1 || (rows && numbers->rows != rows))
        return status_error(EXIT_DATA, "%s must be a list with one number for each row", key);
    return NULL;
}

/* Labels and probabilities of one shape but, in the labels, for `width` columns. */
static Status read_pair(const cJSON *from, const char *second, bool one_label, Numbers *labels, Numbers *values) {
    TRY(read_numbers(from, "labels", true, labels));
    TRY(read_numbers(from, second, false, values));
    if (labels->rows != values->rows || labels->width != (one_label ? 1 : values->width))
        return status_error(EXIT_DATA, "labels and %s do not fit each other", second);
    return NULL;
}

/* --- Kinds -------------------------------------------------------------------------------------------------------- */

static void write_figures(Json *json, const Figure *table, const void *figures) {
    for (const Figure *figure = table; figure->name; figure++)
        json_double(json, figure->name, figure_value(figures, figure));
}

static void write_list(Json *json, const char *key, const double *values, int count) {
    json_array(json, key, JSON_LINE);
    for (int i = 0; i < count; i++)
        json_double(json, NULL, values[i]);
    json_end(json);
}

/* The places in the list that are not defined. */
static void write_undefined(Json *json, const double *values, int count) {
    json_array(json, "undefined", JSON_LINE);
    for (int i = 0; i < count; i++)
        if (isnan(values[i]))
            json_integer(json, NULL, i);
    json_end(json);
}

static Status run_classification(const cJSON *from, Numbers *numbers, Json *json) {
    TRY(read_pair(from, "probabilities", true, &numbers[0], &numbers[1]));
    const int classes = (int)numbers[1].width;
    const cJSON *wanted = cJSON_GetObjectItemCaseSensitive(from, "classes");
    if (wanted && (!cJSON_IsNumber(wanted) || wanted->valuedouble != classes))
        return status_error(EXIT_DATA, "classes is not the %d of each row of probabilities", classes);
    ClassificationFigures figures;
    double *aurocs = numbers[2].values = malloc((size_t)classes * sizeof(double) + 1);
    if (!aurocs)
        return status_no_memory("figures of classes", (size_t)classes * sizeof(double));
    TRY(classification_measure(numbers[0].values, numbers[1].values, numbers[0].rows, classes, &figures, aurocs));
    write_figures(json, classification_figures, &figures);
    write_list(json, "auroc_of_class", aurocs, classes);
    write_undefined(json, aurocs, classes);
    return NULL;
}

static Status run_multilabel(const cJSON *from, Numbers *numbers, Json *json) {
    TRY(read_pair(from, "probabilities", false, &numbers[0], &numbers[1]));
    const int outputs = (int)numbers[1].width;
    MultilabelFigures figures;
    double *aurocs = numbers[2].values = malloc((size_t)outputs * sizeof(double) + 1);
    if (!aurocs)
        return status_no_memory("figures of labels", (size_t)outputs * sizeof(double));
    TRY(multilabel_measure(numbers[0].values, numbers[1].values, numbers[0].rows, outputs, &figures, aurocs));
    write_figures(json, multilabel_figures, &figures);
    write_list(json, "auroc_of_label", aurocs, outputs);
    write_undefined(json, aurocs, outputs);
    return NULL;
}

static Status run_regression(const cJSON *from, Numbers *numbers, Json *json) {
    TRY(read_pair(from, "predictions", true, &numbers[0], &numbers[1]));
    if (numbers[1].width != 1)
        return status_error(EXIT_DATA, "predictions must be a list with one number for each row");
    RegressionFigures figures;
    TRY(regression_measure(numbers[0].values, numbers[1].values, numbers[0].rows, &figures));
    write_figures(json, regression_figures, &figures);
    return NULL;
}

static Status run_thresholds(const Numbers *labels, const Numbers *values, const Numbers *val_labels,
                             const Numbers *val_values, Json *json) {
    ThresholdFigures figures;
    TRY(thresholds_choose(val_labels->values, val_values->values, val_labels->rows, &figures));
    TRY(thresholds_measure(labels->values, values->values, NULL, labels->rows, &figures));
    write_figures(json, threshold_figures, &figures);
    return NULL;
}

static Status run_benefit(const Numbers *labels, const Numbers *values, const Numbers *at, Json *json) {
    NetBenefit benefit;
    for (int everyone = 0; everyone < 2; everyone++) {
        json_array(json, everyone ? "net_benefit_all" : "net_benefit", JSON_LINE);
        for (int64_t i = 0; i < at->rows; i++) {
            TRY(threshold_net_benefit(labels->values, values->values, NULL, labels->rows, at->values[i], &benefit));
            json_double(json, NULL, everyone ? benefit.everyone : benefit.model);
        }
        json_end(json);
    }
    return NULL;
}

static Status run_calibration(const cJSON *from, Numbers *numbers, Json *json) {
    TRY(read_column(from, "labels", true, 0, &numbers[0]));
    TRY(read_column(from, "probabilities", false, numbers[0].rows, &numbers[1]));
    CalibrationFigures figures;
    TRY(calibration_measure(numbers[0].values, numbers[1].values, numbers[0].rows, &figures));
    write_figures(json, calibration_figures, &figures);
    if (cJSON_HasObjectItem(from, "val_labels") || cJSON_HasObjectItem(from, "val_probabilities")) {
        TRY(read_column(from, "val_labels", true, 0, &numbers[2]));
        TRY(read_column(from, "val_probabilities", false, numbers[2].rows, &numbers[3]));
        TRY(run_thresholds(&numbers[0], &numbers[1], &numbers[2], &numbers[3], json));
    }
    if (!cJSON_HasObjectItem(from, "net_benefit_at"))
        return NULL;
    TRY(read_column(from, "net_benefit_at", false, 0, &numbers[4]));
    return run_benefit(&numbers[0], &numbers[1], &numbers[4], json);
}

static Status run_interval(const cJSON *from, Numbers *numbers, Json *json) {
    TRY(read_column(from, "labels", true, 0, &numbers[0]));
    const int64_t rows = numbers[0].rows;
    TRY(read_column(from, "scores", false, rows, &numbers[1]));
    TRY(read_column(from, "people", false, rows, &numbers[2]));
    if (cJSON_HasObjectItem(from, "other"))
        TRY(read_column(from, "other", false, rows, &numbers[3]));
    int64_t *people = malloc((size_t)rows * sizeof *people);
    if (!people)
        return status_no_memory("people", (size_t)rows * sizeof *people);
    Status status = NULL;
    for (int64_t row = 0; row < rows && !status; row++) {
        const double id = numbers[2].values[row];
        if (id != floor(id) || fabs(id) > 0x1p53)
            status = status_error(EXIT_DATA, "people holds %g, which is no whole number", id);
        else
            people[row] = (int64_t)id;
    }
    IntervalFigures figures;
    if (!status)
        status = interval_measure(&(IntervalInput){.labels = numbers[0].values,
                                                   .scores = numbers[1].values,
                                                   .other = numbers[3].values,
                                                   .people = people,
                                                   .rows = rows,
                                                   .bootstraps = BOOTSTRAPS,
                                                   .seed = BOOTSTRAP_SEED,
                                                   .threads = 1},
                                  &figures);
    free(people);
    if (!status)
        write_figures(json, interval_figures, &figures);
    return status;
}

enum { LISTS = 5 }; /* that a kind reads or needs at most */

static const struct {
    const char *name;
    Status (*run)(const cJSON *from, Numbers *numbers, Json *json);
    const char *const *keys;
} kinds[] = {
    {"classification", run_classification, (const char *const[]){"labels", "probabilities", "classes", NULL}},
    {"multilabel", run_multilabel, (const char *const[]){"labels", "probabilities", NULL}},
    {"regression", run_regression, (const char *const[]){"labels", "predictions", NULL}},
    {"calibration", run_calibration,
     (const char *const[]){"labels", "probabilities", "val_labels", "val_probabilities", "net_benefit_at", NULL}},
    {"interval", run_interval, (const char *const[]){"labels", "scores", "other", "people", NULL}},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* --- Cases -------------------------------------------------------------------------------------------------------- */

/* Every key is in `keys` or is a note, and none appears twice. */
static Status check_keys(const cJSON *object, const char *const *keys) {
    static const char *const notes[] = {"kind", "expected", "tolerance", "made_with", "note", "source", NULL};
    const cJSON *item;
    cJSON_ArrayForEach(item, object) {
        bool known = false;
        for (const char *const *key = keys; *key; key++)
            known |= !strcmp(*key, item->string);
        for (const char *const *note = notes; *note; note++)
            known |= !strcmp(*note, item->string);
        if (!known)
            return status_error(EXIT_DATA, "\"%s\" is a setting that is not known here", item->string);
        if (cJSON_GetObjectItemCaseSensitive(object, item->string) != item)
            return status_error(EXIT_DATA, "\"%s\" appears twice", item->string);
    }
    return NULL;
}

static Status run_case(const cJSON *from, Json *json) {
    const cJSON *kind = cJSON_GetObjectItemCaseSensitive(from, "kind");
    if (!cJSON_IsString(kind))
        return status_error(EXIT_DATA, "it has no kind");
    for (int k = 0; k < KINDS; k++)
        if (!strcmp(kinds[k].name, kind->valuestring)) {
            TRY(check_keys(from, kinds[k].keys));
            Numbers numbers[LISTS] = {0};
            json_object(json, NULL, JSON_INDENT);
            json_object(json, "metrics", JSON_INDENT);
            Status status = kinds[k].run(from, numbers, json);
            json_end(json);
            json_end(json);
            for (int i = 0; i < LISTS; i++)
                free(numbers[i].values);
            return status;
        }
    return status_error(EXIT_DATA, "the kind %s is not known here", kind->valuestring);
}

static Status run_cases(const cJSON *root, Json *json) {
    const cJSON *cases = cJSON_GetObjectItemCaseSensitive(root, "cases"), *item;
    if (!cJSON_IsArray(cases))
        return status_error(EXIT_DATA, "it has no list of cases");
    TRY(check_keys(root, (const char *const[]){"cases", NULL}));
    int number = 0;
    json_object(json, NULL, JSON_INDENT);
    json_array(json, "cases", JSON_INDENT);
    cJSON_ArrayForEach(item, cases) {
        Status status = run_case(item, json);
        if (status)
            return status_append(status, " (case %d)", number);
        number++;
    }
    json_end(json);
    json_end(json);
    json_newline(json);
    return NULL;
}

typedef struct {
    const char *input, *output;
} Arguments;

static const Option options[] = {
    {.name = "IN.json", .type = OPTION_PATH, .offset = offsetof(Arguments, input), .help = "The cases."},
    {.name = "OUT.json", .type = OPTION_PATH, .offset = offsetof(Arguments, output), .help = "Gets the figures."},
    {0},
};
static const ExitCode exits[] = {EXIT_USAGE, EXIT_DATA, EXIT_IO, EXIT_NO_MEMORY, EXIT_OK};
static const Program program = {
    .name = "metrics",
    .about = "Measures cases of labels and predictions and writes every figure of their kind; null: not defined.",
    .options = options,
    .exits = exits};

static Status run(void *context) {
    const Arguments *a = context;
    char *text;
    size_t size;
    TRY(files_read(a->input, &text, &size));
    cJSON *root = cJSON_ParseWithLengthOpts(text, size + 1, NULL, true);
    free(text);
    if (!cJSON_IsObject(root)) {
        cJSON_Delete(root);
        return status_error(EXIT_DATA, "%s: not a JSON object", a->input);
    }
    Json json;
    json_open(&json, NULL);
    Status status = run_cases(root, &json);
    cJSON_Delete(root);
    if (!status)
        return json_write(&json, a->output);
    char *unfinished;
    size_t length;
    status_free(json_close(&json, "the figures", &unfinished, &length));
    free(unfinished);
    return status_append(status, " in %s", a->input);
}

int main(int count, char **arguments) {
    Arguments a = {0};
    return program_main(&program, count, arguments, &a, run);
}
