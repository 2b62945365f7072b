/* SPDX-License-Identifier: Apache-2.0 */
/* The loss curve: ticks, points, and that it is well-formed XML. */
#include "tests/fixtures/train_fixture.h"

#include "rundir/loss_curve.h"

#include <ctype.h>
#include <math.h>

static void ticks_are_round(void **state) {
    (void)state;
    static const struct {
        double span, tick;
    } cases[] = {{5, 1}, {10, 2}, {25, 5}, {12.5, 5}, {7.5, 2}, {30, 10}, {0.05, 0.01}, {0.4, 0.1}, {1e6, 2e5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) /* powers of ten carry rounding */
        assert_true(fabs(loss_curve_tick(cases[i].span, 5) / cases[i].tick - 1) < 1e-12);
}

static int count(const char *text, const char *part) {
    int found = 0;
    for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
        found++;
    return found;
}

/* Every tag is closed in the order of its opening, and attributes have quoted values. */
static void assert_well_formed(const char *xml) {
    char open[16][16];
    int depth = 0;
    while ((xml = strchr(xml, '<'))) {
        const char *end = strchr(xml, '>');
        assert_non_null(end);
        int quotes = 0;
        for (const char *at = xml; at < end; at++)
            quotes += *at == '"';
        assert_int_equal(quotes % 2, 0);
        char name[16] = "";
        for (int i = 0; i < 15 && isalpha((unsigned char)xml[1 + (xml[1] == '/') + i]); i++)
            name[i] = xml[1 + (xml[1] == '/') + i];
        if (xml[1] == '/') {
            assert_true(depth > 0);
            assert_string_equal(open[--depth], name);
        } else if (end[-1] != '/') {
            assert_true(depth < 16);
            strcpy(open[depth++], name);
        }
        xml = end;
    }
    assert_int_equal(depth, 0);
}

static char *draw(void **state, const char *metrics) {
    char from[TEMP_PATH * 2], to[TEMP_PATH * 2], *text;
    size_t size;
    assert_fine(files_write(temp_path(state, "metrics.jsonl", from), metrics, strlen(metrics)));
    assert_fine(loss_curve_write(from, temp_path(state, "curve.svg", to)));
    assert_fine(files_read(to, &text, &size));
    assert_well_formed(text);
    return text;
}

static void points_lie_where_they_belong(void **state) {
    char *svg = draw(state, "{\"step\": 0, \"loss_mean\": 2}\n{\"step\": 50, \"loss_mean\": 1}\n"
                            "{\"step\": 50, \"val_loss\": 1.5}\n{\"step\": 75, \"loss_mean\": null}\n"
                            "{\"step\": 100, \"loss_mean\": 1}\n");
    /* Between the axes: x 64 .. 700 for steps 0 .. 100, y 352 .. 24 for losses 1 .. 2. */
    assert_non_null(strstr(svg, "d=\"M64.0 24.0L382.0 352.0L700.0 352.0\""));
    assert_non_null(strstr(svg, "cx=\"382.0\" cy=\"188.0\""));
    assert_int_equal(count(svg, "<circle"), 2); /* one in the legend */
    assert_non_null(strstr(svg, ">validation<"));
    assert_non_null(strstr(svg, ">step<"));
    assert_non_null(strstr(svg, ">loss<"));
    assert_non_null(strstr(svg, ">1.2<"));
    assert_non_null(strstr(svg, ">80<"));
    assert_non_null(strstr(svg, "prefers-color-scheme:dark"));
    free(svg);
}

static void little_is_enough(void **state) {
    char *svg = draw(state, "");
    assert_null(strstr(svg, "nan"));
    assert_int_equal(count(svg, "<circle"), 0);
    free(svg);
    svg = draw(state, "{\"step\": 5, \"loss_mean\": 0.5}\nbroken");
    assert_null(strstr(svg, "nan"));
    assert_null(strstr(svg, "inf"));
    free(svg);
}

/* A long run's curve stays small, its last step stays on it. */
static void many_points_are_thinned(void **state) {
    enum { LINES = 40000 };
    char *metrics = malloc((size_t)LINES * 48);
    assert_non_null(metrics);
    size_t used = 0;
    for (int i = 1; i <= LINES; i++)
        used += (size_t)sprintf(metrics + used, "{\"step\": %d, \"loss_mean\": %g}\n", i, 1.0 + 1.0 / i);
    char *svg = draw(state, metrics);
    assert_true(strlen(svg) < 60000);
    assert_true(count(svg, "L") > 1000);
    free(svg);
    free(metrics);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_are_round),
        cmocka_unit_test(points_lie_where_they_belong),
        cmocka_unit_test(little_is_enough),
        cmocka_unit_test(many_points_are_thinned),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
