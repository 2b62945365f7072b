/* SPDX-License-Identifier: Apache-2.0 */
/* An evaluation as a page and as a model card. With a folder as its argument the program writes those of each kind
 * there instead, for tests/e2e/report.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text_writer.h"
#include "eval/draw/markup.h"
#include "eval/draw/svg_plot.h"
#include "eval/draw/words.h"
#include "eval/report/card.h"
#include "eval/report/html.h"
#include "tests/fixtures/evaluation_make.h"
#include "tests/fixtures/full_run.h"
#include "tests/fixtures/temp.h"

#define assert_has(text, part)                                                                                         \
    do {                                                                                                               \
        if (!strstr(text, part))                                                                                       \
            fail_msg("\"%s\" is not in the file", part);                                                               \
    } while (0)

static char *written(void **state, const Made *made, Status (*write)(const Evaluation *, const char *)) {
    char path[TEMP_PATH * 2], *text;
    size_t size;
    assert_fine(write(&made->evaluation, temp_path(state, "report", path)));
    assert_fine(files_read(path, &text, &size));
    return text;
}

static int count_of(const char *text, const char *part) {
    int count = 0;
    for (const char *at = text; (at = strstr(at, part)); at++)
        count++;
    return count;
}

static char *marked(void (*markup)(FILE *, const char *), const char *text) {
    TextWriter writer;
    char *out;
    assert_fine(text_writer_open(&writer, "a text"));
    markup(writer.out, text);
    assert_fine(text_writer_take(&writer, &out));
    return out;
}

static void texts_are_escaped(void **state) {
    (void)state;
    static const struct {
        const char *text, *html, *markdown;
    } cases[] = {{"a<b>&\"c'", "a&lt;b&gt;&amp;&quot;c&#39;", "a\\<b\\>\\&\"c'"},
                 {"|`*_[x](y)", "|`*_[x](y)", "\\|\\`\\*\\_\\[x\\](y)"},
                 {"a\nb", "a\nb", "a b"},
                 {"\001\177\377", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
                 {"\xef\xbf\xbf!", "\xef\xbf\xbd!", "\xef\xbf\xbd\\!"},
                 {"\xc3\xa9", "\xc3\xa9", "\xc3\xa9"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *html = marked(markup_html, cases[i].text), *markdown = marked(markup_markdown, cases[i].text);
        assert_string_equal(html, cases[i].html);
        assert_string_equal(markdown, cases[i].markdown);
        free(html);
        free(markdown);
    }
}

/* A line is cut where it leaves the range, not drawn beside the chart. */
static void lines_are_cut(void **state) {
    (void)state;
    const Plot plot = {.title = "t", .x_title = "x", .y_title = "y", .x1 = 1, .y1 = 1};
    const CurvePoint points[] = {{0, 0.5}, {0.5, 1.5}, {1, NAN}}, outside[] = {{0, 2}, {1, 3}};
    char want[64];
    TextWriter writer;
    char *text;
    assert_fine(text_writer_open(&writer, "a line"));
    plot_line(&plot, writer.out, points, 3, 0);
    plot_line(&plot, writer.out, outside, 2, 1);
    assert_fine(text_writer_take(&writer, &text));
    snprintf(want, sizeof want, "d=\"M%.1f %.1fL%.1f %.1f\"", plot_x(&plot, 0), plot_y(&plot, 0.5), plot_x(&plot, 0.25),
             plot_y(&plot, 1));
    assert_has(text, want);
    assert_has(text, "class=\"line s1\" d=\"\"");
    free(text);
}

static void ranges_end_on_ticks(void **state) {
    (void)state;
    double low = 0.43, high = 0.91, one = 0.5, same = 0.5;
    plot_widen(&low, &high);
    assert_true(fabs(low - 0.4) < 1e-12 && fabs(high - 1) < 1e-12);
    plot_widen(&one, &same);
    assert_true(one < 0.5 && same > 0.5);
}

static void a_page_has_everything(void **state) {
    Made *made = made_open(EVAL_BINARY, (MadeOptions){.curve = true});
    char *text = written(state, made, report_write_html);
    static const char *const parts[] = {"runs/&lt;b&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/b&gt;|`x`",
                                        "Receiver operating characteristic",
                                        "Precision and recall",
                                        "Decision curve",
                                        "Score over training",
                                        "class=\"band\"",
                                        "Scores with scrambled labels",
                                        "<span class=\"verdict suspect\">",
                                        "Topcon &lt;TRC &amp; co&gt;",
                                        "fewer than 10 people in a class",
                                        "read 3 times before",
                                        "120 test images, 60 positive",
                                        "Threshold for 90 % specificity on val",
                                        "adjusted for 3 comparisons",
                                        "None is shown: the tested data are licensed",
                                        "prefers-color-scheme:dark",
                                        "@media print",
                                        "0123456789abcdef"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        assert_has(text, parts[i]);
    const Estimate *main = &made->list[0].scores.image.list[made->list[0].scores.image.main];
    assert_has(text, words_value(main->value, &main->interval).text);
    assert_has(text, words_value(made->list[1].other->difference, &made->list[1].other->interval).text);
    assert_has(text, "What follows is of <b>runs/\xef\xbf\xbd\xef\xbf\xbd[31mred\xef\xbf\xbd</b>");
    assert_null(strstr(text, "<script"));
    assert_null(strstr(text, "<img"));
    assert_null(strstr(text, "<b>\"a\""));
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf\""));
    assert_int_equal(count_of(text, "class=\"confusion\""), 3);
    /* A line a checkpoint, in each of three charts and its key, with a style of its own; calibration of two, and the
     * control's line of style 1. */
    assert_int_equal(count_of(text, "<path class=\"line s1\""), 3 * 2 + 2);
    assert_int_equal(count_of(text, "<path class=\"line s2\""), 3 * 2);
    assert_int_equal(count_of(text, "<path class=\"line s3\""), 0); /* none twice */
    free(text);
    made_free(made);
}

static void a_page_says_what_is_not_there(void **state) {
    Made *made = made_open(EVAL_BINARY, (MadeOptions){.plain = true, .people_unknown = true, .one_class = true});
    char *text = written(state, made, report_write_html);
    assert_has(text, "There is no ROC: all images are of one class.");
    assert_has(text, "It did not run: nothing is known of leaks.");
    assert_has(text, "the people of some images are not known");
    assert_has(text, "had not been read before");
    assert_null(strstr(text, "Receiver operating"));
    assert_null(strstr(text, "Score over training"));
    assert_null(strstr(text, "Difference from the baseline"));
    free(text);
    made_free(made);
}

static void pages_of_other_kinds(void **state) {
    static const char *const parts[] = {"", "class 2", "&lt;drusen&gt; &amp; &quot;more&quot;", "Quadratic kappa",
                                        "Mean label"};
    static const char *const examples[] = {
        "", "Label class 1; called class 0, probability 0.875", "Label positive; called negative, probability 0.875",
        "Label class 1; called class 0, probability 0.875", "Label 45.00; predicted 48.50, an error of 3.500"};
    for (EvalKind kind = EVAL_MULTICLASS; kind <= EVAL_REGRESSION; kind++) {
        Made *made = made_open(kind, (MadeOptions){.external = kind == EVAL_ORDINAL});
        char *text = written(state, made, report_write_html);
        assert_has(text, parts[kind]);
        assert_true((strstr(text, "Receiver operating") == NULL) == (kind == EVAL_REGRESSION));
        assert_true((strstr(text, "tasks/&lt;other&gt;.ini") != NULL) == (kind == EVAL_ORDINAL));
        assert_has(text, examples[kind]);
        assert_has(text, "patches count 0.25 to 3.50 times as much as on average");
        assert_int_equal(count_of(text, "<img "), 2 * 3);
        assert_int_equal(count_of(text, "\" src=\"data:image/png;base64,iVBORw0KGgo"), 2 * 3);
        assert_null(strstr(text, "None is shown"));
        free(text);
        made_free(made);
    }
}

/* --- Cards --- */

static void a_card_of_a_run(void **state) {
    char path[TEMP_PATH * 2];
    Made *made = made_open(EVAL_BINARY, (MadeOptions){0});
    RunRecord record;
    fill_full_record(&record);
    assert_fine(run_record_write(&record, temp_path(state, "run.json", path)));
    static const char config[] = "[data]\ntrain = packs/a|b\n[train]\nglobal_batch = 96\n[optim]\nbase_lr = 2e-4\n";
    assert_fine(files_write(temp_path(state, "config.ini", path), config, strlen(config)));
    made->list[0].encoder.source.run = ((Temp *)*state)->root;
    char *text = written(state, made, report_write_card), line[2048];
    const Estimate *main = &made->list[0].scores.image.list[made->list[0].scores.image.main];
    assert_has(text, "# Model card: runs/\\<b\\>\"a\" \\& 'b'\\</b\\>\\|\\`x\\`");
    assert_has(text, "| Objective | mae |");
    assert_has(text, "| Trained on | packs/a\\|b |");
    assert_has(text, "| Batch | 96 images |");
    assert_has(text, "| Learning rate | 0.0002 for 256 images");
    snprintf(line, sizeof line, "| Steps | %s of %s |", words_count(record.steps).text,
             words_count(record.total_steps).text);
    assert_has(text, line);
    snprintf(line, sizeof line, "| Images seen | %s, of", words_count(record.steps * 96).text);
    assert_has(text, line);
    snprintf(line, sizeof line, "by image: **%s**", words_value(main->value, &main->interval).text);
    assert_has(text, line);
    assert_has(text, "| drawn \\& \\<made\\> | 1.0 | 180 | train, val, test | licensed");
    assert_has(text, "| test | 120 | 60 | negative 60, positive 60 |");
    assert_has(text, "| Calibration slope |");
    assert_has(text, "**suspect**, p = 0.025");
    assert_has(text, "| device | rare | n/a | 9 | 18 | fewer than 10 people in a class |");
    run_record_close(&record);
    free(text);
    made_free(made);
}

static void a_card_says_what_is_not_known(void **state) {
    Made *made = made_open(EVAL_REGRESSION, (MadeOptions){.plain = true, .external = true});
    char *text = written(state, made, report_write_card);
    assert_has(text, "how long they were trained is not known");
    assert_has(text, "It did not run for this checkpoint.");
    assert_has(text, "| train, val | see the data set's own |");
    assert_has(text, "standard deviation");
    free(text);
    made->list[0].encoder.source.run = (char *)(uintptr_t) "no/such/run";
    text = written(state, made, report_write_card);
    assert_has(text, "| Not known | ");
    free(text);
    made->list[0].encoder.source.random = true;
    text = written(state, made, report_write_card);
    assert_has(text, "These are random weights");
    free(text);
    made_free(made);
}

static void a_full_disk_is_reported(void **state) {
    (void)state;
    Made *made = made_open(EVAL_REGRESSION, (MadeOptions){.plain = true});
    assert_refused(report_write_html(&made->evaluation, "/no/such/folder/x"), EXIT_IO, "/no/such/folder/x");
    assert_refused(report_write_card(&made->evaluation, "/no/such/folder/x"), EXIT_IO, "/no/such/folder/x");
    made_free(made);
}

/* --- For the script --- */

static int write_all(const char *folder) {
    static const char *const names[] = {"binary", "multiclass", "multilabel", "ordinal", "regression", "undefined"};
    char path[TEMP_PATH];
    for (int i = 0; i < 6; i++) {
        const MadeOptions options = i == 5 ? (MadeOptions){.plain = true, .people_unknown = true, .one_class = true}
                                           : (MadeOptions){.curve = i == 0, .external = i == 3};
        Made *made = made_open(i == 5 ? EVAL_BINARY : (EvalKind)i, options);
        snprintf(path, sizeof path, "%s/%s.html", folder, names[i]);
        assert_fine(report_write_html(&made->evaluation, path));
        snprintf(path, sizeof path, "%s/%s.md", folder, names[i]);
        assert_fine(report_write_card(&made->evaluation, path));
        made_free(made);
    }
    return 0;
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_escaped),       cmocka_unit_test(lines_are_cut),
        cmocka_unit_test(ranges_end_on_ticks),     cmocka_unit_test(a_page_has_everything),
        cmocka_unit_test(pages_of_other_kinds),    cmocka_unit_test(a_page_says_what_is_not_there),
        cmocka_unit_test(a_card_of_a_run),         cmocka_unit_test(a_card_says_what_is_not_known),
        cmocka_unit_test(a_full_disk_is_reported),
    };
    return argc > 1 ? write_all(argv[1]) : cmocka_run_group_tests(tests, temp_open, temp_close);
}
