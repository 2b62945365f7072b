/* SPDX-License-Identifier: Apache-2.0 */
/* What a shard's journal keeps, when it stands for the shard, and what duplicates do to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stage/pack/journal.h"
#include "stage/pack/shard.h"
#include "tests/fixtures/scratch.h"

#include <math.h>

enum { COUNT = 6 };

/* Six files of three people, in the order of their paths; the texts are not freed. */
typedef struct {
    char *root;
    StageSource source;
    StageInput inputs[COUNT];
    float labels[COUNT];
    Outcome outcomes[COUNT];
} Fixture;

static void open_fixture(Fixture *fixture) {
    static char *const paths[COUNT] = {"a.png", "b.png", "c\td.png", "e.png", "f.png", "g.png"};
    static char *const people[COUNT] = {"1", "1", "2", "2", "3", "3"};
    static char *names[] = {"hba1c"};
    *fixture = (Fixture){.root = scratch_make()};
    for (int i = 0; i < COUNT; i++) {
        fixture->labels[i] = i ? (float)i : NAN;
        fixture->inputs[i] = (StageInput){.path = paths[i],
                                          .person = people[i],
                                          .device = "desk",
                                          .modality = "cfp",
                                          .split = i < 4 ? PACK_SPLIT_TRAIN : PACK_SPLIT_VAL,
                                          .labels = &fixture->labels[i]};
        scratch_write(fixture->root, paths[i], paths[i], (size_t)i + 1);
    }
    fixture->source = (StageSource){.root = fixture->root,
                                    .info = {.image_size = 16, .label_names = names, .label_count = 1},
                                    .inputs = fixture->inputs,
                                    .count = COUNT};
}

static void close_fixture(Fixture *fixture) {
    for (int i = 0; i < COUNT; i++)
        outcome_close(&fixture->outcomes[i]);
    scratch_remove(fixture->root);
}

/* A packed outcome whose content is `content`. */
static Outcome packed(uint8_t content) {
    Outcome outcome = {.settled = true,
                       .packed = true,
                       .hashed = true,
                       .checksum = 0xfedcba9876543210u + content,
                       .phash = (uint64_t)1 << (content & 63),
                       .framing = {.circle = {100.125f, 1.0f / 3, 1e-7f, 0.9f}, .crop = {-3, 4, 500, 500}, .flags = 2},
                       .size = {480, 640},
                       .bytes = 1234};
    for (int i = 0; i < 32; i++)
        outcome.sha256[i] = (uint8_t)(content + i);
    return outcome;
}

static void assert_same(const Outcome *a, const Outcome *b) {
    assert_int_equal(a->settled, b->settled);
    assert_int_equal(a->packed, b->packed);
    assert_int_equal(a->hashed, b->hashed);
    assert_memory_equal(a->sha256, b->sha256, 32);
    assert_int_equal(a->checksum, b->checksum);
    assert_int_equal(a->phash, b->phash);
    assert_memory_equal(&a->framing, &b->framing, sizeof a->framing);
    assert_memory_equal(a->size, b->size, sizeof a->size);
    assert_int_equal(a->bytes, b->bytes);
    if (!a->packed && a->settled) {
        assert_int_equal(a->kind, b->kind);
        assert_string_equal(a->other, b->other);
        assert_string_equal(a->detail, b->detail);
    }
}

static void test_round_trip(void **state) {
    (void)state;
    Fixture fixture;
    open_fixture(&fixture);
    for (int i = 0; i < COUNT; i++)
        if (i != 4)
            fixture.outcomes[i] = packed((uint8_t)i);
    assert_ok(outcome_reject(&fixture.outcomes[2], FINDING_DECODE, "", "Corrupt\tJPEG\\data:\n17 bytes"));
    assert_ok(outcome_reject(&fixture.outcomes[5], FINDING_DUPLICATE, "c\td.png", "the same bytes"));
    ShardState written = {.count = COUNT,
                          .key = 0xabcdef,
                          .entry = {.records = 3, .bytes = 99, .offset = 4096, .tables = 7, .sha256 = "0123"}};
    char *path = scratch_path(fixture.root, "journal.tsv");
    assert_ok(journal_write(path, &fixture.source, &written, fixture.outcomes));

    ShardState read = {.count = COUNT, .key = 0xabcdef};
    Outcome outcomes[COUNT] = {0};
    bool found;
    assert_ok(journal_read(path, &fixture.source, &read, outcomes, &found));
    assert_true(found);
    assert_memory_equal(&read.entry, &written.entry, sizeof read.entry);
    for (int i = 0; i < COUNT; i++) {
        assert_same(&fixture.outcomes[i], &outcomes[i]);
        outcome_close(&outcomes[i]);
    }

    /* Damaged or cut short anywhere, and it says nothing. */
    char *text;
    size_t size;
    assert_ok(files_read(path, &text, &size));
    for (size_t i = 0; i + 1 < size; i += 3) {
        text[i] ^= 1 << i % 8;
        scratch_write(fixture.root, "journal.tsv", text, size);
        text[i] ^= 1 << i % 8;
        read = (ShardState){.count = COUNT, .key = 0xabcdef};
        assert_ok(journal_read(path, &fixture.source, &read, outcomes, &found));
        assert_false(found);
        scratch_write(fixture.root, "journal.tsv", text, i);
        assert_ok(journal_read(path, &fixture.source, &read, outcomes, &found));
        assert_false(found);
    }
    scratch_write(fixture.root, "journal.tsv", text, size);
    free(text);
    assert_ok(journal_read(path, &fixture.source, &read, outcomes, &found));
    assert_true(found);
    for (int i = 0; i < COUNT; i++)
        outcome_close(&outcomes[i]);

    /* What could not be read is tried again. */
    Outcome unreadable = {0};
    assert_ok(outcome_reject(&unreadable, FINDING_UNREADABLE, "", "Permission denied"));
    const Outcome before = fixture.outcomes[2];
    fixture.outcomes[2] = unreadable;
    assert_ok(journal_write(path, &fixture.source, &written, fixture.outcomes));
    assert_ok(journal_read(path, &fixture.source, &read, outcomes, &found));
    assert_false(found);
    outcome_close(&unreadable);
    fixture.outcomes[2] = before;
    assert_ok(journal_write(path, &fixture.source, &written, fixture.outcomes));

    /* Another key, or lines of a list of other files, and it says nothing. */
    read.key++;
    assert_ok(journal_read(path, &fixture.source, &read, outcomes, &found));
    assert_false(found);
    read.key--;
    fixture.inputs[0].path = "other.png";
    assert_ok(journal_read(path, &fixture.source, &read, outcomes, &found));
    assert_false(found);
    for (int i = 0; i < COUNT; i++)
        assert_false(outcomes[i].settled);
    free(path);
    close_fixture(&fixture);
}

/* Whatever a shard's bytes depend on changes its key. */
static void test_key(void **state) {
    (void)state;
    Fixture fixture;
    open_fixture(&fixture);
    const uint64_t key = journal_key(&fixture.source, "recipe", 0, COUNT);
    assert_int_equal(journal_key(&fixture.source, "recipe", 0, COUNT), key);
    assert_int_not_equal(journal_key(&fixture.source, "recipf", 0, COUNT), key);
    assert_int_not_equal(journal_key(&fixture.source, "recipe", 0, COUNT - 1), key);
    StageInput *input = &fixture.inputs[3];
    const StageInput before = *input;
#define CHANGED(change)                                                                                                \
    do {                                                                                                               \
        change;                                                                                                        \
        assert_int_not_equal(journal_key(&fixture.source, "recipe", 0, COUNT), key);                                   \
        *input = before;                                                                                               \
    } while (0)
    CHANGED(input->person = "9");
    CHANGED(input->device = "x");
    CHANGED(input->modality = "ir");
    CHANGED(input->eye = PACK_EYE_LEFT);
    CHANGED(input->split = PACK_SPLIT_TEST);
    CHANGED(input->frame = FRAME_WHOLE);
    CHANGED(input->verify_header = true);
    CHANGED(input->exclude_reason = "named in a list");
    CHANGED(input->quarantine_reason = "listed, not on disk");
    CHANGED(strcpy(input->md5, "0"));
    CHANGED(fixture.labels[3] = 7);
    fixture.labels[3] = 3;
    assert_int_equal(journal_key(&fixture.source, "recipe", 0, COUNT), key);
    scratch_write(fixture.root, "e.png", "another size", 12);
    assert_int_not_equal(journal_key(&fixture.source, "recipe", 0, COUNT), key);
    close_fixture(&fixture);
}

/* The first of equal contents in the order of paths stays; across the split both are refused. */
static void test_duplicates(void **state) {
    (void)state;
    Fixture fixture;
    open_fixture(&fixture);
    const uint8_t contents[COUNT] = {50, 60, 50, 50, 60, 70};
    for (int i = 0; i < COUNT; i++)
        fixture.outcomes[i] = packed(contents[i]);
    ContentIndex seen;
    bool agrees;
    const ShardState shards[] = {{.first = 0, .count = 3}, {.first = 3, .count = 3}};
    assert_ok(content_index_open(&seen, COUNT));
    assert_ok(shard_mark_duplicates(&fixture.source, &shards[0], fixture.outcomes, false, &seen, &agrees));
    assert_ok(shard_mark_duplicates(&fixture.source, &shards[1], fixture.outcomes + 3, false, &seen, &agrees));
    assert_true(fixture.outcomes[0].packed && fixture.outcomes[1].packed && fixture.outcomes[5].packed);
    for (int i = 2; i < 4; i++) {
        assert_false(fixture.outcomes[i].packed);
        assert_int_equal(fixture.outcomes[i].kind, FINDING_DUPLICATE);
        assert_string_equal(fixture.outcomes[i].other, "a.png");
    }
    assert_false(fixture.outcomes[4].packed);
    assert_int_equal(fixture.outcomes[4].kind, FINDING_DUPLICATE_SPLIT);
    assert_string_equal(fixture.outcomes[4].other, "b.png");

    /* The same from journals: they agree as long as the shards before are what they were. */
    content_index_close(&seen);
    assert_ok(content_index_open(&seen, COUNT));
    assert_ok(shard_mark_duplicates(&fixture.source, &shards[0], fixture.outcomes, true, &seen, &agrees));
    assert_true(agrees);
    assert_ok(shard_mark_duplicates(&fixture.source, &shards[1], fixture.outcomes + 3, true, &seen, &agrees));
    assert_true(agrees);
    assert_int_equal(content_index_find(&seen, fixture.outcomes[5].sha256), 5);

    /* Without the first shard's a.png the copy in the second is no duplicate any more. */
    content_index_close(&seen);
    assert_ok(content_index_open(&seen, COUNT));
    assert_ok(shard_mark_duplicates(&fixture.source, &shards[1], fixture.outcomes + 3, true, &seen, &agrees));
    assert_false(agrees);
    assert_int_equal(content_index_find(&seen, fixture.outcomes[5].sha256), -1);
    content_index_close(&seen);
    close_fixture(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_key),
        cmocka_unit_test(test_duplicates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
