/* SPDX-License-Identifier: Apache-2.0 */
/* The list of findings as it is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fixtures/tree.h"

static void they_are_written_by_fate_kind_and_path(void **state) {
    Findings findings = {0};
    assert_ok(findings_add(&findings, FINDING_LATERALITY, "a.dcm", "", "x"));
    assert_ok(findings_add(&findings, FINDING_OUTSIDE, "../b", "", "tab\there, back\\slash\r\nline"));
    assert_ok(findings_add(&findings, FINDING_DUPLICATE, "d", "c", ""));
    assert_ok(findings_add(&findings, FINDING_DUPLICATE, "d", "b", ""));
    assert_ok(findings_add(&findings, FINDING_CONTRADICTION, "z", "", "person"));
    assert_ok(findings_add(&findings, FINDING_MISSING, "y", "", ""));
    assert_ok(findings_add(&findings, FINDING_MISSING, "x", "", ""));
    assert_int_equal(findings_count(&findings, FATE_QUARANTINED), 3);
    assert_int_equal(findings_count(&findings, FATE_EXCLUDED), 2);
    assert_int_equal(findings_count(&findings, FATE_REFUSED), 1);
    assert_int_equal(findings_count(&findings, FATE_WARNED), 1);
    char *path = scratch_path(*state, "findings.tsv"), *text;
    size_t size;
    assert_ok(findings_write(&findings, path));
    assert_ok(files_read(path, &text, &size));
    assert_string_equal(text, "fate\tkind\tpath\tother\tdetail\n"
                              "quarantined\tmissing\tx\t\t\n"
                              "quarantined\tmissing\ty\t\t\n"
                              "quarantined\tcontradiction\tz\t\tperson\n"
                              "excluded\tduplicate\td\tb\t\n"
                              "excluded\tduplicate\td\tc\t\n"
                              "refused\toutside\t../b\t\ttab\\there, back\\\\slash\\r\\nline\n"
                              "told\tlaterality\ta.dcm\t\tx\n");
    free(text);
    free(path);
    findings_close(&findings);
    assert_int_equal(findings.count, 0);
}

/* The file is sorted by kind, and promises to be sorted by fate. */
static void kinds_stand_in_the_order_of_fates(void **state) {
    (void)state;
    for (int kind = 0; kind < FINDING_KINDS; kind++) {
        assert_non_null(finding_name((FindingKind)kind));
        if (kind)
            assert_true(finding_fate((FindingKind)kind) >= finding_fate((FindingKind)(kind - 1)));
        for (int other = 0; other < kind; other++)
            assert_string_not_equal(finding_name((FindingKind)kind), finding_name((FindingKind)other));
    }
}

static void none_and_many(void **state) {
    Findings findings = {0};
    char *path = scratch_path(*state, "findings.tsv"), *text;
    size_t size;
    assert_ok(findings_write(&findings, path));
    assert_ok(files_read(path, &text, &size));
    assert_string_equal(text, "fate\tkind\tpath\tother\tdetail\n");
    free(text);
    free(path);
    for (int i = 0; i < 1000; i++)
        assert_ok(findings_add(&findings, FINDING_EMPTY, "a", "", ""));
    assert_int_equal(findings_count(&findings, FATE_QUARANTINED), 1000);
    findings_close(&findings);
}

/* docs/stage.md has a row for each kind, with its fate, and no other. */
static void the_page_lists_every_kind(void **state) {
    (void)state;
    static const char *const fates[] = {[FATE_QUARANTINED] = "quarantined",
                                        [FATE_EXCLUDED] = "excluded",
                                        [FATE_REFUSED] = "refused",
                                        [FATE_WARNED] = "warned"};
    char *page, row[64];
    size_t size;
    assert_ok(files_read("docs/stage.md", &page, &size));
    const char *at = strstr(page, "### Findings");
    assert_non_null(at);
    at = strstr(at, "|---|---|---|\n");
    assert_non_null(at);
    for (int kind = 0; kind < FINDING_KINDS; kind++) {
        at = strchr(at, '\n') + 1;
        snprintf(row, sizeof row, "| `%s` | %s | ", finding_name((FindingKind)kind),
                 fates[finding_fate((FindingKind)kind)]);
        if (strncmp(at, row, strlen(row)) != 0)
            fail_msg("docs/stage.md has not \"%s\" but \"%.60s\"", row, at);
    }
    assert_true(strncmp(strchr(at, '\n') + 1, "\n", 1) == 0);
    free(page);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(they_are_written_by_fate_kind_and_path, tree_setup, tree_teardown),
        cmocka_unit_test(kinds_stand_in_the_order_of_fates),
        cmocka_unit_test(the_page_lists_every_kind),
        cmocka_unit_test_setup_teardown(none_and_many, tree_setup, tree_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
