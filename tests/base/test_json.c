/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON writer: its layouts, numbers and escapes, and copies of parsed values. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/json.h"
#include "tests/fixtures/check.h"

static void assert_written(Json *json, const char *wanted) {
    char *text;
    size_t size;
    assert_fine(json_close(json, "a test", &text, &size));
    assert_string_equal(text, wanted);
    assert_int_equal(size, strlen(wanted));
    free(text);
}

static void each_layout(void **state) {
    (void)state;
    static const struct {
        JsonLayout layout;
        const char *text;
    } cases[] = {
        {JSON_LINE, "{\"a\": 1, \"list\": [true, {\"b\": null}, {}], \"none\": []}"},
        {JSON_COMPACT, "{\"a\":1,\"list\":[true,{\"b\":null},{}],\"none\":[]}"},
        {JSON_INDENT, "{\n  \"a\": 1,\n  \"list\": [\n    true,\n    {\n      \"b\": null\n    },\n    {\n    }\n  ],\n"
                      "  \"none\": [\n  ]\n}"},
        {JSON_HANGING,
         "{\n  \"a\": 1,\n  \"list\": [\n    true,\n    {\n      \"b\": null},\n    {}],\n  \"none\": []}"},
        {JSON_TABS,
         "{\n\t\"a\":\t1,\n\t\"list\":\t[true, {\n\t\t\t\"b\":\tnull\n\t\t}, {\n\t\t}],\n\t\"none\":\t[]\n}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const JsonLayout layout = cases[i].layout;
        Json json;
        json_open(&json, NULL);
        json_object(&json, NULL, layout);
        json_integer(&json, "a", 1);
        json_array(&json, "list", layout);
        json_bool(&json, NULL, true);
        json_object(&json, NULL, layout);
        json_null(&json, "b");
        json_end(&json);
        json_object(&json, NULL, layout);
        json_end(&json);
        json_end(&json);
        json_array(&json, "none", layout);
        json_end(&json);
        json_end(&json);
        assert_written(&json, cases[i].text);
    }
}

static void numbers(void **state) {
    (void)state;
    Json json;
    json_open(&json, NULL);
    json_array(&json, NULL, JSON_LINE);
    json_integer(&json, NULL, INT64_MIN);
    json_unsigned(&json, NULL, UINT64_MAX);
    json_real(&json, NULL, 0.1f);
    json_real(&json, NULL, 1e300);
    json_real(&json, NULL, NAN);
    json_real(&json, NULL, -INFINITY);
    json_double(&json, NULL, 0.1);
    json_double(&json, NULL, NAN);
    json_hash(&json, NULL, 0xab);
    json_verbatim(&json, NULL, "[7]");
    json_end(&json);
    json_newline(&json);
    assert_written(&json, "[-9223372036854775808, 18446744073709551615, 0.100000001, 1e+300, null, null, "
                          "0.10000000000000001, null, "
                          "\"00000000000000ab\", [7]]\n");
}

static void escapes(void **state) {
    (void)state;
    static const char odd[] = "\"\\/\n\t\x01\x7f\xc3\xbc\xff";
    for (int cjsons = 0; cjsons < 2; cjsons++) {
        Json json;
        json_open(&json, NULL);
        json_object(&json, NULL, cjsons ? JSON_COMPACT : JSON_LINE);
        json_string(&json, odd, odd);
        json_end(&json);
        assert_written(
            &json, cjsons ? "{\"\\\"\\\\/\\n\\t\\u0001\x7f\xc3\xbc\xff\":\"\\\"\\\\/\\n\\t\\u0001\x7f\xc3\xbc\xff\"}"
                          : "{\"\\\"\\\\/\\u000a\\u0009\\u0001\\u007f\xc3\xbc\\ufffd\": "
                            "\"\\\"\\\\/\\u000a\\u0009\\u0001\\u007f\xc3\xbc\\ufffd\"}");
    }
}

/* As cJSON itself prints it. */
static void a_copy_is_cjsons(void **state) {
    (void)state;
    static const char text[] =
        "{\"a\": [1, 0, 2147483648, 1e15, 0.1, 0.30000000000000004, 9.2233720368547758e18, 1e999, "
        "true, false, null], \"\\u00fc\\n\": {\"b\": \"\\u007f\"}, \"c\": {}, \"d\": []}";
    cJSON *value = cJSON_Parse(text);
    assert_non_null(value);
    char *printed = cJSON_PrintUnformatted(value);
    Json json;
    json_open(&json, NULL);
    json_copy(&json, NULL, value);
    assert_written(&json, printed);
    cJSON_free(printed);
    cJSON_Delete(value);
}

static void a_deep_copy_is_cut(void **state) {
    (void)state;
    char text[2 * 200 + 1] = "";
    memset(text, '[', 200);
    memset(text + 200, ']', 200);
    cJSON *value = cJSON_Parse(text);
    assert_non_null(value);
    Json json;
    json_open(&json, NULL);
    json_copy(&json, NULL, value);
    assert_written(&json, "[[[[[[[[[[[[[[[[null]]]]]]]]]]]]]]]]");
    cJSON_Delete(value);
}

/* Deeper than any file of ours: the text is of no use, but nothing else is harmed. */
static void too_deep_does_no_harm(void **state) {
    (void)state;
    Json json;
    char *text;
    size_t size;
    json_open(&json, NULL);
    for (int i = 0; i < 100; i++)
        json_array(&json, NULL, JSON_LINE);
    for (int i = 0; i < 101; i++)
        json_end(&json);
    assert_fine(json_close(&json, "a test", &text, &size));
    assert_int_equal(size, 200);
    free(text);
}

static void to_a_stream(void **state) {
    (void)state;
    char text[64] = "";
    FILE *out = fmemopen(text, sizeof text, "w");
    assert_non_null(out);
    Json json;
    json_open(&json, out);
    json_object(&json, NULL, JSON_LINE);
    json_integer(&json, "a", 1);
    json_end(&json);
    json_newline(&json);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, "{\"a\": 1}\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_layout),
        cmocka_unit_test(numbers),
        cmocka_unit_test(escapes),
        cmocka_unit_test(a_copy_is_cjsons),
        cmocka_unit_test(a_deep_copy_is_cut),
        cmocka_unit_test(too_deep_does_no_harm),
        cmocka_unit_test(to_a_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
