/* SPDX-License-Identifier: Apache-2.0 */
/* probe CASE.safetensors --out OUT.safetensors
 *
 * Has the product probe the features of a case by the grid in its __metadata__ and writes what the case expects, under
 * the names there. A task, a setting or a tensor that it does not know is refused. Nothing is computed here. */
#include "stats/probe.h"
#include "base/program.h"
#include "base/safetensors.h"
#include "base/safetensors_write.h"
#include "base/threads.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *input, *output;
} Arguments;

typedef struct {
    const SafeTensors *file;
    ProbeInput input;
    double *labels, *grid;
} Case;

static const char *const tasks[] = {
    [PROBE_BINARY] = "binary",
    [PROBE_MULTICLASS] = "multiclass",
    [PROBE_MULTILABEL] = "multilabel",
    [PROBE_REGRESS] = "regress",
};
enum { TASKS = sizeof tasks / sizeof *tasks };

/* --- Reading ---------------------------------------------------------------------------------------------------- */

static bool is_among(const char *name, const char *const *names) {
    while (*names && strcmp(*names, name) != 0)
        names++;
    return *names;
}

/* Nothing that could mean something else is there. */
static Status check_known(const SafeTensors *file) {
    static const char *const keys[] = {"kind", "task",   "classes",     "grid",   "made_with", "names",     "no_decay",
                                       "note", "source", "standardise", "choose", "knn",       "objective", NULL};
    static const char *const names[] = {"features", "labels", "split", "person", NULL};
    const char *key;
    for (int i = 0; (key = safetensors_note_key(file, i)); i++)
        if (!is_among(key, keys))
            return status_error(EXIT_DATA, "the setting %s of the case is not known here", key);
    for (int i = 0; i < safetensors_count(file); i++) {
        const char *name = safetensors_at(file, i)->name;
        if (!is_among(name, names) && strncmp(name, "expected.", 9) != 0)
            return status_error(EXIT_DATA, "the tensor %s of the case is not known here", name);
    }
    return NULL;
}

static Status read_task(Case *c) {
    const char *kind = safetensors_note(c->file, "kind"), *task = safetensors_note(c->file, "task");
    if (!kind || strcmp(kind, "probe") != 0)
        return status_error(EXIT_DATA, "the case is of kind %s, not probe", kind ? kind : "(none)");
    for (int t = 0; t < TASKS; t++)
        if (task && !strcmp(tasks[t], task)) {
            c->input.task = (ProbeTask)t;
            return NULL;
        }
    return status_error(EXIT_DATA, "the task %s of the case is not known here", task ? task : "(none)");
}

/* "C 0.1 1 10", or "alpha ..." for ridge regression. */
static Status read_grid(Case *c) {
    const char *text = safetensors_note(c->file, "grid");
    const char *word = c->input.task == PROBE_REGRESS ? "alpha " : "C ";
    if (!text || strncmp(text, word, strlen(word)) != 0)
        return status_error(EXIT_DATA, "the grid of the case is not \"%s\" and strengths", word);
    c->grid = malloc((strlen(text) / 2 + 1) * sizeof *c->grid);
    if (!c->grid)
        return status_no_memory("a grid", strlen(text) / 2 * sizeof *c->grid);
    char *end;
    for (text += strlen(word); *text; text = end) {
        c->grid[c->input.strengths++] = strtod(text, &end);
        if (end == text || (*end && *end != ' '))
            return status_error(EXIT_DATA, "the grid of the case holds \"%s\", which is no number", text);
    }
    c->input.grid = c->grid;
    return NULL;
}

static Status find_tensor(const Case *c, const char *name, int dims, const Tensor **tensor) {
    *tensor = safetensors_find(c->file, name);
    if (!*tensor || (*tensor)->dims != dims || (c->input.rows && (*tensor)->shape[0] != c->input.rows))
        return status_error(EXIT_DATA, "the case has no tensor %s of %d dimensions and a row for each of features",
                            name, dims);
    return NULL;
}

static Status read_labels(Case *c) {
    const Tensor *labels;
    TRY(find_tensor(c, "labels", c->input.task == PROBE_MULTILABEL ? 2 : 1, &labels));
    c->input.outputs = labels->dims == 2 ? (int)labels->shape[1] : 1;
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
    c->input.labels = c->labels;
    return NULL;
}

/* What the case calls classes: those of a label, or the number of labels or outputs. */
static Status read_classes(Case *c) {
    const char *text = safetensors_note(c->file, "classes");
    const int classes = text ? atoi(text) : 0;
    const bool fits = c->input.task == PROBE_REGRESS      ? classes == 1
                      : c->input.task == PROBE_MULTILABEL ? classes == 2 || classes == c->input.outputs
                      : c->input.task == PROBE_BINARY     ? classes == 2
                                                          : classes >= 2;
    c->input.classes = c->input.task == PROBE_MULTICLASS ? classes : 2;
    return fits ? NULL
                : status_error(EXIT_DATA, "the case has %s classes, which do not fit its task", text ? text : "no");
}

static Status read_case(Case *c) {
    const Tensor *features, *split;
    TRY(check_known(c->file));
    TRY(read_task(c));
    TRY(read_grid(c));
    TRY(find_tensor(c, "features", 2, &features));
    c->input.rows = features->shape[0];
    c->input.width = (int)features->shape[1];
    TRY(find_tensor(c, "split", 1, &split));
    if (features->type != TYPE_F32 || split->type != TYPE_I64)
        return status_error(EXIT_DATA, "features must be F32 and split I64, not %s and %s",
                            tensor_type_name(features->type), tensor_type_name(split->type));
    c->input.features = features->data;
    c->input.split = split->data;
    TRY(read_labels(c));
    return read_classes(c);
}

/* --- Writing ------------------------------------------------------------------------------------------------------ */

enum { MOST_TENSORS = 7 };

typedef struct {
    Tensor list[MOST_TENSORS];
    int count;
} Tensors;

/* A tensor of one more side, the labels of PROBE_MULTILABEL, in front of `shape`; a side of -1 is no side. */
static void add_tensor(const Case *c, Tensors *tensors, const char *name, TensorType type, const void *data,
                       const int64_t shape[3]) {
    Tensor *tensor = &tensors->list[tensors->count++];
    *tensor = (Tensor){.name = name, .type = type, .count = 1, .data = data};
    if (c->input.task == PROBE_MULTILABEL)
        tensor->shape[tensor->dims++] = c->input.outputs;
    for (int side = 0; side < 3; side++)
        if (shape[side] >= 0)
            tensor->shape[tensor->dims++] = shape[side];
    for (int side = 0; side < tensor->dims; side++)
        tensor->count *= tensor->shape[side];
}

static Status write_result(const Case *c, const ProbeResult *r, const char *path) {
    const int64_t grid = c->input.strengths, width = c->input.width, logits = r->logits;
    const bool regress = c->input.task == PROBE_REGRESS;
    Tensors t = {0};
    add_tensor(c, &t, "coef", TYPE_F64, r->coefficients,
               regress ? (int64_t[]){grid, width, -1} : (int64_t[]){grid, logits, width});
    add_tensor(c, &t, "intercept", TYPE_F64, r->intercepts, (int64_t[]){grid, logits, -1});
    add_tensor(c, &t, regress ? "prediction" : "probability", TYPE_F64, r->predictions,
               (int64_t[]){grid, r->tests, regress ? -1 : r->values});
    add_tensor(c, &t, "val", TYPE_F64, r->scores, (int64_t[]){grid, -1, -1});
    add_tensor(c, &t, "objective", TYPE_F64, r->objectives, (int64_t[]){grid, -1, -1});
    add_tensor(c, &t, "chosen", TYPE_I64, r->chosen, (int64_t[]){c->input.task == PROBE_MULTILABEL ? -1 : 1, -1, -1});
    if (r->neighbours)
        add_tensor(c, &t, "knn", TYPE_F64, r->neighbours, (int64_t[]){r->tests, r->values, -1});
    return safetensors_write(path, t.list, t.count, NULL, 0);
}

static const Option options[] = {
    {.name = "CASE.safetensors",
     .type = OPTION_PATH,
     .offset = offsetof(Arguments, input),
     .help = "Features, labels, split."},
    {.name = "--out",
     .value = "OUT.safetensors",
     .type = OPTION_PATH,
     .offset = offsetof(Arguments, output),
     .required = true,
     .help = "Gets what was computed."},
    {0},
};
static const ExitCode exits[] = {EXIT_USAGE, EXIT_DATA, EXIT_IO, EXIT_NO_MEMORY, EXIT_OK};
static const Program program = {.name = "probe",
                                .about = "Fits linear probes and neighbours to a case's features and writes them.",
                                .options = options,
                                .exits = exits};

static Status run(void *context) {
    const Arguments *a = context;
    SafeTensors *file;
    TRY(safetensors_open(a->input, &file));
    Case c = {.file = file, .input = {.threads = threads_available()}};
    ProbeResult result = {0};
    Status status = read_case(&c);
    if (!status)
        status = probe_run(&c.input, &result);
    if (!status)
        status = write_result(&c, &result, a->output);
    probe_free(&result);
    free(c.labels);
    free(c.grid);
    safetensors_close(file);
    return status_append(status, " in %s", a->input);
}

int main(int count, char **arguments) {
    threads_wait_passively(arguments);
    Arguments a = {0};
    return program_main(&program, count, arguments, &a, run);
}
