/* SPDX-License-Identifier: Apache-2.0 */
/* An evaluation as text and as JSON: what is printed is what was measured. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text_writer.h"
#include "base/version.h"
#include "eval/draw/words.h"
#include "eval/report/json.h"
#include "eval/report/terminal.h"
#include "eval/score/figures.h"
#include "tests/fixtures/documented.h"
#include "tests/fixtures/evaluation_make.h"
#include "tests/fixtures/temp.h"

#define PAGE "docs/report.md"

/* --- Text --- */

static char *print(const Made *made) {
    TextWriter writer;
    char *text;
    assert_fine(text_writer_open(&writer, "a report"));
    assert_fine(report_print(&made->evaluation, writer.out));
    assert_fine(text_writer_take(&writer, &text));
    return text;
}

#define assert_prints(text, part)                                                                                      \
    do {                                                                                                               \
        if (!strstr(text, part))                                                                                       \
            fail_msg("\"%s\" is not in:\n%s", part, text);                                                             \
    } while (0)

static void numbers_in_words(void **state) {
    (void)state;
    const Interval interval = {"bootstrap", 0.77, 0.851, 0.02}, none = {NULL, NAN, NAN, NAN};
    assert_string_equal(words_number(0.8124).text, "0.812");
    assert_string_equal(words_number(-12.345).text, "-12.35");
    assert_string_equal(words_number(1234.4).text, "1234");
    assert_string_equal(words_number(0).text, "0.000");
    assert_string_equal(words_number(0.00004).text, "4.0e-05");
    assert_string_equal(words_number(NAN).text, "n/a");
    assert_string_equal(words_count(0).text, "0");
    assert_string_equal(words_count(1234567).text, "1,234,567");
    assert_string_equal(words_count(-1).text, "n/a");
    assert_string_equal(words_plural(1, "person", "people").text, "1 person");
    assert_string_equal(words_p(0.0004).text, "< 0.001");
    assert_string_equal(words_p(0.005).text, "0.005");
    assert_string_equal(words_value(0.8124, &interval).text, "0.812 (0.770 to 0.851)");
    assert_string_equal(words_value(0.8124, &none).text, "0.812");
    assert_string_equal(words_value(NAN, &none).text, "n/a");
    assert_string_equal(words_date(86400).text, "1970-01-02T00:00:00Z");
}

/* A figure without a title of its own would be printed by its name. */
static void every_figure_has_a_title(void **state) {
    (void)state;
    for (EvalKind kind = EVAL_BINARY; kind <= EVAL_REGRESSION; kind++) {
        const EvalRows rows = {.kind = kind, .classes = 3, .outputs = 2};
        ScoreFigure *list;
        int count;
        assert_fine(figures_list(&rows, &list, &count));
        for (int i = 0; i < count; i++)
            if (!strcmp(words_title(list[i].name), list[i].name))
                fail_msg("%s has no title", list[i].name);
        free(list);
    }
}

static void a_line_for_each_checkpoint(void **state) {
    (void)state;
    Made *made = made_open(EVAL_BINARY, (MadeOptions){.curve = true});
    char *text = print(made), line[2048];
    const Evaluated *first = &made->list[0];
    const Estimate *main = &first->scores.image.list[first->scores.image.main];
    snprintf(line, sizeof line, "%s  6 %%    %s  %s  %s  %s", first->name,
             words_value(main->value, &main->interval).text,
             words_value(first->scores.person.list[first->scores.person.main].value,
                         &first->scores.person.list[first->scores.person.main].interval)
                 .text,
             words_value(first->other->difference, &first->other->interval).text, words_p(first->other->adjusted).text);
    assert_prints(text, "p (Holm)");
    const char *row = strstr(text, first->name);
    assert_non_null(row);
    for (const char *cell = line + strlen(first->name); *cell; cell++) /* the row's words, whatever is between them */
        if (*cell != ' ') {
            row = strchr(row, *cell);
            assert_non_null(row);
        }
    assert_prints(text, " suspect  0.700 to 0.720 (3)");
    assert_prints(text, "suspect: people: of 18 of 180 images the person is not known");
    assert_prints(text, "baseline");
    assert_prints(text, "learning_rates/ckpt/step-12000");
    assert_prints(text, "runs/??[31mred?");          /* nothing that a terminal obeys */
    assert_prints(text, "runs/??[31mred?:\nfigure"); /* the longest trained is shown in full */
    assert_null(strchr(text, '\033'));
    assert_prints(text, "train: 30 images of 15 people; val: 30 images of 15 people; test: 120 images of 60 people.");
    assert_prints(text, "read 3 times before");
    assert_prints(text, "2 images could not be read");
    assert_prints(text, "A feature that was made from the label");
    assert_prints(text, "device: rare");
    assert_prints(text, "fewer than 10 people in a class");
    free(text);
    made_free(made);
}

static void what_is_not_there_is_said(void **state) {
    (void)state;
    Made *made = made_open(EVAL_BINARY, (MadeOptions){.plain = true, .people_unknown = true, .external = true});
    char *text = print(made);
    assert_null(strstr(text, "p (Holm)"));
    assert_null(strstr(text, "seeds"));
    assert_prints(text, "by person: the people of some images are not known");
    assert_prints(text, "had not been read before");
    assert_prints(text, "control did not run");
    assert_prints(text, "test: 120 images of a number of people that is not known.");
    assert_prints(text, "another set, tasks/<other>.ini, on which nothing was chosen");
    free(text);
    made_free(made);

    made = made_open(EVAL_BINARY, (MadeOptions){.one_class = true});
    text = print(made);
    assert_prints(text, "\nauroc: a class has no image, or all images are of one\nby person: "); /* once for all */
    assert_prints(text, "step-12000: difference: the metric is not defined of these images"); /* not the baseline's */
    free(text);
    made_free(made);
}

static void other_kinds_are_printed(void **state) {
    (void)state;
    for (EvalKind kind = EVAL_MULTICLASS; kind <= EVAL_REGRESSION; kind++) {
        Made *made = made_open(kind, (MadeOptions){.plain = true});
        char *text = print(made);
        assert_prints(text, made->evaluation.metric.name);
        assert_prints(text, kind == EVAL_MULTILABEL   ? "auroc_of_label edema"
                            : kind == EVAL_REGRESSION ? "calibration_slope"
                                                      : "auroc_of_class class 2");
        free(text);
        made_free(made);
    }
}

/* --- JSON --- */

static cJSON *write_json(void **state, const Made *made) {
    char path[TEMP_PATH * 2], *text;
    size_t size;
    assert_fine(report_write_json(&made->evaluation, temp_path(state, "report.json", path)));
    assert_fine(files_read(path, &text, &size));
    cJSON *json = cJSON_ParseWithLength(text, size);
    assert_non_null(json);
    free(text);
    return json;
}

static const cJSON *member(const cJSON *object, const char *key) {
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!value)
        fail_msg("there is no %s", key);
    return value;
}

static void assert_number(const cJSON *object, const char *key, double want) {
    const cJSON *value = member(object, key);
    if (isnan(want) ? !cJSON_IsNull(value) : !cJSON_IsNumber(value) || value->valuedouble != want)
        fail_msg("%s is not %.17g", key, want);
}

static void assert_string(const cJSON *object, const char *key, const char *want) {
    assert_string_equal(cJSON_GetStringValue(member(object, key)), want);
}

static void assert_interval(const cJSON *value, const Interval *want) {
    if (!want->method) {
        assert_true(cJSON_IsNull(value));
        return;
    }
    assert_number(value, "low", want->low);
    assert_number(value, "high", want->high);
    assert_number(value, "error", want->error);
    assert_string(value, "method", want->method);
}

static void assert_estimate(const cJSON *value, const Estimate *want) {
    int beside = 0;
    assert_string(value, "name", want->name);
    assert_number(value, "value", want->value);
    assert_number(value, "chance", want->chance);
    assert_number(value, "at", want->at);
    assert_number(value, "images", (double)want->images);
    assert_number(value, "people", want->people < 0 ? NAN : (double)want->people);
    assert_interval(member(value, "interval"), &want->interval);
    for (int i = 0; i < INTERVALS_BESIDE; i++)
        if (want->beside[i].method)
            assert_interval(cJSON_GetArrayItem(member(value, "beside"), beside++), &want->beside[i]);
    assert_int_equal(cJSON_GetArraySize(member(value, "beside")), beside);
    if (want->reason)
        assert_string(value, "reason", want->reason);
    else
        assert_true(cJSON_IsNull(member(value, "reason")));
}

static void assert_figures(const cJSON *list, const ScoreLevel *level) {
    assert_int_equal(cJSON_GetArraySize(list), level->count);
    for (int i = 0; i < level->count; i++)
        assert_estimate(cJSON_GetArrayItem(list, i), &level->list[i]);
}

static void json_has_what_was_measured(void **state) {
    for (EvalKind kind = EVAL_BINARY; kind <= EVAL_REGRESSION; kind++) {
        Made *made =
            made_open(kind, (MadeOptions){.curve = kind == EVAL_BINARY, .people_unknown = kind == EVAL_ORDINAL});
        cJSON *json = write_json(state, made);
        assert_string(json, "version", FOVEA_VERSION);
        assert_number(json, "bootstraps", MADE_BOOTSTRAPS);
        assert_number(member(json, "task"), "chance", made->evaluation.metric.chance);
        assert_int_equal(cJSON_GetArraySize(member(json, "checkpoints")), MADE_MOST);
        for (int i = 0; i < MADE_MOST; i++) {
            const Evaluated *want = &made->list[i];
            const cJSON *got = cJSON_GetArrayItem(member(json, "checkpoints"), i);
            assert_figures(member(member(got, "by_image"), "figures"), &want->scores.image);
            assert_figures(member(member(got, "by_person"), "figures"), &want->scores.person);
            assert_estimate(member(got, "main"), &want->scores.image.list[want->scores.image.main]);
            assert_number(got, "share", want->share);
            assert_number(got, "step", want->step < 0 ? NAN : (double)want->step);
            assert_true(cJSON_IsTrue(member(got, "baseline")) == (i == MADE_MOST - 1));
            assert_int_equal(cJSON_GetArraySize(member(got, "subgroups")), want->scores.subgroup_count);
            assert_int_equal(cJSON_GetArraySize(member(got, "confusions")), want->scores.confusion_count);
            assert_int_equal(cJSON_GetArraySize(member(got, "curves")), want->scores.part_count);
            if (want->other) {
                const cJSON *comparison = member(got, "comparison");
                assert_number(comparison, "difference", want->other->difference);
                assert_number(comparison, "p_adjusted", want->other->adjusted);
                assert_number(comparison, "value", want->scores.image.list[want->scores.image.main].value);
            }
        }
        const cJSON *control = member(cJSON_GetArrayItem(member(json, "checkpoints"), 0), "control");
        assert_int_equal(cJSON_GetArraySize(member(control, "null")), MADE_SCRAMBLES);
        assert_number(control, "p", made->list[0].control.p);
        cJSON_Delete(json);
        made_free(made);
    }
}

static void names_survive_json(void **state) {
    Made *made = made_open(EVAL_MULTILABEL, (MadeOptions){0});
    cJSON *json = write_json(state, made);
    const cJSON *list = member(json, "checkpoints");
    assert_string(cJSON_GetArrayItem(list, 0), "name", MADE_ODD);
    assert_string(cJSON_GetArrayItem(list, 1), "name", MADE_LONG);
    assert_string(cJSON_GetArrayItem(list, 2), "name", "runs/\001\033[31mred\xef\xbf\xbd");
    assert_true(cJSON_IsNull(member(member(cJSON_GetArrayItem(list, 2), "encoder"), "weights"))); /* random */
    assert_true(cJSON_IsNull(member(member(cJSON_GetArrayItem(list, 0), "encoder"), "sha256")));  /* all zero */
    assert_string(cJSON_GetArrayItem(member(cJSON_GetArrayItem(list, 0), "curves"), 0), "part", made->label_names[0]);
    cJSON_Delete(json);
    made_free(made);
}

/* --- The page --- */

typedef struct {
    DocumentedTable report, checkpoint, figure;
} Tables;

static void look_up_figures(Tables *tables, cJSON *list) {
    cJSON *figure;
    while ((figure = cJSON_DetachItemFromArray(list, 0))) {
        documented_look_up(&tables->figure, "", figure);
        cJSON_Delete(figure);
    }
}

/* Takes the members of a figure out of an object of which it has one. */
static void look_up_figure(Tables *tables, cJSON *figure) {
    documented_look_up(&tables->figure, "", figure);
    while (figure->child)
        cJSON_Delete(cJSON_DetachItemViaPointer(figure, figure->child));
}

static void look_up_report(Tables *tables, cJSON *json) {
    cJSON *checkpoint, *subgroup, *external = cJSON_DetachItemFromObjectCaseSensitive(json, "external");
    cJSON *list = cJSON_GetObjectItemCaseSensitive(json, "checkpoints");
    while ((checkpoint = cJSON_DetachItemFromArray(list, 0))) {
        look_up_figure(tables, cJSON_GetObjectItemCaseSensitive(checkpoint, "main"));
        look_up_figures(tables, cJSON_GetObjectItem(cJSON_GetObjectItem(checkpoint, "by_image"), "figures"));
        look_up_figures(tables, cJSON_GetObjectItem(cJSON_GetObjectItem(checkpoint, "by_person"), "figures"));
        cJSON_ArrayForEach(subgroup, cJSON_GetObjectItem(checkpoint, "subgroups"))
            look_up_figure(tables, cJSON_GetObjectItem(subgroup, "figure"));
        documented_look_up(&tables->checkpoint, "", checkpoint);
        cJSON_Delete(checkpoint);
    }
    documented_look_up(&tables->report, "", json);
    if (cJSON_IsObject(external)) { /* its fields are those of `data` */
        documented_look_up(&tables->report, "data", external);
        documented_row(&tables->report, "external")->seen = true;
    }
    cJSON_Delete(external);
}

static void fields_are_documented(void **state) {
    Tables *tables = malloc(sizeof *tables);
    assert_non_null(tables);
    documented_table(PAGE, "report.json", &tables->report);
    documented_table(PAGE, "Checkpoints", &tables->checkpoint);
    documented_table(PAGE, "Figures", &tables->figure);
    for (int i = 0; i < 4; i++) {
        Made *made =
            made_open(i == 2   ? EVAL_REGRESSION
                      : i == 3 ? EVAL_MULTILABEL
                               : EVAL_BINARY,
                      (MadeOptions){.curve = i == 0, .external = i == 0, .people_unknown = i == 1, .plain = i == 3});
        made->task.data.positive_from = i == 0 ? 2 : 0;
        made->task.features.image_size = 224;
        made->list[0].encoder.source.run = i == 0 ? (char *)(uintptr_t) "runs/x" : NULL;
        if (i == 0)
            made->list[0].comparison.reason = "planted";
        if (i == 0)
            made->list[0].scores.image.reason = "planted";
        cJSON *json = write_json(state, made);
        look_up_report(tables, json);
        cJSON_Delete(json);
        made_free(made);
    }
    assert_documented_seen(&tables->report);
    assert_documented_seen(&tables->checkpoint);
    assert_documented_seen(&tables->figure);
    free(tables);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_in_words),           cmocka_unit_test(every_figure_has_a_title),
        cmocka_unit_test(a_line_for_each_checkpoint), cmocka_unit_test(what_is_not_there_is_said),
        cmocka_unit_test(other_kinds_are_printed),    cmocka_unit_test(json_has_what_was_measured),
        cmocka_unit_test(names_survive_json),         cmocka_unit_test(fields_are_documented),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
