/* SPDX-License-Identifier: Apache-2.0 */
/* control CASE.safetensors OUT.json --b 199
 *
 * Has the product run the leakage control over the features of a case and writes {"verdict", "reasons", "score", "p",
 * "null": the scrambled scores}. The main metric is AUROC, of classes their mean, or R2. A task, a setting or a tensor
 * that it does not know is refused. Nothing is computed here. */
#include "eval/control/control.h"

#include "base/json.h"
#include "base/program.h"
#include "base/safetensors.h"
#include "base/threads.h"
#include "eval/adapt/linear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *input, *output;
    int b;
} Arguments;

typedef struct {
    const SafeTensors *file;
    EvalRows rows;
    const float *features;
    int width;
    const char *metric;
    double *labels;
    int32_t *site;
    EvalColumn column;
} Case;

static const struct {
    const char *name;
    EvalKind kind;
    const char *metric;
} tasks[] = {{"binary", EVAL_BINARY, "auroc"},
             {"multiclass", EVAL_MULTICLASS, "auroc_macro_ovr"},
             {"regress", EVAL_REGRESSION, "r2"}};
enum { TASKS = sizeof tasks / sizeof *tasks };

/* --- Reading ---------------------------------------------------------------------------------------------------- */

static bool is_among(const char *name, const char *const *names) {
    while (*names && strcmp(*names, name) != 0)
        names++;
    return *names;
}

/* Nothing that could mean something else is there. */
static Status check_known(const SafeTensors *file) {
    static const char *const keys[] = {"kind",     "task", "classes", "grid",        "b",      "made_with", "names",
                                       "no_decay", "note", "source",  "standardise", "choose", "knn",       NULL};
    static const char *const names[] = {"features", "labels", "split", "person", "group", "site", NULL};
    const char *key;
    for (int i = 0; (key = safetensors_note_key(file, i)); i++)
        if (!is_among(key, keys))
            return status_error(EXIT_DATA, "the setting %s of the case is not known here", key);
    for (int i = 0; i < safetensors_count(file); i++)
        if (!is_among(safetensors_at(file, i)->name, names))
            return status_error(EXIT_DATA, "the tensor %s of the case is not known here",
                                safetensors_at(file, i)->name);
    return NULL;
}

/* The strengths are those of the product, which has no setting for them. */
static Status check_grid(const SafeTensors *file, EvalKind kind) {
    const char *text = safetensors_note(file, "grid"), *word = kind == EVAL_REGRESSION ? "alpha " : "C ";
    if (!text)
        return NULL;
    const int count = kind == EVAL_REGRESSION ? 13 : 15;
    const double first = kind == EVAL_REGRESSION ? -1 : -5;
    bool equal = strncmp(text, word, strlen(word)) == 0;
    char *end = (char *)text + strlen(word);
    for (int i = 0; i < count && equal; i++) {
        const double want = pow(10, first + i / 2.0), got = strtod(text = end, &end);
        equal = end != text && fabs(got - want) <= 1e-9 * want;
    }
    return equal && !*end ? NULL : status_error(EXIT_DATA, "the grid of the case is not that of the linear probe");
}

static Status read_task(Case *c) {
    const char *kind = safetensors_note(c->file, "kind"), *task = safetensors_note(c->file, "task");
    if (!kind || strcmp(kind, "control") != 0)
        return status_error(EXIT_DATA, "the case is of kind %s, not control", kind ? kind : "(none)");
    for (int t = 0; t < TASKS; t++)
        if (task && !strcmp(tasks[t].name, task)) {
            c->rows.kind = tasks[t].kind;
            c->metric = tasks[t].metric;
            return check_grid(c->file, c->rows.kind);
        }
    return status_error(EXIT_DATA, "the task %s of the case is not known here", task ? task : "(none)");
}

static Status find_tensor(const Case *c, const char *name, int dims, TensorType type, const Tensor **tensor) {
    *tensor = safetensors_find(c->file, name);
    if (!*tensor || (*tensor)->dims != dims || (*tensor)->type != type ||
        (c->rows.count && (*tensor)->shape[0] != c->rows.count))
        return status_error(EXIT_DATA,
                            "the case has no tensor %s of %d dimensions and type %s with a row for each of features",
                            name, dims, tensor_type_name(type));
    return NULL;
}

static Status find_numbers(const Case *c, const char *name, const int64_t **numbers) {
    const Tensor *tensor;
    TRY(find_tensor(c, name, 1, TYPE_I64, &tensor));
    *numbers = tensor->data;
    return NULL;
}

static Status read_labels(Case *c) {
    const Tensor *labels = safetensors_find(c->file, "labels");
    if (!labels || labels->dims != 1 || labels->count != c->rows.count)
        return status_error(EXIT_DATA, "the case has no tensor labels of one dimension and a row for each of features");
    c->labels = malloc((size_t)labels->count * sizeof *c->labels + 1);
    if (!c->labels)
        return status_no_memory("labels", (size_t)labels->count * sizeof *c->labels);
    for (int64_t i = 0; i < labels->count; i++)
        if (labels->type == TYPE_F64)
            c->labels[i] = ((const double *)labels->data)[i];
        else if (labels->type == TYPE_F32)
            c->labels[i] = (double)((const float *)labels->data)[i];
        else if (labels->type == TYPE_I64)
            c->labels[i] = (double)((const int64_t *)labels->data)[i];
        else
            return status_error(EXIT_DATA, "labels are of type %s, not F64, F32 or I64",
                                tensor_type_name(labels->type));
    c->rows.labels = c->labels;
    c->rows.outputs = 1;
    return NULL;
}

/* The classes of a task: named, or those that the labels have. */
static Status read_classes(Case *c) {
    const char *text = safetensors_note(c->file, "classes");
    double most = 1;
    for (int64_t i = 0; i < c->rows.count; i++)
        most = fmax(most, c->labels[i]);
    const double classes = text ? strtod(text, NULL) : c->rows.kind == EVAL_REGRESSION ? 1 : most + 1;
    if (c->rows.kind == EVAL_REGRESSION
            ? classes != 1
            : !(classes >= 2 && classes < 1 << 20) || (c->rows.kind == EVAL_BINARY && classes != 2))
        return status_error(EXIT_DATA, "the case has %g classes, which do not fit its task", classes);
    c->rows.classes = (int)classes;
    return NULL;
}

/* Sites are numbers of their own; they have no names. */
static Status read_site(Case *c) {
    const int64_t *site;
    TRY(find_numbers(c, "site", &site));
    c->site = malloc((size_t)c->rows.count * sizeof *c->site + 1);
    if (!c->site)
        return status_no_memory("sites", (size_t)c->rows.count * sizeof *c->site);
    for (int64_t i = 0; i < c->rows.count; i++) {
        if (site[i] < -1 || site[i] >= 1 << 20)
            return status_error(EXIT_DATA, "the site of row %lld is %lld", (long long)i, (long long)site[i]);
        c->site[i] = (int32_t)site[i];
        if (site[i] >= c->column.categories)
            c->column.categories = (int)site[i] + 1;
    }
    c->column.name = "site";
    c->column.category = c->site;
    c->rows.columns = &c->column;
    c->rows.column_count = c->column.categories > 0;
    return NULL;
}

static Status read_case(Case *c) {
    const Tensor *features;
    TRY(check_known(c->file));
    TRY(read_task(c));
    TRY(find_tensor(c, "features", 2, TYPE_F32, &features));
    c->rows.count = features->shape[0];
    c->width = (int)features->shape[1];
    c->features = features->data;
    TRY(find_numbers(c, "split", &c->rows.split));
    TRY(find_numbers(c, "person", &c->rows.person));
    TRY(find_numbers(c, "group", &c->rows.copies));
    for (int64_t i = 0; i < c->rows.count; i++)
        if (c->rows.split[i] < PROBE_TRAIN || c->rows.split[i] > PROBE_TEST)
            return status_error(EXIT_DATA, "the split of row %lld is %lld", (long long)i, (long long)c->rows.split[i]);
    TRY(read_labels(c));
    TRY(read_classes(c));
    return read_site(c);
}

/* --- Writing ------------------------------------------------------------------------------------------------------ */

static Status write_result(const ControlResult *r, const char *path) {
    Json json;
    json_open(&json, NULL);
    json_object(&json, NULL, JSON_INDENT);
    json_string(&json, "verdict", verdict_name(r->verdict));
    json_array(&json, "reasons", JSON_INDENT);
    for (int64_t i = 0; i < r->reason_count; i++)
        json_string(&json, NULL, r->reasons[i]);
    json_end(&json);
    json_double(&json, "score", r->score);
    json_double(&json, "p", r->p);
    json_array(&json, "null", JSON_LINE);
    for (int i = 0; i < r->b; i++)
        json_double(&json, NULL, r->null[i]);
    json_end(&json);
    json_end(&json);
    json_newline(&json);
    return json_write(&json, path);
}

static const Option options[] = {
    {.name = "CASE.safetensors",
     .type = OPTION_PATH,
     .offset = offsetof(Arguments, input),
     .help = "Features, labels, split, person, group, site."},
    {.name = "OUT.json", .type = OPTION_PATH, .offset = offsetof(Arguments, output), .help = "Gets what was found."},
    {.name = "--b",
     .value = "N",
     .type = OPTION_INT,
     .min = 1,
     .max = 99999,
     .offset = offsetof(Arguments, b),
     .required = true,
     .help = "Scrambled label sets."},
    {0},
};
static const ExitCode exits[] = {EXIT_USAGE, EXIT_DATA, EXIT_IO, EXIT_NO_MEMORY, EXIT_OK};
static const Program program = {.name = "control",
                                .about = "Runs the leakage control over a case's features and writes what it found.",
                                .options = options,
                                .exits = exits};

static Status run_control(const Case *c, int b, ControlResult *result) {
    Adapter *linear;
    const int threads = threads_available();
    TRY(linear_open(c->features, c->width, threads, &linear));
    Status status = control_run(
        &(ControlInput){
            .rows = &c->rows, .adapter = linear, .metric = c->metric, .b = b, .alpha = 0.05, .threads = threads},
        result);
    linear->close(linear);
    return status;
}

static Status run(void *context) {
    const Arguments *a = context;
    SafeTensors *file;
    TRY(safetensors_open(a->input, &file));
    Case c = {.file = file};
    ControlResult result = {0};
    Status status = read_case(&c);
    if (!status)
        status = run_control(&c, a->b, &result);
    if (!status)
        status = write_result(&result, a->output);
    control_free(&result);
    free(c.labels);
    free(c.site);
    safetensors_close(file);
    return status_append(status, " in %s", a->input);
}

int main(int count, char **arguments) {
    threads_wait_passively(arguments);
    Arguments a = {0};
    return program_main(&program, count, arguments, &a, run);
}
