/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/info.h"

#include "image/encode.h"
#include "image/image.h"
#include "pack/derived.h"
#include "pack/pack.h"
#include "pack/verify.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHEET_ACROSS = 8, SHEET_DOWN = 6, SHEET_GAP = 4 }; /* images, images, pixels */

static void print_summary(const Pack *pack) {
    int64_t splits[PACK_SPLITS] = {0}, uncertain = 0;
    for (int64_t i = 0; i < pack->count; i++) {
        splits[pack->rows[i].split]++;
        uncertain += (pack->rows[i].flags & PACK_NO_CIRCLE) != 0;
    }
    printf("pack      %s\n", pack->directory);
    printf("data set  %s %s%s\n", pack->info.dataset, pack->info.dataset_version,
           pack->info.licensed ? ", licensed: nothing derived from it may be passed on" : "");
    printf("records   %" PRId64 " of %d x %d in %d shard%s\n", pack->count, pack->info.image_size,
           pack->info.image_size, pack->shard_count, pack->shard_count == 1 ? "" : "s");
    printf("split     train %" PRId64 ", val %" PRId64 ", test %" PRId64 ", none %" PRId64 "\n",
           splits[PACK_SPLIT_TRAIN], splits[PACK_SPLIT_VAL], splits[PACK_SPLIT_TEST], splits[PACK_SPLIT_NONE]);
    printf("circle    not found in %" PRId64 ", which show the full frame\n", uncertain);
    printf("hash      %016" PRIx64 ", split %016" PRIx64 "\n", pack->hash, pack->split_hash);
}

static void print_labels(const Pack *pack) {
    for (int label = 0; label < pack->info.label_count; label++) {
        int64_t known = 0;
        for (int64_t i = 0; i < pack->count; i++)
            known += !isnan(pack->rows[i].labels[label]);
        printf("label     %s: known for %" PRId64 "\n", pack->info.label_names[label], known);
    }
}

/* Draws images evenly spaced through the pack, row by row. */
static Status draw_sheet(const Pack *pack, const char *path) {
    const int side = pack->info.image_size, across = SHEET_ACROSS;
    const int64_t room = SHEET_ACROSS * SHEET_DOWN, shown = pack->count < room ? pack->count : room;
    const int down = (int)((shown + across - 1) / across);
    const int width = across * (side + SHEET_GAP) + SHEET_GAP, height = down * (side + SHEET_GAP) + SHEET_GAP;
    const size_t row = (size_t)side * 3;
    uint8_t *sheet = malloc((size_t)width * (size_t)height * 3), *record = malloc((size_t)side * row);
    Status status = sheet && record ? NULL : status_no_memory("the contact sheet", (size_t)width * (size_t)height * 3);
    if (!status)
        memset(sheet, 255, (size_t)width * (size_t)height * 3);
    for (int64_t i = 0; i < shown && !status; i++) {
        status = pack_read(pack, i * pack->count / shown, record);
        const size_t left = (size_t)(i % across) * (size_t)(side + SHEET_GAP) + SHEET_GAP;
        const size_t top = (size_t)(i / across) * (size_t)(side + SHEET_GAP) + SHEET_GAP;
        for (int y = 0; y < side && !status; y++)
            memcpy(sheet + ((top + (size_t)y) * (size_t)width + left) * 3, record + (size_t)y * row, row);
    }
    if (!status)
        status = image_write_png(path, sheet, width, height);
    free(record);
    free(sheet);
    return status;
}

static Status write_sheet(const Pack *pack, const char *path, bool anyway) {
    if (pack->info.licensed && !anyway)
        return status_error(EXIT_USAGE,
                            "%s is licensed data, whose images may not be passed on, so no contact sheet is drawn; "
                            "--anyway draws it and adds it to the pack's list of derived files",
                            pack->directory);
    TRY(pack_derived_add(pack->directory, path));
    TRY(draw_sheet(pack, path));
    printf("sheet     %s\n", path);
    return NULL;
}

Status stage_info(const char *directory, const char *sheet, bool anyway) {
    Pack pack;
    TRY(pack_open(directory, &pack));
    print_summary(&pack);
    print_labels(&pack);
    Status status = sheet ? write_sheet(&pack, sheet, anyway) : NULL;
    pack_close(&pack);
    return status;
}

Status stage_verify(const char *pack, int threads) {
    return pack_verify(pack, threads, stdout);
}
