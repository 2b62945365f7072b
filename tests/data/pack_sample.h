/* A small pack that shows everything a pack can hold: two shards, texts from empty to long, labels that are not known,
 * a photograph without a person. Include after cmocka.h. */
#ifndef FOVEA_TEST_PACK_SAMPLE_H
#define FOVEA_TEST_PACK_SAMPLE_H

#include "pack.h"
#include "random.h"
#include "scratch.h"

#include <fcntl.h>
#include <math.h>

#include <xxhash.h>

enum { SAMPLE_SIDE = 12, SAMPLE_BYTES = SAMPLE_SIDE * SAMPLE_SIDE * 3, SAMPLE_SHARDS = 2, SAMPLE_COUNT = 12 };
static const int sample_first[SAMPLE_SHARDS + 1] = {0, 7, SAMPLE_COUNT};

typedef struct {
    PackAbout about;
    PackRow rows[SAMPLE_COUNT];
    char texts[SAMPLE_COUNT][2][64];
    float labels[SAMPLE_COUNT][2];
    uint8_t pixels[SAMPLE_COUNT][SAMPLE_BYTES];
    PackShardEntry entries[SAMPLE_SHARDS];
} Sample;

/* Records 3k, 3k + 1 and 3k + 2 are of person p<k>, who is in train, val, test or no split in turn; the last record is
 * of nobody known. */
static inline void sample_draw(Sample *sample) {
    static char *names[] = {"age", "hba1c (%) \xc3\xa4"};
    static char files[SAMPLE_SHARDS][16] = {"00000.h5", "00001.h5"};
    *sample = (Sample){.about = {.dataset = "sample",
                                 .dataset_version = "1.2",
                                 .licensed = true,
                                 .image_size = SAMPLE_SIDE,
                                 .label_names = names,
                                 .label_count = 2}};
    for (int i = 0; i < SAMPLE_SHARDS; i++)
        sample->entries[i].file = files[i];
    for (int i = 0; i < SAMPLE_COUNT; i++) {
        Random random;
        random_start(&random, 7, RANDOM_TEST, 0, (uint64_t)i);
        for (int b = 0; b < SAMPLE_BYTES; b++)
            sample->pixels[i][b] = (uint8_t)random_u32(&random);
        snprintf(sample->texts[i][0], 64, "photographs/%d/%s%d.dcm", i / 3, i % 2 ? "a longer name of a file " : "", i);
        snprintf(sample->texts[i][1], 64, i == SAMPLE_COUNT - 1 ? "" : "p%d", i / 3);
        sample->labels[i][0] = (float)(40 + i);
        sample->labels[i][1] = i % 4 ? 5.5f + (float)i : NAN;
        PackRow row = {.source = sample->texts[i][0],
                       .person = sample->texts[i][1],
                       .device = "",
                       .modality = i % 2 ? "cfp" : "ir",
                       .eye = (PackEye)(i % 3),
                       .split = (PackSplit)(i == SAMPLE_COUNT - 1 ? PACK_SPLIT_TRAIN : (i / 3 + 1) % PACK_SPLITS),
                       .checksum = XXH3_64bits(sample->pixels[i], SAMPLE_BYTES),
                       .phash = 0x8000000000000001u + (uint64_t)i,
                       .circle = {100.5f, 99.25f, 80.f + (float)i, 0.75f},
                       .crop = {-3, 4, 170 + i, 171},
                       .size = {200, 300 + i},
                       .flags = i % 5 ? 0 : PACK_FULL_FRAME | PACK_NO_CIRCLE,
                       .labels = sample->labels[i]};
        for (int b = 0; b < 32; b++)
            row.sha256[b] = (uint8_t)(i * 32 + b);
        sample->rows[i] = row;
    }
}

/* Writes shard `number` at `path`. */
static inline Status sample_write_shard(Sample *sample, int number, const char *path, const char *scratch) {
    int first = sample_first[number], count = sample_first[number + 1] - first;
    scratch_write(scratch, "pixels", sample->pixels[first], (size_t)count * SAMPLE_BYTES);
    char *pixels = scratch_path(scratch, "pixels");
    int descriptor = open(pixels, O_RDONLY | O_CLOEXEC);
    assert_true(descriptor >= 0);
    Status status =
        pack_shard_write(path, &sample->about, sample->rows + first, count, descriptor, &sample->entries[number]);
    close(descriptor);
    assert_int_equal(unlink(pixels), 0);
    free(pixels);
    return status;
}

/* The whole pack, `root`/pack. */
static inline void sample_write(Sample *sample, const char *root) {
    char *shards = scratch_path(root, "pack/shards"), *pack = scratch_path(root, "pack");
    assert_ok(files_make_directory(shards));
    for (int i = 0; i < SAMPLE_SHARDS; i++) {
        char *path = scratch_path(shards, sample->entries[i].file);
        assert_ok(sample_write_shard(sample, i, path, root));
        free(path);
    }
    assert_ok(pack_manifest_write(pack, &sample->about, sample->entries, SAMPLE_SHARDS));
    free(shards);
    free(pack);
}

/* A test's own pack on disk. */
typedef struct {
    char *root, *pack, *shard; /* shard 1 */
    Sample sample;
} Case;

static inline int sample_setup(void **state) {
    Case *it = calloc(1, sizeof *it);
    assert_non_null(it);
    it->root = scratch_make();
    it->pack = scratch_path(it->root, "pack");
    it->shard = scratch_path(it->pack, "shards/00001.h5");
    sample_draw(&it->sample);
    sample_write(&it->sample, it->root);
    *state = it;
    return 0;
}

static inline int sample_teardown(void **state) {
    Case *it = *state;
    scratch_remove(it->root);
    free(it->pack);
    free(it->shard);
    free(it);
    return 0;
}

#endif
