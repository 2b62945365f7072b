/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/request.h"
#include "pool/request_files.h"
#include "tests/fixtures/check.h"
#include "tests/fixtures/temp.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void write_text(const char *path, const char *text, mode_t mode) {
    assert_fine(files_write(path, text, strlen(text)));
    assert_int_equal(chmod(path, mode), 0);
}

/* The request of this process for `arguments`. */
static Request make_request(char *const *arguments) {
    Request request;
    assert_fine(request_of_process(&request, arguments));
    return request;
}

/* What a process is asked to pass on comes back as it was: bytes that are no UTF-8, control characters, quotes. */
static void comes_back(void **state) {
    (void)state;
    char *const arguments[] = {"train", "", "a\xff\xc3(b", "\x01\x1b[0m\x7f", "\"'\\\n", NULL};
    setenv("FOVEA_TEST_BYTES", "\xfe=\xff", 1);
    Request request = make_request(arguments), again;
    request.wants = (JobWants){.gpus = 3,
                               .gpu_ids = {7, 2},
                               .gpu_id_count = 2,
                               .lane = "pool",
                               .gpu_memory = 80LL << 30,
                               .host_memory = -1,
                               .time_limit = 0.1,
                               .priority = -5,
                               .resumable = true};
    request.wants.after = calloc(2, sizeof *request.wants.after);
    request.wants.after[request.wants.after_count++] = 9007199254740991;
    request.micro_batch = 48;
    request.now = true;
    request.limits[RLIMIT_NOFILE] = (struct rlimit){64, 9223372036854775807ULL};
    request.limits[RLIMIT_CORE] = (struct rlimit){0, RLIM_INFINITY};
    char *text, *second;
    assert_fine(request_print(&request, &text));
    assert_fine(request_parse(text, &again));
    assert_fine(request_print(&again, &second));
    assert_string_equal(text, second);
    for (int i = 0; i < 5; i++)
        assert_string_equal(again.arguments[i], arguments[i]);
    assert_null(again.arguments[5]);
    assert_true(again.limits[RLIMIT_NOFILE].rlim_max == 9223372036854775807ULL);
    assert_true(again.limits[RLIMIT_CORE].rlim_max == RLIM_INFINITY);
    assert_true(again.wants.time_limit == 0.1);
    assert_int_equal(again.wants.after[0], 9007199254740991);
    bool found = false;
    for (int i = 0; i < again.environment_count; i++)
        found = found || strcmp(again.environment[i], "FOVEA_TEST_BYTES=\xfe=\xff") == 0;
    assert_true(found);
    assert_null(again.environment[again.environment_count]);
    char folder[PATH_MAX];
    assert_string_equal(again.folder, getcwd(folder, sizeof folder));
    assert_int_equal(again.umask, umask(again.umask));
    free(text);
    free(second);
    request_free(&request);
    request_free(&again);
}

/* A megabyte of arguments is a request; what is larger than REQUEST_BYTES is refused, printed or read. */
static void large_ones(void **state) {
    (void)state;
    enum { WORDS = 1024, WORD = 1024 };
    char *arguments[WORDS + 1] = {0}, *text;
    for (int i = 0; i < WORDS; i++) {
        arguments[i] = malloc(WORD + 1);
        memset(arguments[i], 'a' + i % 26, WORD);
        arguments[i][WORD] = '\0';
    }
    Request request = make_request(arguments), again;
    assert_fine(request_print(&request, &text));
    assert_fine(request_parse(text, &again));
    assert_int_equal(again.argument_count, WORDS);
    assert_string_equal(again.arguments[WORDS - 1], arguments[WORDS - 1]);
    request_free(&again);
    free(text);
    free(request.name);
    request.name = malloc(REQUEST_BYTES + 2);
    memset(request.name, 'n', REQUEST_BYTES + 1);
    request.name[REQUEST_BYTES + 1] = '\0';
    assert_refused(request_print(&request, &text), EXIT_USAGE, "at most");
    assert_null(text);
    assert_refused(request_parse(request.name, &again), EXIT_USAGE, "more than");
    request_free(&again);
    request_free(&request);
    for (int i = 0; i < WORDS; i++)
        free(arguments[i]);
}

/* `text` with `from` replaced by `to`; the caller's. */
static char *replace(const char *text, const char *from, const char *to) {
    const char *at = strstr(text, from);
    assert_non_null(at);
    const size_t before = (size_t)(at - text), size = strlen(text) + strlen(to) + 1;
    char *result = malloc(size);
    snprintf(result, size, "%.*s%s%s", (int)before, text, to, at + strlen(from));
    return result;
}

static void malformed(void **state) {
    (void)state;
    static const struct {
        const char *from, *to, *part;
    } changes[] = {
        {"\"arguments\":[\"a\"]", "\"arguments\":[]", "arguments"},
        {"\"arguments\":[\"a\"]", "\"arguments\":[\"\"]", "arguments"},
        {"\"arguments\":[\"a\"]", "\"arguments\":[1]", "arguments"},
        {"\"arguments\":[\"a\"]", "\"arguments\":\"a\"", "arguments"},
        {"\"arguments\"", "\"argument\"", "arguments"},
        {"\"environment\":[", "\"environment\":[\"=x\",", "environment"},
        {"\"environment\":[", "\"environment\":[\"x\",", "environment"},
        {"\"folder\":\"/", "\"folder\":\"", "folder"},
        {"\"umask\":", "\"umask\":1.5,\"u\":", "umask"},
        {"\"umask\":", "\"umask\":512,\"u\":", "umask"},
        {"\"limits\":[", "\"limits\":[[\"1\",\"1\"],", "limits"},
        {"\"limits\":[[\"", "\"limits\":[[\"-", "limits"},
        {"\"limits\":[[\"", "\"limits\":[[\"99999999999999999999", "limits"},
        {"\"files\":[", "\"files\":[{\"path\":\"/a\",\"hash\":\"00\"}", "files"},
        {"\"files\":[", "\"files\":[7", "path"},
        {"\"gpus\":1", "\"gpus\":0", "gpus"},
        {"\"gpus\":1", "\"gpus\":65", "gpus"},
        {"\"gpus\":1", "\"gpus\":1e999", "gpus"},
        {"\"gpu_ids\":[", "\"gpu_ids\":[-1", "gpu_ids"},
        {"\"lane\":\"", "\"lane\":\"0123456789012345678901234567890123456789012345678901234567890123", "lane"},
        {"\"time_limit\":0", "\"time_limit\":-1", "time_limit"},
        {"\"time_limit\":0", "\"time_limit\":null", "time_limit"},
        {"\"after\":[", "\"after\":[0", "after"},
        {"\"resumable\":false", "\"resumable\":0", "resumable"},
        {"\"wants\"", "\"want\"", "gpus"},
        {"\"now\"", "\"later\"", "now"},
    };
    char *const arguments[] = {"a", NULL};
    Request request = make_request(arguments), again;
    request.limits[0] = (struct rlimit){1, 1};
    char *text;
    assert_fine(request_print(&request, &text));
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        char *changed = replace(text, changes[i].from, changes[i].to);
        assert_refused(request_parse(changed, &again), EXIT_USAGE, changes[i].part);
        request_free(&again);
        free(changed);
    }
    /* Whatever is cut off, nothing but a status comes of it. */
    const size_t length = strlen(text);
    for (size_t cut = 0; cut < length; cut += cut < length - 600 ? 97 : 1) {
        char *part = strndup(text, cut);
        assert_refused(request_parse(part, &again), EXIT_USAGE, "not JSON");
        request_free(&again);
        free(part);
    }
    free(text);
    request_free(&request);
    assert_refused(request_parse("[]", &again), EXIT_USAGE, "arguments");
    request_free(&again);
    char *const none[] = {NULL};
    assert_refused(request_of_process(&request, none), EXIT_USAGE, "command is missing");
    request_free(&request);
}

/* The program by PATH, what lies beside it, and the configurations; each is missed when it changes. */
static void files_are_hashed(void **state) {
    char program[TEMP_PATH * 2], plugin[TEMP_PATH * 2], config[TEMP_PATH * 2], link[TEMP_PATH * 2], path[TEMP_PATH * 3];
    char folder[TEMP_PATH * 2];
    temp_path(state, "bin", folder);
    assert_fine(files_make_directory(folder));
    write_text(temp_path(state, "bin/tool", program), "#!/bin/sh\n", 0755);
    write_text(temp_path(state, "bin/libfovea_cuda.so", plugin), "plugin", 0644);
    write_text(temp_path(state, "a.ini", config), "[train]\n", 0644);
    assert_int_equal(symlink("bin/tool", temp_path(state, "tool", link)), 0);
    snprintf(path, sizeof path, "/nowhere::%s", ((Temp *)*state)->root);
    char *before = strdup(getenv("PATH"));
    setenv("PATH", path, 1);
    char *const arguments[] = {"tool", config, "missing.ini", "/dev/null", ".ini", folder, NULL};
    Request request = make_request(arguments);
    assert_fine(request_add_files(&request));
    setenv("PATH", before, 1);
    free(before);
    assert_int_equal(request.file_count, 3);
    assert_string_equal(request.files[0].path, link);
    assert_string_equal(request.files[1].path, plugin);
    assert_string_equal(request.files[2].path, config);
    /* sha256sum of "#!/bin/sh\n" */
    assert_string_equal(request.files[0].hash, "a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf");
    assert_fine(request_check_files(&request));
    write_text(config, "[train]\nsteps = 1\n", 0644);
    assert_refused(request_check_files(&request), EXIT_DATA, config);
    write_text(config, "[train]\n", 0644);
    assert_fine(request_check_files(&request));
    assert_int_equal(unlink(plugin), 0);
    assert_refused(request_check_files(&request), EXIT_DATA, plugin);
    /* A pipe in the plugin's place is not waited for. */
    assert_int_equal(mkfifo(plugin, 0600), 0);
    assert_refused(request_check_files(&request), EXIT_DATA, "not a file");
    request_free(&request);
    char *const missing[] = {"no-such-program", NULL};
    request = make_request(missing);
    assert_fine(request_add_files(&request));
    assert_int_equal(request.file_count, 0);
    request_free(&request);
}

static void commands_for_people(void **state) {
    (void)state;
    char *const arguments[] = {"./train",  "a b",  "",         "it's",  "\x1b[31m\n",
                               "\xc2\x9b", "\xff", "\xc3\xa9", "x=1,2", NULL};
    Request request = make_request(arguments);
    char *text;
    assert_fine(request_command(&request, &text));
    assert_string_equal(text, "./train 'a b' '' 'it'\\''s' '?[31m?' '?' '?' '\xc3\xa9' x=1,2");
    free(text);
    request_free(&request);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back),       cmocka_unit_test(large_ones),          cmocka_unit_test(malformed),
        cmocka_unit_test(files_are_hashed), cmocka_unit_test(commands_for_people),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
