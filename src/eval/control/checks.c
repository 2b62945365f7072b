/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/control/checks.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* A row as one of a group: a person or a photograph. */
typedef struct {
    int64_t group, split, row;
} Member;

static int compare_members(const void *a, const void *b) {
    const Member *left = a, *right = b;
    if (left->group != right->group)
        return left->group < right->group ? -1 : 1;
    return (left->row > right->row) - (left->row < right->row);
}

static bool is_labelled(const EvalRows *rows, int64_t row) {
    for (int output = 0; output < rows->outputs; output++)
        if (!isnan(rows->labels[row * rows->outputs + output]))
            return true;
    return false;
}

/* Groups with rows in two splits. */
static int64_t count_shared(const EvalRows *rows, const int64_t *groups, Member *list) {
    int64_t count = 0, shared = 0;
    for (int64_t row = 0; row < rows->count; row++)
        if (groups[row] >= 0 && is_labelled(rows, row))
            list[count++] = (Member){groups[row], rows->split[row], row};
    qsort(list, (size_t)count, sizeof *list, compare_members);
    for (int64_t first = 0, end; first < count; first = end) {
        bool two = false;
        for (end = first + 1; end < count && list[end].group == list[first].group; end++)
            two |= list[end].split != list[first].split;
        shared += two;
    }
    return shared;
}

/* The test rows with a label, person by person. */
static int64_t list_tests(const EvalRows *rows, Member *list) {
    int64_t count = 0;
    for (int64_t row = 0; row < rows->count; row++)
        if (rows->split[row] == PROBE_TEST && is_labelled(rows, row))
            list[count++] = (Member){rows->person[row] < 0 ? -1 - row : rows->person[row], PROBE_TEST, row};
    qsort(list, (size_t)count, sizeof *list, compare_members);
    return count;
}

static int commonest_class(const EvalRows *rows, const Member *tests, int64_t count, int output, int64_t *of_class) {
    int commonest = 0;
    for (int c = 0; c < rows->classes; c++)
        of_class[c] = 0;
    for (int64_t i = 0; i < count; i++) {
        const double label = rows->labels[tests[i].row * rows->outputs + output];
        if (!isnan(label))
            of_class[(int)label]++;
    }
    for (int c = 1; c < rows->classes; c++)
        if (of_class[c] > of_class[commonest])
            commonest = c;
    return commonest;
}

/* People with a label of the commonest class, and with another. */
static void count_people(const EvalRows *rows, const Member *tests, int64_t count, int output, int commonest,
                         int64_t *in, int64_t *beside) {
    *in = *beside = 0;
    for (int64_t first = 0, end; first < count; first = end) {
        bool one = false, other = false;
        for (end = first; end < count && tests[end].group == tests[first].group; end++) {
            const double label = rows->labels[tests[end].row * rows->outputs + output];
            one |= label == commonest;
            other |= !isnan(label) && label != commonest;
        }
        *in += one;
        *beside += other;
    }
}

static Status check_labels(const EvalRows *rows) {
    for (int64_t i = 0; i < rows->count * rows->outputs; i++) {
        const double label = rows->labels[i];
        if (!isnan(label) && (label < 0 || label >= rows->classes || label != floor(label)))
            return status_error(EXIT_DATA, "the label of row %lld is %g: the classes are 0 to %d",
                                (long long)(i / rows->outputs), label, rows->classes - 1);
    }
    return NULL;
}

static Status count_classes(const EvalRows *rows, const Member *tests, int64_t count, ControlChecks *checks) {
    TRY(check_labels(rows));
    int64_t *of_class = malloc((size_t)rows->classes * sizeof *of_class);
    if (!of_class)
        return status_no_memory("a list of classes", (size_t)rows->classes * sizeof *of_class);
    for (int output = 0; output < rows->outputs; output++) {
        int64_t in, beside;
        const int commonest = commonest_class(rows, tests, count, output, of_class);
        count_people(rows, tests, count, output, commonest, &in, &beside);
        if (output == 0 || (in < beside ? in : beside) > (checks->test_people_in < checks->test_people_beside
                                                              ? checks->test_people_in
                                                              : checks->test_people_beside)) {
            checks->test_people_in = in;
            checks->test_people_beside = beside;
        }
    }
    free(of_class);
    return NULL;
}

static Status count_tests(const EvalRows *rows, Member *list, ControlChecks *checks) {
    checks->test_images = list_tests(rows, list);
    for (int64_t i = 0; i < checks->test_images; i++)
        checks->test_people += i == 0 || list[i].group != list[i - 1].group;
    checks->test_people_in = checks->test_people_beside = checks->test_people / 2;
    return rows->kind == EVAL_REGRESSION ? NULL : count_classes(rows, list, checks->test_images, checks);
}

Status checks_count(const EvalRows *rows, ControlChecks *checks) {
    *checks = (ControlChecks){0};
    Member *list = malloc((size_t)(rows->count + 1) * sizeof *list);
    if (!list)
        return status_no_memory("a list of rows", (size_t)rows->count * sizeof *list);
    for (int64_t row = 0; row < rows->count; row++)
        if (is_labelled(rows, row)) {
            checks->images++;
            checks->images_of_nobody += rows->person[row] < 0;
        }
    checks->people_shared = count_shared(rows, rows->person, list);
    checks->copies_shared = count_shared(rows, rows->copies, list);
    Status status = count_tests(rows, list, checks);
    free(list);
    return status;
}
