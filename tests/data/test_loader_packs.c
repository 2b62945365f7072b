/* SPDX-License-Identifier: Apache-2.0 */
/* The loader on packs: the same batches for any number of ranks and workers and any start, weights, splits, people kept
 * apart, damaged records replaced, changed packs refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/records_disjoint.h"
#include "tests/fixtures/loader_take.h"
#include "tests/fixtures/pack_fixture.h"
#include "tests/fixtures/printed_path.h"

#include <sys/stat.h>

enum { SIZE = 16, SAMPLE = SIZE * SIZE * 3, BATCH = 6 };

/* 13 people of whom pack a's records 0-1, 2-3, .. are; a and b are of different data sets. */
static const PackSpec spec_a = {"alpha", "ttvt-e", 20, 31, 9, 1}, spec_b = {"beta", "tv", 24, 14, 14, 2};

typedef struct {
    char *root, *a, *b, *both;
    Records records; /* of both, train */
} Data;

static int setup(void **state) {
    Data *data = calloc(1, sizeof *data);
    assert_non_null(data);
    data->root = scratch_make();
    data->a = fixture_pack(data->root, "a", &spec_a);
    data->b = fixture_pack(data->root, "b", &spec_b);
    data->both = printed_path("%s, %s", data->a, data->b);
    assert_ok(records_open(data->both, "", RECORDS_TRAIN, &data->records));
    *state = data;
    return 0;
}

static int teardown(void **state) {
    Data *data = *state;
    records_close(&data->records);
    free(data->a);
    free(data->b);
    free(data->both);
    scratch_remove(data->root);
    free(data);
    return 0;
}

static LoaderOptions usual(const Data *data) {
    return usual_options(&data->records, SIZE, BATCH);
}

static void take_rank(const LoaderOptions *options, int batches, Taken *taken) {
    const int ranks = options->ranks ? options->ranks : 1, share = BATCH / ranks;
    Loader *loader;
    assert_ok(loader_open(options, &loader));
    for (int b = 0; b < batches; b++) {
        PrefetchBatch batch;
        assert_ok(loader_next(loader, &batch));
        assert_int_equal(batch.number, options->first_batch + (uint64_t)b);
        const size_t at = (size_t)b * BATCH + (size_t)options->rank * share;
        memcpy(taken->samples + at * SAMPLE, batch.samples, (size_t)share * SAMPLE);
        memcpy(taken->records + at, batch.records, (size_t)share * sizeof *taken->records);
        loader_done(loader);
    }
    loader_close(loader);
}

/* What all ranks take, put together. */
static Taken take(LoaderOptions options, int batches) {
    Taken taken = taken_make(batches * BATCH, SIZE);
    do
        take_rank(&options, batches, &taken);
    while (++options.rank < options.ranks);
    return taken;
}

static void assert_same(const Taken *a, const Taken *b, int from, int batches) {
    const size_t at = (size_t)from * BATCH;
    assert_memory_equal(a->records + at, b->records, (size_t)batches * BATCH * sizeof *b->records);
    assert_memory_equal(a->samples + at * SAMPLE, b->samples, (size_t)batches * BATCH * SAMPLE);
}

/* The pixels of record `record` of `records`, read without the loader. The caller's. */
static uint8_t *pixels_of(const Records *records, int64_t record, int *side) {
    int64_t number;
    const RecordsPart *part = records_part(records, record, &number);
    *side = part->pack.info.image_size;
    uint8_t *pixels = malloc((size_t)*side * *side * 3);
    assert_non_null(pixels);
    assert_ok(pack_read(&part->pack, number, pixels));
    return pixels;
}

static void expect_sample(const LoaderOptions *options, uint32_t epoch, int64_t key, const uint8_t *sample) {
    int side;
    uint8_t *pixels = pixels_of(options->records, key % options->records->count, &side);
    expect_view(&(Image){.width = side, .height = side, .pixels = pixels}, options, epoch, key, sample);
    free(pixels);
}

static void records_are_numbered_by_pack_and_split(void **state) {
    const Data *data = *state;
    int64_t record = 0;
    for (int p = 0; p < 2; p++) {
        const PackSpec *spec = p ? &spec_b : &spec_a;
        uint8_t expected[24 * 24 * 3];
        for (int i = 0; i < spec->count; i++) {
            const PackSplit split = fixture_split(spec, i);
            if (split != PACK_SPLIT_TRAIN && split != PACK_SPLIT_NONE)
                continue;
            int64_t number;
            int side;
            assert_ptr_equal(records_part(&data->records, record, &number), &data->records.parts[p]);
            assert_int_equal(number, i);
            uint8_t *pixels = pixels_of(&data->records, record, &side);
            fixture_pixels(spec, i, expected);
            assert_memory_equal(pixels, expected, (size_t)side * side * 3);
            assert_string_equal(records_root(&data->records, record), p ? data->b : data->a);
            char name[32];
            snprintf(name, sizeof name, "%d.png", i);
            assert_string_equal(records_path(&data->records, record), name);
            free(pixels);
            record++;
        }
    }
    assert_int_equal(data->records.count, record);
    assert_int_equal(data->records.samples_per_epoch, record);
    assert_int_equal(data->records.side, 0); /* of two sizes */
}

static void splits_choose_what_is_taken(void **state) {
    const Data *data = *state;
    static const struct {
        RecordsSplits splits;
        const char *letters;
    } cases[] = {{RECORDS_TRAIN, "t-"}, {RECORDS_VAL, "v"}, {RECORDS_ALL, "t-ve"}};
    uint64_t hashes[3];
    for (int c = 0; c < 3; c++) {
        int expected = 0;
        for (int i = 0; i < spec_a.count; i++)
            expected += strchr(cases[c].letters, spec_a.splits[i / 2 % 6]) != NULL;
        Records records;
        assert_ok(records_open(data->a, "", cases[c].splits, &records));
        assert_int_equal(records.count, expected);
        assert_int_equal(records.side, spec_a.side);
        hashes[c] = records.hash;
        records_close(&records);
    }
    assert_true(hashes[0] != hashes[1] && hashes[1] != hashes[2] && hashes[0] != hashes[2]);

    const PackSpec none = {"gamma", "e", 8, 4, 4, 3};
    char *path = fixture_pack(data->root, "none", &none);
    Records records;
    assert_fails(records_open(path, "", RECORDS_TRAIN, &records), EXIT_DATA,
                 "no image is in the split train or without a split");
    assert_fails(records_open(path, "", RECORDS_VAL, &records), EXIT_DATA, "no image is in the split val");
    free(path);
}

static void people_are_kept_apart(void **state) {
    const Data *data = *state;
    Records val, all;
    assert_ok(records_open(data->both, "", RECORDS_VAL, &val));
    assert_ok(records_check_disjoint(&data->records, &val));
    assert_ok(records_open(data->both, "", RECORDS_ALL, &all));
    assert_fails(records_check_disjoint(&all, &val), EXIT_DATA, "person p14 of alpha is in the training data ");
    records_close(&all);
    records_close(&val);
    /* The same name in another data set is another person. */
    const PackSpec other = {"gamma", "v", 8, 4, 4, 3}, same = {"beta", "v", 8, 2, 2, 4};
    char *path = fixture_pack(data->root, "other", &other);
    assert_ok(records_open(path, "", RECORDS_VAL, &val));
    assert_ok(records_check_disjoint(&data->records, &val));
    records_close(&val);
    free(path);
    path = fixture_pack(data->root, "same", &same);
    assert_ok(records_open(path, "", RECORDS_VAL, &val));
    assert_fails(records_check_disjoint(&data->records, &val), EXIT_DATA, "person p0 of beta is in the training data ");
    records_close(&val);
    free(path);
}

static void samples_are_what_their_keys_say(void **state) {
    const Data *data = *state;
    LoaderOptions options = usual(data);
    const int epoch_batches = (int)(data->records.count / BATCH), batches = 2 * epoch_batches + 1;
    Taken taken = take(options, batches);
    for (int i = 0; i < batches * BATCH; i++) {
        const uint32_t epoch = (uint32_t)(i / (epoch_batches * BATCH));
        const uint64_t position = (uint64_t)(i % (epoch_batches * BATCH));
        assert_int_equal(taken.records[i],
                         random_permute(options.seed, epoch, (uint64_t)data->records.count, position));
        expect_sample(&options, epoch, taken.records[i], taken.samples + (size_t)i * SAMPLE);
    }
    drop(&taken);
    options.evaluate = true;
    taken = take(options, 7);
    for (int i = 0; i < 7 * BATCH; i++) {
        assert_int_equal(taken.records[i], i % data->records.count);
        expect_sample(&options, 0, taken.records[i], taken.samples + (size_t)i * SAMPLE);
    }
    drop(&taken);
}

static void ranks_workers_starts_and_caches_change_nothing(void **state) {
    const Data *data = *state;
    enum { BATCHES = 17 };
    LoaderOptions options = usual(data);
    Records weighted;
    assert_ok(records_open(data->both, "0.7,2.5", RECORDS_TRAIN, &weighted));
    options.records = &weighted;
    const Taken whole = take(options, BATCHES);
    static const int ranks[] = {1, 2, 3, 6};
    for (int r = 0; r < 4; r++)
        for (options.workers = 1; options.workers <= 8; options.workers += 1 + (r > 0)) {
            options.ranks = ranks[r];
            options.depth = 1 + options.workers % 3;
            Taken other = take(options, BATCHES);
            assert_same(&whole, &other, 0, BATCHES);
            drop(&other);
        }
    options.workers = 3;
    for (int start = 1; start < BATCHES; start += 3) {
        options.ranks = ranks[start % 4];
        options.first_batch = (uint64_t)start;
        Taken rest = take(options, BATCHES - start);
        assert_same(&whole, &rest, start, BATCHES - start);
        drop(&rest);
    }
    options.first_batch = 0;
    static const LoaderCache caches[] = {LOADER_AUTO, LOADER_PAGE, LOADER_PLAIN, LOADER_DIRECT};
    for (int c = 0; c < 4; c++) {
        Loader *loader;
        options.cache = caches[c];
        options.rank = 0;
        Status status = loader_open(&options, &loader);
        loader_close(loader);
        if (status && caches[c] == LOADER_DIRECT) { /* such as tmpfs in older kernels */
            assert_int_equal(status_code(status), EXIT_IO);
            status_free(status);
            continue;
        }
        assert_ok(status);
        Taken other = take(options, BATCHES);
        assert_same(&whole, &other, 0, BATCHES);
        drop(&other);
    }
    Taken first = whole;
    drop(&first);
    records_close(&weighted);
}

static void a_pack_named_twice_is_refused(void **state) {
    const Data *data = *state;
    char *twice = printed_path("%s,%s/", data->a, data->a);
    Records records;
    assert_fails(records_open(twice, "", RECORDS_TRAIN, &records), EXIT_DATA, "contain the same records");
    free(twice);
}

static void what_ranks_cannot_share_is_refused(void **state) {
    LoaderOptions options = usual(*state);
    Loader *loader;
    options.ranks = 4;
    assert_fails(loader_open(&options, &loader), EXIT_USAGE, "a batch of 6 samples cannot be shared by 4 ranks");
    options.ranks = 3;
    options.rank = 3;
    assert_fails(loader_open(&options, &loader), EXIT_USAGE, "this is rank 3");
    options.rank = 0;
    options.batch_size = 1200;
    assert_fails(loader_open(&options, &loader), EXIT_DATA, "fewer than one batch of 1200");
    options.batch_size = BATCH;
    options.min_side = 21;
    assert_fails(loader_open(&options, &loader), EXIT_DATA, "have 20 pixels a side, less than a patch (21)");
}

/* Whole records and the crops that are cut of them make the same samples. */
static void raw_records_come_with_their_crops(void **state) {
    const Data *data = *state;
    Records one;
    assert_ok(records_open(data->b, "1.5", RECORDS_TRAIN, &one));
    LoaderOptions options = usual(data), raw;
    options.records = &one;
    raw = options;
    raw.raw = true;
    Loader *loader, *whole;
    assert_ok(loader_open(&options, &loader));
    assert_ok(loader_open(&raw, &whole));
    const size_t bytes = (size_t)one.side * one.side * 3;
    for (int b = 0; b < 5; b++) {
        PrefetchBatch cut, records;
        assert_ok(loader_next(loader, &cut));
        assert_ok(loader_next(whole, &records));
        assert_null(cut.crops);
        assert_non_null(records.crops);
        for (int i = 0; i < BATCH; i++) {
            uint8_t expected[SAMPLE];
            const uint8_t *record = (const uint8_t *)records.samples + (size_t)i * bytes;
            assert_int_equal(cut.records[i], records.records[i]);
            assert_ok(resize_pixels(record, one.side, one.side, records.crops[i], SIZE, SIZE, expected));
            assert_memory_equal((const uint8_t *)cut.samples + (size_t)i * SAMPLE, expected, SAMPLE);
        }
        loader_done(loader);
        loader_done(whole);
    }
    loader_close(loader);
    loader_close(whole);
    records_close(&one);
    raw.records = &data->records; /* of two sizes */
    assert_fails(loader_open(&raw, &loader), EXIT_USAGE, "packs of one size");
}

/* Each epoch shows each pack round(w n) times, no key twice, and over epochs every record as often as any other. */
static void weights_are_kept_exactly(void **state) {
    const Data *data = *state;
    enum { EPOCHS = 30 };
    Records records;
    assert_ok(records_open(data->both, " 0.6 ,2.5", RECORDS_TRAIN, &records)); /* 12.6 of 21 records, 20 of 8 */
    const int64_t count = records.count, of_a = records.parts[0].count, of_b = records.parts[1].count;
    assert_true(of_a == 21 && of_b == 8);
    assert_int_equal(records.groups[0].samples_per_epoch, 13);
    assert_int_equal(records.groups[1].samples_per_epoch, 20);
    assert_int_equal(records.samples_per_epoch,
                     records.groups[0].samples_per_epoch + records.groups[1].samples_per_epoch);
    int *shown = calloc((size_t)count, sizeof *shown), *last = calloc((size_t)(4 * count), sizeof *last);
    assert_non_null(shown);
    assert_non_null(last);
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        int64_t from_a = 0;
        for (int64_t p = 0; p < records.samples_per_epoch; p++) {
            const int64_t key = records_at(&records, 5, (uint32_t)epoch, (uint64_t)p);
            assert_in_range(key, 0, 4 * count - 1); /* turns 0 .. 3 at a weight of 2.5 */
            assert_true(last[key] != epoch + 1);
            last[key] = epoch + 1;
            shown[key % count]++;
            from_a += key % count < of_a;
        }
        assert_int_equal(from_a, records.groups[0].samples_per_epoch);
        for (int64_t i = 0; i < count; i++) { /* passes end before the next begins */
            const RecordsGroup *group = &records.groups[i >= of_a];
            const int64_t whole = (epoch + 1) * group->samples_per_epoch / group->count;
            assert_in_range(shown[i], whole, whole + 1);
        }
    }
    free(last);
    free(shown);
    const uint64_t hash = records.hash;
    records_close(&records);
    assert_ok(records_open(data->both, "1,1", RECORDS_TRAIN, &records));
    assert_true(records.hash == data->records.hash && records.hash != hash);
    for (uint64_t p = 0; p < (uint64_t)count; p++)
        assert_int_equal(records_at(&records, 5, 3, p), random_permute(5, 3, (uint64_t)count, p));
    records_close(&records);
}

/* Of what is left in a pack its weight shows as large a part as before; what is left out is never shown. */
static void weights_hold_for_what_is_left(void **state) {
    const Data *data = *state;
    enum { EPOCHS = 12 };
    Records records;
    assert_ok(records_open(data->both, "2,0.5", RECORDS_TRAIN, &records));
    const int64_t count = records.count, of_a = records.parts[0].count;
    bool *shown = calloc((size_t)count, sizeof *shown);
    int *times = calloc((size_t)count, sizeof *times);
    assert_true(shown && times);
    for (int64_t r = 0; r < count; r++)
        shown[r] = r < of_a ? r % 3 == 0 : r % 2 == 0;
    const uint64_t hash = records.hash;
    assert_ok(records_leave_out(&records, shown));
    assert_true(records.count == count && records.hash == hash); /* numbers stay */
    assert_int_equal(records.groups[0].samples_per_epoch, 14);   /* 2 of 7 */
    assert_int_equal(records.groups[1].samples_per_epoch, 2);    /* 0.5 of 4 */
    assert_int_equal(records.samples_per_epoch, 16);
    for (uint32_t epoch = 0; epoch < EPOCHS; epoch++)
        for (uint64_t p = 0; p < 16; p++)
            times[records_at(&records, 5, epoch, p) % count]++;
    for (int64_t r = 0; r < count; r++)
        assert_int_equal(times[r], !shown[r] ? 0 : r < of_a ? 2 * EPOCHS : EPOCHS / 2);
    records_close(&records);

    /* Without weights each is shown once, in an order of its own. */
    assert_ok(records_open(data->both, "", RECORDS_TRAIN, &records));
    assert_ok(records_leave_out(&records, shown));
    assert_int_equal(records.samples_per_epoch, 11);
    memset(times, 0, (size_t)count * sizeof *times);
    for (uint64_t p = 0; p < 11; p++)
        times[records_at(&records, 5, 3, p)]++;
    for (int64_t r = 0; r < count; r++)
        assert_int_equal(times[r], shown[r]);
    records_close(&records);

    memset(shown, 0, (size_t)count * sizeof *shown);
    shown[0] = true;
    assert_ok(records_open(data->both, "0.4,1", RECORDS_TRAIN, &records));
    assert_fails(records_leave_out(&records, shown), EXIT_USAGE, "the weight 0.4 times the 1 images of ");
    records_close(&records);
    shown[0] = false;
    assert_ok(records_open(data->both, "", RECORDS_TRAIN, &records));
    assert_fails(records_leave_out(&records, shown), EXIT_DATA, "no image can be shown");
    records_close(&records);
    free(times);
    free(shown);
}

static void wrong_weights_are_refused(void **state) {
    const Data *data = *state;
    static const struct {
        const char *weights, *part;
    } cases[] = {
        {"1", "1 weights for 2 packs"},   {"1,2,3", "3 weights for 2 packs"}, {"1,x", "x is not a number above 0"},
        {"1,0", "0 is not a number"},     {"-1,1", "-1 is not a number"},     {"1,", "'' is not a number"},
        {"1,inf", "inf is not a number"}, {"0.001,1", "makes no samples"},    {"1,1e300", "makes too many"}};
    Records records;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_fails(records_open(data->both, cases[i].weights, RECORDS_TRAIN, &records), EXIT_USAGE, cases[i].part);
        assert_null(records.text);
    }
    char *folder = scratch_path(data->root, "folder");
    assert_ok(files_make_directory(folder));
    scratch_write(folder, "1.png", "x", 1);
    assert_fails(records_open(folder, "1", RECORDS_TRAIN, &records), EXIT_USAGE, "only packs have weights");
    char *mixed = printed_path("%s,%s", data->a, folder);
    assert_fails(records_open(mixed, "", RECORDS_TRAIN, &records), EXIT_DATA, "is not a pack");
    free(mixed);
    mixed = printed_path("%s,", data->a);
    assert_fails(records_open(mixed, "", RECORDS_TRAIN, &records), EXIT_DATA, "a name is empty");
    free(mixed);
    free(folder);
}

/* Inverts a byte of record `number` of pack a, in a file of the same length. */
static void spoil(const Data *data, int64_t record) {
    int64_t number;
    uint64_t offset;
    uint8_t byte;
    const RecordsPart *part = records_part(&data->records, record, &number);
    const PackShard *shard = pack_find(&part->pack, number, &offset);
    const int descriptor = open(shard->path, O_RDWR | O_CLOEXEC);
    assert_true(descriptor >= 0);
    const off_t at = (off_t)offset + 777;
    assert_int_equal(pread(descriptor, &byte, 1, at), 1);
    byte = (uint8_t)~byte;
    assert_int_equal(pwrite(descriptor, &byte, 1, at), 1);
    assert_int_equal(close(descriptor), 0);
}

static void reopen(Data *data) {
    records_close(&data->records);
    assert_ok(records_open(data->both, "", RECORDS_TRAIN, &data->records));
}

static void damaged_records_are_replaced_alike(void **state) {
    Data *data = *state;
    enum { BATCHES = 12 };
    const int64_t count = data->records.count;
    spoil(data, 3);
    spoil(data, 4);
    spoil(data, count - 1);
    reopen(data);
    LoaderOptions options = usual(data);
    options.max_unreadable = 3.0 / (double)count;
    const int epoch_batches = (int)(count / BATCH);
    static const int ranks[] = {1, 2, 3, 6};
    static const LoaderCache caches[] = {LOADER_PAGE, LOADER_PLAIN};
    for (int r = 0; r < 4; r++)
        for (int c = 0; c < 2; c++) {
            options.cache = caches[c];
            options.ranks = ranks[r];
            options.workers = 1 + r;
            Taken taken = take(options, BATCHES);
            int replaced = 0;
            for (int i = 0; i < BATCHES * BATCH; i++) {
                const uint32_t epoch = (uint32_t)(i / (epoch_batches * BATCH));
                const uint64_t position = (uint64_t)(i % (epoch_batches * BATCH));
                const int64_t wanted = records_at(&data->records, options.seed, epoch, position);
                const int64_t shown = wanted == 3 || wanted == 4 ? 5 : wanted == count - 1 ? 0 : wanted;
                assert_int_equal(taken.records[i], shown);
                expect_sample(&options, epoch, shown, taken.samples + (size_t)i * SAMPLE);
                replaced += wanted != shown;
            }
            assert_true(replaced >= 4);
            drop(&taken);
        }
}

static void damaged_records_are_listed(void **state) {
    Data *data = *state;
    spoil(data, 3);
    reopen(data);
    LoaderOptions options = usual(data);
    options.evaluate = true;
    options.max_unreadable = 0.1;
    Loader *loader;
    assert_ok(loader_open(&options, &loader));
    for (int b = 0; b < 8; b++) {
        PrefetchBatch batch;
        assert_ok(loader_next(loader, &batch));
        loader_done(loader);
    }
    assert_true(loader_bytes(loader) >= 8 * BATCH * 20 * 20 * 3);
    UnreadableRecord *bad;
    int count;
    assert_ok(loader_unreadable(loader, &bad, &count));
    assert_int_equal(count, 1);
    assert_int_equal(bad[0].record, 3);
    assert_string_equal(bad[0].root, data->a);
    assert_string_equal(bad[0].path, records_path(&data->records, 3));
    assert_non_null(strstr(bad[0].reason, "00000.h5: its checksum does not match"));
    assert_ptr_equal(strstr(bad[0].reason, "record 3 of"), bad[0].reason);
    free(bad);
    loader_close(loader);

    options.max_unreadable = 0;
    assert_ok(loader_open(&options, &loader));
    PrefetchBatch batch;
    assert_fails(loader_next(loader, &batch), EXIT_DATA, "more than max_unreadable = 0 allows");
    loader_close(loader);
}

static void a_pack_that_changes_is_refused(void **state) {
    const Data *data = *state;
    LoaderOptions options = usual(data);
    options.depth = 1;
    options.max_unreadable = 1;
    Loader *loader;
    assert_ok(loader_open(&options, &loader));
    PrefetchBatch batch;
    assert_ok(loader_next(loader, &batch));
    spoil(data, 0); /* what the run trains on would depend on when it was read */
    Status status = NULL;
    for (int b = 0; b < 20 && !status; b++) {
        loader_done(loader);
        status = loader_next(loader, &batch);
    }
    assert_int_equal(status_code(status), EXIT_DATA);
    assert_non_null(strstr(status_message(status), "changed since the run began"));
    status_free(status);
    loader_close(loader);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(records_are_numbered_by_pack_and_split, setup, teardown),
        cmocka_unit_test_setup_teardown(splits_choose_what_is_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(people_are_kept_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(samples_are_what_their_keys_say, setup, teardown),
        cmocka_unit_test_setup_teardown(ranks_workers_starts_and_caches_change_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_pack_named_twice_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(what_ranks_cannot_share_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(raw_records_come_with_their_crops, setup, teardown),
        cmocka_unit_test_setup_teardown(weights_are_kept_exactly, setup, teardown),
        cmocka_unit_test_setup_teardown(weights_hold_for_what_is_left, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_weights_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_records_are_replaced_alike, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_records_are_listed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_pack_that_changes_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
