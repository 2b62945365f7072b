/* SPDX-License-Identifier: Apache-2.0 */
/* Which record of which shard is read back for an input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stage/pack/shard_records.h"
#include "tests/fixtures/scratch.h"

enum { INPUTS = 9, SHARDS = 3, HEADER = 5 };

/* Shards of 4, 3 and 2 inputs; the last one was not written. A record is one pixel, its levels the input's number. */
static const bool packed[INPUTS] = {true, false, true, true, false, true, true, true, true};
static const unsigned char first[] = {'-', '-', '-', '-', '-', 0, 0, 0, 2, 2, 2, 3, 3, 3};
static const unsigned char second[] = {'-', '-', '-', '-', '-', 5, 5, 5, 6, 6, 6};

static void each_input_has_its_own_record(void **state) {
    (void)state;
    char *root = scratch_make();
    char *folder = scratch_path(root, "shards");
    assert_ok(files_make_directory(folder));
    free(folder);
    scratch_write(root, "shards/00000.h5", first, sizeof first);
    scratch_write(root, "shards/00001.h5", second, sizeof second);

    Outcome outcomes[INPUTS] = {0};
    for (int i = 0; i < INPUTS; i++)
        outcomes[i].packed = packed[i];
    ShardState shards[SHARDS] = {{.first = 0, .count = 4, .entry = {.records = 3, .offset = HEADER}},
                                 {.first = 4, .count = 3, .entry = {.records = 2, .offset = HEADER}},
                                 {.first = 7, .count = 2}};
    const PipelineResult result = {.outcomes = outcomes, .shards = shards, .shard_count = SHARDS};
    const Output output = {.path = root};
    const StageSource source = {.info = {.image_size = 1}, .count = INPUTS};
    int64_t places[INPUTS];
    shard_records_places(&result, places);
    for (int i = 0; i < INPUTS; i++) {
        uint8_t record[3] = {99, 99, 99};
        bool found;
        if (!packed[i])
            continue;
        assert_ok(shard_records_read(&output, &source, &result, i, places[i], record, &found));
        assert_int_equal(found, i < shards[2].first);
        for (int channel = 0; found && channel < 3; channel++)
            assert_int_equal(record[channel], i);
    }
    scratch_remove(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_input_has_its_own_record)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
