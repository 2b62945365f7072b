/* SPDX-License-Identifier: Apache-2.0 */
/* A pack that is not what was written is refused, with the reason, and never crashes: cut short, from the future, parts
 * missing, bytes flipped anywhere, tables that make no sense, shards replaced while they are read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pack/columns.h"
#include "pack/hdf5.h"
#include "pack/shard_scan.h"
#include "pack/verify.h"
#include "tests/fixtures/damage.h"
#include "tests/fixtures/pack_sample.h"
#include "tests/fixtures/printed_path.h"

#include <sys/stat.h>

static void expect_refused(const Case *it, const char *message) {
    Pack pack;
    assert_fails(pack_open(it->pack, &pack), EXIT_DATA, message);
    assert_null(pack.rows);
    assert_int_equal(pack.shard_count, 0);
}

/* pack.json with one text replaced by another of any length. */
static void edit_manifest(const Case *it, const char *from, const char *to) {
    char *path = scratch_path(it->pack, "pack.json"), *data;
    size_t size;
    assert_ok(files_read(path, &data, &size));
    char *found = strstr(data, from);
    if (!found)
        fail_msg("pack.json holds no %s", from);
    *found = '\0';
    char *text = printed_path("%s%s%s", data, to, found + strlen(from));
    assert_non_null(text);
    scratch_write(it->pack, "pack.json", text, strlen(text));
    free(text);
    free(data);
    free(path);
}

static void flip(const char *path, uint64_t at, uint8_t bits) {
    int descriptor = open(path, O_RDWR | O_CLOEXEC);
    uint8_t byte;
    assert_int_equal(pread(descriptor, &byte, 1, (off_t)at), 1);
    byte ^= bits;
    assert_int_equal(pwrite(descriptor, &byte, 1, (off_t)at), 1);
    close(descriptor);
}

static void manifest_missing_or_strange(void **state) {
    Case *it = *state;
    char *manifest = scratch_path(it->pack, "pack.json"), *shards = scratch_path(it->pack, "shards");
    assert_int_equal(unlink(manifest), 0);
    assert_true(pack_is(it->pack));
    expect_refused(it, "an unfinished pack");
    assert_ok(files_remove(shards));
    assert_false(pack_is(it->pack));
    expect_refused(it, "no pack");
    static const char *const strange[] = {"", "{", "[]", "{}", "null", "{\"format\": \"fovea-pack\"}"};
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        scratch_write(it->pack, "pack.json", strange[i], strlen(strange[i]));
        expect_refused(it, "pack.json: ");
    }
    free(manifest);
    free(shards);
}

static void manifest_edited(void **state) {
    Case *it = *state;
    static const struct {
        const char *from, *to, *message;
    } edits[] = {
        {"\"version\":\t1", "\"version\":\t2", "pack.json: written by a newer fovea"},
        {"fovea-pack", "fovea-book", "not a pack: its format"},
        {"\"records\":\t12", "\"records\":\t13", "not the sum"},
        {"\"records\":\t12", "\"records\":\t12.5", "records"},
        {"\"records\":\t12", "\"records\":\t1e300", "records"},
        {"\"image_size\":\t12", "\"image_size\":\t0", "image_size"},
        {"\"image_size\":\t12", "\"image_size\":\t11", "its tables are damaged"},
        {"\"image_size\":\t12", "\"image_size\":\t30000", "do not fit"},
        {"\"licensed\":\ttrue", "\"licensed\":\tfalse", "licensed"},
        {"\"dataset\":\t\"sample\"", "\"dataset\":\t\"simple\"", "dataset"},
        {"\"dataset\":\t\"sample\"", "\"dataset\":\t3", "dataset"},
        {"\"age\"", "\"eg\"", "eg"},
        {"\"age\", ", "", "labels"},
        {"00001.h5", "../x.h5", "not the name of a file"},
        {"00001.h5", "00000.h5", "listed twice"},
        {"00001.h5", "00002.h5", "missing"},
        {"\"sha256\":\t\"", "\"sha256\":\t\"0", "sha256"},
        {"\"tables\":\t\"", "\"tables\":\t\"x", "tables"},
    };
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        edit_manifest(it, edits[i].from, edits[i].to);
        expect_refused(it, edits[i].message);
        assert_ok(pack_manifest_write(it->pack, &it->sample.info, it->sample.entries, SAMPLE_SHARDS));
    }
    it->sample.entries[0].records--;
    it->sample.entries[1].records++;
    assert_ok(pack_manifest_write(it->pack, &it->sample.info, it->sample.entries, SAMPLE_SHARDS));
    expect_refused(it, "its tables are damaged");
}

static void shard_missing_or_cut_short(void **state) {
    Case *it = *state;
    uint64_t bytes = it->sample.entries[1].bytes, ends[] = {bytes - 1, bytes / 2, 1, 0};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        assert_int_equal(truncate(it->shard, (off_t)ends[i]), 0);
        expect_refused(it, "00001.h5: ");
    }
    expect_refused(it, "truncated");
    assert_int_equal(unlink(it->shard), 0);
    expect_refused(it, "00001.h5: missing");
    assert_ok(files_make_directory(it->shard));
    expect_refused(it, "not a regular file");
}

/* Bytes all over a shard, one after the other; every one of them in full rounds. */
static void any_flipped_byte_is_found(void **state) {
    Case *it = *state;
    const PackShardEntry *entry = &it->sample.entries[1];
    uint64_t end = entry->offset + (uint64_t)entry->records * SAMPLE_BYTES;
    uint64_t step = getenv("FOVEA_LONG") ? 1 : 97;
    uint8_t pixels[SAMPLE_BYTES];
    int in_records = 0, outside = 0;
    for (uint64_t at = 0; at < entry->bytes; at += step) {
        Pack pack;
        flip(it->shard, at, (uint8_t)(1u << at % 8));
        if (at < entry->offset || at >= end) {
            expect_refused(it, "its tables are damaged");
            outside++;
        } else {
            assert_ok(pack_open(it->pack, &pack));
            int64_t record = (int64_t)((at - entry->offset) / SAMPLE_BYTES) + sample_first[1];
            assert_fails(pack_read(&pack, record, pixels), EXIT_DATA, it->sample.rows[record].source);
            for (int64_t i = 0; i < pack.count; i++)
                if (i != record)
                    assert_ok(pack_read(&pack, i, pixels));
            pack_close(&pack);
            in_records++;
        }
        flip(it->shard, at, (uint8_t)(1u << at % 8));
    }
    assert_true(in_records > 20 && outside > 20);
}

static void changed_while_open(void **state) {
    Case *it = *state;
    uint8_t pixels[SAMPLE_BYTES];
    Pack pack;
    /* Another file in its place: what is open stays readable, but the change is reported. */
    assert_ok(pack_open(it->pack, &pack));
    char *moved = scratch_path(it->root, "moved");
    assert_int_equal(rename(it->shard, moved), 0);
    assert_fails(pack_shard_unchanged(&pack.shards[1]), EXIT_DATA, "00001.h5: changed since the run began");
    assert_ok(sample_write_shard(&it->sample, 1, it->shard, it->root));
    assert_fails(pack_shard_unchanged(&pack.shards[1]), EXIT_DATA, "changed since");
    assert_ok(pack_read(&pack, SAMPLE_COUNT - 1, pixels));
    assert_ok(pack_shard_unchanged(&pack.shards[0]));
    pack_close(&pack);
    free(moved);
    /* Written to in place, the length kept; long after, since times are not finer than the kernel's tick. */
    static const struct timespec long_ago[2] = {{1000000000, 0}, {1000000000, 0}};
    assert_int_equal(utimensat(AT_FDCWD, it->shard, long_ago, 0), 0);
    assert_ok(pack_open(it->pack, &pack));
    flip(it->shard, pack.shards[1].offset, 0);
    assert_fails(pack_shard_unchanged(&pack.shards[1]), EXIT_DATA, "changed since");
    pack_close(&pack);
    /* Cut short in place. */
    assert_ok(pack_open(it->pack, &pack));
    assert_int_equal(truncate(it->shard, (off_t)pack.shards[1].offset + SAMPLE_BYTES), 0);
    assert_fails(pack_shard_unchanged(&pack.shards[1]), EXIT_DATA, "changed since");
    assert_ok(pack_read(&pack, sample_first[1], pixels));
    assert_fails(pack_read(&pack, sample_first[1] + 1, pixels), EXIT_IO, "00001.h5");
    pack_close(&pack);
}

/* --- Tables that make no sense, though every hash is right --- */

static void reseal(Case *it) {
    PackShardEntry *entry = &it->sample.entries[1];
    int descriptor = open(it->shard, O_RDONLY | O_CLOEXEC);
    off_t end = lseek(descriptor, 0, SEEK_END);
    PackShardFile span = {descriptor, it->shard, entry->offset, (uint64_t)entry->records, SAMPLE_BYTES, (uint64_t)end};
    entry->bytes = (uint64_t)end;
    assert_ok(pack_shard_scan(&span, NULL, NULL, &entry->tables, entry->sha256));
    close(descriptor);
    assert_ok(pack_manifest_write(it->pack, &it->sample.info, it->sample.entries, SAMPLE_SHARDS));
}

static void put_number(hid_t file, const char *name, int value) {
    hid_t attribute = H5Aopen(file, name, H5P_DEFAULT);
    assert_true(H5Awrite(attribute, H5T_NATIVE_INT, &value) >= 0);
    H5Aclose(attribute);
}

/* Another dataset under the name of one that is there. */
static void put_dataset(hid_t file, const char *name, hid_t type, int rank, hsize_t rows, hsize_t columns,
                        H5D_layout_t layout) {
    hsize_t sizes[2] = {rows, columns};
    hid_t space = H5Screate_simple(rank, sizes, NULL), creation = H5Pcreate(H5P_DATASET_CREATE);
    assert_true(H5Pset_layout(creation, layout) >= 0);
    if (layout == H5D_CHUNKED)
        assert_true(H5Pset_chunk(creation, rank, sizes) >= 0);
    assert_true(H5Ldelete(file, name, H5P_DEFAULT) >= 0);
    hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    assert_true(dataset >= 0);
    H5Dclose(dataset);
    H5Pclose(creation);
    H5Sclose(space);
}

static void newer_version(hid_t file) {
    put_number(file, "version", 2);
}

static void older_version(hid_t file) {
    put_number(file, "version", 0);
}

static void other_licence(hid_t file) {
    put_number(file, "licensed", 0);
}

static void no_format(hid_t file) {
    assert_true(H5Adelete(file, "format") >= 0);
}

static void no_column(hid_t file) {
    assert_true(H5Ldelete(file, "phash", H5P_DEFAULT) >= 0);
}

static void short_column(hid_t file) {
    put_dataset(file, "flags", H5T_STD_U32LE, 1, 4, 0, H5D_CONTIGUOUS);
}

static void wide_column(hid_t file) {
    put_dataset(file, "crop", H5T_STD_I32LE, 2, 5, 5, H5D_CONTIGUOUS);
}

static void flat_column(hid_t file) {
    put_dataset(file, "size", H5T_STD_I32LE, 1, 5, 0, H5D_CONTIGUOUS);
}

static void other_type(hid_t file) {
    put_dataset(file, "checksum", H5T_STD_U32LE, 1, 5, 0, H5D_CONTIGUOUS);
}

static void chunked_column(hid_t file) {
    put_dataset(file, "flags", H5T_STD_U32LE, 1, 5, 0, H5D_CHUNKED);
}

static void number_for_text(hid_t file) {
    put_dataset(file, "person", H5T_STD_U32LE, 1, 5, 0, H5D_CONTIGUOUS);
}

static void text_of_any_length(hid_t file) {
    hid_t type = pack_hdf5_text(H5T_VARIABLE, H5T_STR_NULLTERM);
    put_dataset(file, "person", type, 1, 5, 0, H5D_CONTIGUOUS);
    H5Tclose(type);
}

static void put_texts(hid_t file, const char *name, const char *texts) {
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT), type = H5Dget_type(dataset);
    assert_true(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts) >= 0);
    H5Tclose(type);
    H5Dclose(dataset);
}

static void odd_split(hid_t file) {
    put_texts(file, "split", "trial\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
}

static void odd_eye(hid_t file) {
    put_texts(file, "eye", "RLXLR");
}

static void label_missing(hid_t file) {
    assert_true(H5Ldelete(file, "labels/age", H5P_DEFAULT) >= 0);
}

static void label_renamed(hid_t file) {
    assert_true(H5Lmove(file, "labels/age", file, "labels/eg", H5P_DEFAULT, H5P_DEFAULT) >= 0);
}

static void images_moved(hid_t file) {
    assert_true(H5Ldelete(file, "images", H5P_DEFAULT) >= 0);
    hsize_t sizes[4] = {5, SAMPLE_SIDE, SAMPLE_SIDE, 3};
    hid_t space = H5Screate_simple(4, sizes, NULL), creation = H5Pcreate(H5P_DATASET_CREATE);
    assert_true(H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY) >= 0);
    hid_t other = H5Dcreate2(file, "other", H5T_STD_U8LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    hid_t images = H5Dcreate2(file, "images", H5T_STD_U8LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    assert_true(other >= 0 && images >= 0);
    H5Dclose(other);
    H5Dclose(images);
    H5Pclose(creation);
    H5Sclose(space);
}

static void tables_that_make_no_sense(void **state) {
    Case *it = *state;
    static const struct {
        void (*edit)(hid_t file);
        const char *message;
    } edits[] = {
        {newer_version, "00001.h5: written by a newer fovea"},
        {older_version, "version: an unknown version"},
        {other_licence, "licensed: not what pack.json says"},
        {no_format, "format failed"},
        {no_column, "phash failed"},
        {short_column, "flags: does not have the number"},
        {wide_column, "crop: does not have the number"},
        {flat_column, "size: does not have the number"},
        {other_type, "checksum: of another type"},
        {chunked_column, "flags: not contiguous"},
        {number_for_text, "person: not of fixed-length strings"},
        {text_of_any_length, "person: not of fixed-length strings"},
        {odd_split, "split: an unknown split"},
        {odd_eye, "eye: an eye other than"},
        {label_missing, "labels: not the labels that pack.json names"},
        {label_renamed, "age failed"},
        {images_moved, "images: not at the offset"},
    };
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        hid_t file = H5Fopen(it->shard, H5F_ACC_RDWR, H5P_DEFAULT);
        assert_true(file >= 0);
        edits[i].edit(file);
        assert_true(H5Fclose(file) >= 0);
        reseal(it);
        expect_refused(it, edits[i].message);
        assert_ok(sample_write_shard(&it->sample, 1, it->shard, it->root));
    }
    reseal(it);
    Pack pack;
    assert_ok(pack_open(it->pack, &pack));
    pack_close(&pack);
}

/* --- Seeded damage --- */

/* `name` below the pack, damaged over and over: it is opened or refused, and records are read or refused. */
static void fuzz(Case *it, const char *name, uint32_t key, int rounds) {
    uint8_t *original, *data;
    size_t original_size;
    int accepted = 0;
    scratch_read(it->pack, name, &original, &original_size);
    size_t room = original_size + 256;
    data = malloc(room);
    assert_non_null(data);
    for (int round = 0; round < rounds; round++) {
        Random random;
        uint8_t pixels[SAMPLE_BYTES];
        Pack pack;
        random_start(&random, 2025, RANDOM_TEST, key, (uint64_t)round);
        memcpy(data, original, original_size);
        size_t size = original_size;
        for (uint32_t left = 1 + random_below(&random, 3); left && size; left--)
            size = damage(&random, data, size, room);
        scratch_write(it->pack, name, data, size);
        Status status = pack_open(it->pack, &pack);
        if (status) {
            if (status_code(status) != EXIT_DATA)
                fail_msg("round %d: %s", round, status_message(status));
        } else {
            accepted++;
            for (int64_t i = 0; i < pack.count; i++) {
                Status read = pack_read(&pack, i, pixels);
                assert_true(!read || status_code(read) == EXIT_DATA);
                status_free(read);
            }
            pack_close(&pack);
        }
        status_free(status);
    }
    print_message("# %s: %d of %d accepted\n", name, accepted, rounds);
    assert_true(accepted > rounds / 100 && accepted < rounds / 2);
    free(data);
    free(original);
}

static void damaged_shards_are_refused(void **state) {
    fuzz(*state, "shards/00001.h5", 1, getenv("FOVEA_LONG") ? 20000 : 800);
}

static void damaged_manifests_are_refused(void **state) {
    fuzz(*state, "pack.json", 2, getenv("FOVEA_LONG") ? 20000 : 800);
}

/* --- pack_verify() --- */

static char *verify(const Case *it, int threads, ExitCode code) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    Status status = pack_verify(it->pack, threads, out);
    assert_int_equal(fclose(out), 0);
    if (status_code(status) != code)
        fail_msg("code %d: %s", (int)status_code(status), status_message(status));
    status_free(status);
    return text;
}

static void expect_report(const Case *it, int threads, const char *part, const char *other) {
    char *text = verify(it, threads, EXIT_DATA);
    if (!strstr(text, part) || !strstr(text, other))
        fail_msg("told: %s", text);
    free(text);
}

static void verifying_names_all_damage(void **state) {
    Case *it = *state;
    char *first = scratch_path(it->pack, "shards/00000.h5");
    for (int threads = 0; threads < 3; threads++) {
        char *text = verify(it, threads, EXIT_OK);
        assert_non_null(strstr(text, "12 records in 2 shards"));
        free(text);
    }
    flip(first, it->sample.entries[0].offset + 2 * SAMPLE_BYTES, 4);
    flip(it->shard, it->sample.entries[1].offset - 1, 4);
    expect_report(it, 1, "00000.h5: record 2 (photographs/0/2.dcm) is damaged", "00001.h5: its tables are damaged");
    expect_report(it, 2, "00000.h5: record 2 (", "00001.h5: its tables are damaged");
    flip(it->shard, it->sample.entries[1].offset - 1, 4);
    assert_int_equal(unlink(it->shard), 0);
    expect_report(it, 2, "record 2 (", "00001.h5: missing");
    flip(first, it->sample.entries[0].offset + 2 * SAMPLE_BYTES, 4);
    assert_ok(sample_write_shard(&it->sample, 1, it->shard, it->root));
    free(verify(it, 2, EXIT_OK));
    it->sample.entries[1].sha256[0] ^= 1;
    assert_ok(pack_manifest_write(it->pack, &it->sample.info, it->sample.entries, SAMPLE_SHARDS));
    expect_report(it, 2, "00001.h5: its SHA-256 differs", "");
    free(first);
}

/* The checksum that the row carries is looked at, not only the file's. */
static void verifying_sees_a_record_that_was_written_wrong(void **state) {
    Case *it = *state;
    it->sample.rows[9].checksum++;
    sample_write(&it->sample, it->root);
    expect_report(it, 2, "00001.h5: record 2 (photographs/3/", "");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, sample_setup, sample_teardown)
int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(manifest_missing_or_strange), CASE(manifest_edited),
        CASE(shard_missing_or_cut_short),  CASE(any_flipped_byte_is_found),
        CASE(changed_while_open),          CASE(tables_that_make_no_sense),
        CASE(damaged_shards_are_refused),  CASE(damaged_manifests_are_refused),
        CASE(verifying_names_all_damage),  CASE(verifying_sees_a_record_that_was_written_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
