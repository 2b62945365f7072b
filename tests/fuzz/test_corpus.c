/* SPDX-License-Identifier: Apache-2.0 */
/* The kept inputs of the fuzzers (tests/fuzz/corpus), each read once: files that reached something new, and those that
 * once did harm. tests/e2e/fuzz.sh finds more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fixtures/check.h"
#include "tests/fixtures/temp.h"
#include "tests/fuzz/inputs.h"

#include <dirent.h>

static void read_corpus(void **state, const char *folder, FuzzInput read, int least) {
    DIR *directory = opendir(folder);
    assert_non_null(directory);
    int count = 0;
    for (const struct dirent *entry; (entry = readdir(directory));) {
        char path[TEMP_PATH * 2], *data;
        size_t size;
        if (*entry->d_name == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        assert_fine(files_read(path, &data, &size));
        read(((Temp *)*state)->root, (const uint8_t *)data, size);
        free(data);
        count++;
    }
    closedir(directory);
    assert_true(count >= least);
}

static void kept_pth(void **state) {
    read_corpus(state, "tests/fuzz/corpus/pth", fuzz_pth, 10);
}

static void kept_safetensors(void **state) {
    read_corpus(state, "tests/fuzz/corpus/safetensors", fuzz_safetensors, 10);
}

static void kept_json(void **state) {
    read_corpus(state, "tests/fuzz/corpus/json", fuzz_json, 10);
}

static void kept_ini(void **state) {
    read_corpus(state, "tests/fuzz/corpus/ini", fuzz_ini, 10);
}

static void kept_requests(void **state) {
    read_corpus(state, "tests/fuzz/corpus/request", fuzz_request, 10);
}

static void kept_rules(void **state) {
    read_corpus(state, "tests/fuzz/corpus/rule", fuzz_rule, 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_pth), cmocka_unit_test(kept_safetensors), cmocka_unit_test(kept_json),
        cmocka_unit_test(kept_ini), cmocka_unit_test(kept_requests),    cmocka_unit_test(kept_rules),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
