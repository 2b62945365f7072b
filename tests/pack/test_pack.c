/* SPDX-License-Identifier: Apache-2.0 */
/* A pack is read back as it was written, its bytes depend on nothing else, and split.tsv stands above its splits.
 *
 * With a folder as argument it writes the pack to FOLDER/pack and, for other readers, what is in it to
 * FOLDER/expected.tsv: that is how tests/e2e/pack_*.sh get theirs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fixtures/pack_sample.h"

#include <time.h>

static void expect_row(const PackRow *got, const PackRow *wanted) {
    assert_string_equal(got->source, wanted->source);
    assert_string_equal(got->person, wanted->person);
    assert_string_equal(got->device, wanted->device);
    assert_string_equal(got->modality, wanted->modality);
    assert_int_equal(got->eye, wanted->eye);
    assert_int_equal(got->split, wanted->split);
    assert_memory_equal(got->sha256, wanted->sha256, sizeof got->sha256);
    assert_true(got->checksum == wanted->checksum && got->phash == wanted->phash);
    assert_memory_equal(got->circle, wanted->circle, sizeof got->circle);
    assert_memory_equal(got->crop, wanted->crop, sizeof got->crop);
    assert_memory_equal(got->size, wanted->size, sizeof got->size);
    assert_int_equal(got->flags, wanted->flags);
    for (int i = 0; i < 2; i++)
        assert_true(got->labels[i] == wanted->labels[i] || (isnan(got->labels[i]) && isnan(wanted->labels[i])));
}

static void what_was_written_is_read(void **state) {
    Case *it = *state;
    Pack pack;
    assert_true(pack_is(it->pack));
    assert_false(pack_is(it->root));
    assert_ok(pack_open(it->pack, &pack));
    assert_int_equal(pack.count, SAMPLE_COUNT);
    assert_int_equal(pack.shard_count, SAMPLE_SHARDS);
    assert_string_equal(pack.info.dataset, "sample");
    assert_string_equal(pack.info.dataset_version, "1.2");
    assert_true(pack.info.licensed);
    assert_int_equal(pack.info.image_size, SAMPLE_SIDE);
    assert_int_equal(pack.info.label_count, 2);
    assert_string_equal(pack.info.label_names[1], it->sample.info.label_names[1]);
    for (int i = 0; i < SAMPLE_COUNT; i++) {
        uint8_t pixels[SAMPLE_BYTES];
        uint64_t offset;
        expect_row(&pack.rows[i], &it->sample.rows[i]);
        assert_ok(pack_read(&pack, i, pixels));
        assert_memory_equal(pixels, it->sample.pixels[i], SAMPLE_BYTES);
        const PackShard *shard = pack_find(&pack, i, &offset);
        assert_ptr_equal(shard, &pack.shards[i >= sample_first[1]]);
        assert_int_equal(offset, shard->offset + (uint64_t)(i - shard->first) * SAMPLE_BYTES);
        assert_int_equal(shard->offset % 4096, 0);
    }
    for (int i = 0; i < SAMPLE_SHARDS; i++)
        assert_ok(pack_shard_unchanged(&pack.shards[i]));
    pack_close(&pack);
}

/* Over a second apart: HDF5's times are of seconds. */
static void equal_input_gives_equal_bytes(void **state) {
    Case *it = *state;
    Sample *again = malloc(sizeof *again);
    assert_non_null(again);
    char *other = scratch_path(it->root, "again");
    nanosleep(&(struct timespec){1, 100000000}, NULL);
    assert_ok(files_make_directory(other));
    sample_draw(again);
    sample_write(again, other);
    static const char *const files[] = {"pack/shards/00000.h5", "pack/shards/00001.h5", "pack/pack.json"};
    for (int i = 0; i < 3; i++) {
        uint8_t *one, *two;
        size_t one_size, two_size;
        scratch_read(it->root, files[i], &one, &one_size);
        scratch_read(other, files[i], &two, &two_size);
        assert_int_equal(one_size, two_size);
        assert_memory_equal(one, two, one_size);
        free(one);
        free(two);
    }
    free(other);
    free(again);
}

static void the_same_over_an_older_file(void **state) {
    Case *it = *state;
    uint8_t *wanted, *got;
    size_t wanted_size, got_size;
    scratch_read(it->root, "pack/shards/00001.h5", &wanted, &wanted_size);
    uint8_t *junk = malloc(2 * wanted_size);
    assert_non_null(junk);
    memset(junk, 0xee, 2 * wanted_size);
    scratch_write(it->root, "pack/shards/00001.h5", junk, 2 * wanted_size);
    char *path = scratch_path(it->pack, "shards/00001.h5");
    assert_ok(sample_write_shard(&it->sample, 1, path, it->root));
    scratch_read(it->root, "pack/shards/00001.h5", &got, &got_size);
    assert_int_equal(got_size, wanted_size);
    assert_memory_equal(got, wanted, wanted_size);
    free(path);
    free(junk);
    free(wanted);
    free(got);
}

static void a_pack_without_labels(void **state) {
    Case *it = *state;
    it->sample.info.label_count = 0;
    sample_write(&it->sample, it->root);
    Pack pack;
    assert_ok(pack_open(it->pack, &pack));
    assert_int_equal(pack.info.label_count, 0);
    assert_string_equal(pack.rows[SAMPLE_COUNT - 1].source, it->sample.rows[SAMPLE_COUNT - 1].source);
    pack_close(&pack);
    static char *bad[] = {"a/b"};
    it->sample.info.label_names = bad;
    it->sample.info.label_count = 1;
    char *path = scratch_path(it->root, "shard");
    assert_fails(sample_write_shard(&it->sample, 0, path, it->root), EXIT_DATA, "label \"a/b\"");
    assert_false(files_exists(path));
    free(path);
}

static void hashes_distinguish_packs(void **state) {
    Case *it = *state;
    Pack pack, other;
    assert_ok(pack_open(it->pack, &pack));
    it->sample.pixels[3][5] ^= 1;
    it->sample.rows[3].checksum = XXH3_64bits(it->sample.pixels[3], SAMPLE_BYTES);
    sample_write(&it->sample, it->root);
    assert_ok(pack_open(it->pack, &other));
    assert_true(pack.hash != other.hash);
    assert_true(pack.split_hash == other.split_hash);
    pack_close(&other);
    for (int i = 6; i < 9; i++)
        it->sample.rows[i].split = PACK_SPLIT_VAL;
    sample_write(&it->sample, it->root);
    assert_ok(pack_open(it->pack, &other));
    assert_true(pack.split_hash != other.split_hash);
    pack_close(&other);
    pack_close(&pack);
}

static void write_split(Case *it, const char *text) {
    scratch_write(it->pack, "split.tsv", text, strlen(text));
}

static void split_tsv_stands_above(void **state) {
    Case *it = *state;
    Pack before, after;
    assert_ok(pack_open(it->pack, &before));
    write_split(it, "p2\ttrain\np0\t\n");
    assert_ok(pack_open(it->pack, &after));
    for (int i = 0; i < SAMPLE_COUNT; i++) {
        PackSplit wanted = i / 3 == 2 ? PACK_SPLIT_TRAIN : i / 3 == 0 ? PACK_SPLIT_NONE : before.rows[i].split;
        assert_int_equal(after.rows[i].split, wanted);
    }
    assert_true(before.hash == after.hash);
    assert_true(before.split_hash != after.split_hash);
    pack_close(&before);
    pack_close(&after);
}

static void split_tsv_is_checked(void **state) {
    Case *it = *state;
    Pack pack;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"p0\ttrain\nnobody\tval\n", "split.tsv:2: no record of the pack belongs to person \"nobody\""},
        {"p0\ttrain\np1\n", "split.tsv:2: not \"person<TAB>split\""},
        {"p0\ttrain\tval\n", "split.tsv:1: not"},
        {"p0\tvalidation\n", "split.tsv:1: unknown split \"validation\""},
        {"p0\ttrain\np0\ttrain\n", "split.tsv:2: person \"p0\" is listed twice"},
        {"p0\ttrain", "split.tsv:1: the last line has no line end: truncated"},
        {"\ttrain\n", "split.tsv:1: no record"},
        {"p\\x\ttrain\n", "split.tsv:1: no record"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_split(it, cases[i].text);
        assert_fails(pack_open(it->pack, &pack), EXIT_DATA, cases[i].message);
    }
}

/* A name with everything that split.tsv has to escape. */
static void split_tsv_escapes(void **state) {
    Case *it = *state;
    Pack pack;
    for (int i = 0; i < 3; i++)
        it->sample.rows[i].person = "a\tb\\\n\r";
    sample_write(&it->sample, it->root);
    write_split(it, "a\\tb\\\\\\n\\r\ttest\n");
    assert_ok(pack_open(it->pack, &pack));
    assert_int_equal(pack.rows[2].split, PACK_SPLIT_TEST);
    pack_close(&pack);
}

static void a_person_on_two_sides_is_refused(void **state) {
    Case *it = *state;
    Pack pack;
    it->sample.rows[8].split = PACK_SPLIT_VAL;
    sample_write(&it->sample, it->root);
    assert_fails(pack_open(it->pack, &pack), EXIT_DATA, "person \"p2\" is on two sides");
    write_split(it, "p2\ttest\n");
    assert_ok(pack_open(it->pack, &pack));
    pack_close(&pack);
}

/* What a JSON file and HDF5's texts cannot hold is refused before anything is written. */
static void texts_that_are_no_utf8_are_refused(void **state) {
    Case *it = *state;
    char *path = scratch_path(it->root, "new.h5"), *latin[] = {"age", "hba1c \xe4"};
    it->sample.info.label_names = latin;
    assert_fails(sample_write_shard(&it->sample, 0, path, it->root), EXIT_DATA, "the name is not UTF-8");
    latin[1] = "";
    assert_fails(sample_write_shard(&it->sample, 0, path, it->root), EXIT_DATA, "HDF5 cannot store a name");
    it->sample.info.dataset = "caf\xe9";
    assert_fails(sample_write_shard(&it->sample, 0, path, it->root), EXIT_DATA, "dataset \"caf\xe9\": not UTF-8");
    assert_false(files_exists(path));
    free(path);
}

static void names(void **state) {
    (void)state;
    PackSplit split;
    for (int i = 0; i < PACK_SPLITS; i++) {
        assert_ok(pack_split_parse(pack_split_name((PackSplit)i), &split));
        assert_int_equal(split, i);
    }
    assert_string_equal(pack_split_name(PACK_SPLIT_VAL), "val");
    assert_fails(pack_split_parse("Train", &split), EXIT_DATA, "\"Train\"");
    assert_string_equal(pack_eye_name(PACK_EYE_LEFT), "L");
}

static void print_hexadecimal(FILE *out, const uint8_t *bytes, int count) {
    for (int i = 0; i < count; i++)
        fprintf(out, "%02x", bytes[i]);
}

/* A line for each record: its shard, place there, and the columns in the order of PackRow, the pixels last. */
static void print_row(FILE *out, const Sample *sample, int number) {
    const PackRow *row = &sample->rows[number];
    int shard = number >= sample_first[1];
    fprintf(out, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t", sample->entries[shard].file, number - sample_first[shard],
            row->source, row->person, row->device, row->modality, pack_eye_name(row->eye), pack_split_name(row->split));
    print_hexadecimal(out, row->sha256, 32);
    fprintf(out, "\t%llu\t%llu\t%.9g %.9g %.9g %.9g\t%d %d %d %d\t%d %d\t%u\t%.9g\t%.9g\t",
            (unsigned long long)row->checksum, (unsigned long long)row->phash, row->circle[0], row->circle[1],
            row->circle[2], row->circle[3], row->crop[0], row->crop[1], row->crop[2], row->crop[3], row->size[0],
            row->size[1], row->flags, row->labels[0], row->labels[1]);
    print_hexadecimal(out, sample->pixels[number], SAMPLE_BYTES);
    fputc('\n', out);
}

/* *state: the folder. */
static void write_for_others(void **state) {
    const char *root = *state;
    Sample *sample = malloc(sizeof *sample);
    char *path = scratch_path(root, "expected.tsv");
    assert_non_null(sample);
    sample_draw(sample);
    sample_write(sample, root);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    for (int i = 0; i < SAMPLE_COUNT; i++)
        print_row(out, sample, i);
    assert_int_equal(fclose(out), 0);
    free(path);
    free(sample);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, sample_setup, sample_teardown)
int main(int count, char **arguments) {
    if (count > 1) { /* as a test: cmocka prints the message of a failure only within a group */
        const struct CMUnitTest writing[] = {cmocka_unit_test_prestate(write_for_others, arguments[1])};
        return cmocka_run_group_tests(writing, NULL, NULL);
    }
    const struct CMUnitTest tests[] = {
        CASE(what_was_written_is_read),
        CASE(equal_input_gives_equal_bytes),
        CASE(the_same_over_an_older_file),
        CASE(a_pack_without_labels),
        CASE(hashes_distinguish_packs),
        CASE(split_tsv_stands_above),
        CASE(split_tsv_is_checked),
        CASE(split_tsv_escapes),
        CASE(a_person_on_two_sides_is_refused),
        CASE(texts_that_are_no_utf8_are_refused),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
