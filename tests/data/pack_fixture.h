/* Packs of any size for tests of what reads them. Include after cmocka.h. */
#ifndef FOVEA_TEST_PACK_FIXTURE_H
#define FOVEA_TEST_PACK_FIXTURE_H

#include "pack.h"
#include "random.h"
#include "scratch.h"

#include <fcntl.h>

#include <xxhash.h>

/* Record i of a pack is of person i / 2, and the split of that person is the letter at that place of `splits`, round
 * and round: t, v, e (test) or - (none). */
typedef struct {
    const char *dataset, *splits;
    int side, count, per_shard;
    int number; /* makes its pixels differ from other packs' */
} PackSpec;

static inline PackSplit fixture_split(const PackSpec *spec, int record) {
    switch (spec->splits[(size_t)(record / 2) % strlen(spec->splits)]) {
    case 't':
        return PACK_SPLIT_TRAIN;
    case 'v':
        return PACK_SPLIT_VAL;
    case 'e':
        return PACK_SPLIT_TEST;
    default:
        return PACK_SPLIT_NONE;
    }
}

static inline void fixture_pixels(const PackSpec *spec, int record, uint8_t *pixels) {
    uint8_t *drawn = draw_picture(spec->side, spec->side, spec->number * 100 + record);
    memcpy(pixels, drawn, (size_t)spec->side * spec->side * 3);
    /* No two alike. */
    memcpy(pixels, &(int[]){spec->number, record}, 2 * sizeof(int));
    free(drawn);
}

static inline void fixture_write_shard(const PackSpec *spec, const PackAbout *about, int first, int count,
                                       const char *path, const char *scratch, PackShardEntry *entry) {
    const size_t bytes = (size_t)spec->side * spec->side * 3;
    PackRow *rows = calloc((size_t)count, sizeof *rows);
    char(*texts)[2][32] = calloc((size_t)count, sizeof *texts);
    uint8_t *pixels = malloc((size_t)count * bytes);
    assert_non_null(rows);
    assert_non_null(texts);
    assert_non_null(pixels);
    for (int i = 0; i < count; i++) {
        uint8_t *record = pixels + (size_t)i * bytes;
        fixture_pixels(spec, first + i, record);
        snprintf(texts[i][0], sizeof texts[i][0], "%d.png", first + i);
        snprintf(texts[i][1], sizeof texts[i][1], "p%d", (first + i) / 2);
        rows[i] = (PackRow){.source = texts[i][0],
                            .person = texts[i][1],
                            .device = "",
                            .modality = "",
                            .split = fixture_split(spec, first + i),
                            .checksum = XXH3_64bits(record, bytes),
                            .crop = {0, 0, spec->side, spec->side},
                            .size = {spec->side, spec->side}};
    }
    scratch_write(scratch, "pixels", pixels, (size_t)count * bytes);
    char *source = scratch_path(scratch, "pixels");
    const int descriptor = open(source, O_RDONLY | O_CLOEXEC);
    assert_true(descriptor >= 0);
    assert_ok(pack_shard_write(path, about, rows, count, descriptor, entry));
    close(descriptor);
    assert_int_equal(unlink(source), 0);
    free(source);
    free(pixels);
    free(texts);
    free(rows);
}

/* Writes the pack `root`/`name`; its path is the caller's. */
static inline char *fixture_pack(const char *root, const char *name, const PackSpec *spec) {
    enum { MOST = 16 };
    PackShardEntry entries[MOST] = {0};
    char files[MOST][16];
    char *directory = scratch_path(root, name), *shards = scratch_path(directory, "shards");
    const PackAbout about = {
        .dataset = (char *)(uintptr_t)spec->dataset, .dataset_version = "1", .image_size = spec->side};
    assert_ok(files_make_directory(shards));
    int count = 0;
    for (int first = 0; first < spec->count; first += spec->per_shard, count++) {
        assert_true(count < MOST);
        const int left = spec->count - first;
        snprintf(files[count], sizeof files[count], "%05d.h5", count);
        char *path = scratch_path(shards, files[count]);
        fixture_write_shard(spec, &about, first, left < spec->per_shard ? left : spec->per_shard, path, root,
                            &entries[count]);
        entries[count].file = files[count];
        free(path);
    }
    assert_ok(pack_manifest_write(directory, &about, entries, count));
    free(shards);
    return directory;
}

#endif
