/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/run/sightings.h"

#include "base/digest.h"
#include "base/files.h"
#include "base/list.h"

#include <stdlib.h>
#include <string.h>

struct Sight {
    const char *dataset;
    int side; /* of the record, in pixels */
    const PackRow *row;
    int64_t at; /* the row of the task */
};

static int compare_files(const void *a, const void *b) {
    const Sight *left = a, *right = b;
    return memcmp(left->row->sha256, right->row->sha256, sizeof left->row->sha256);
}

static int compare_pixels(const void *a, const void *b) {
    const Sight *left = a, *right = b;
    if (left->side != right->side)
        return left->side < right->side ? -1 : 1;
    return (left->row->checksum > right->row->checksum) - (left->row->checksum < right->row->checksum);
}

static int compare_people(const void *a, const void *b) {
    const Sight *left = a, *right = b;
    const int order = strcmp(left->dataset, right->dataset);
    return order ? order : strcmp(left->row->person, right->row->person);
}

static int (*const compare[SIGHT_WAYS])(const void *a, const void *b) = {compare_files, compare_pixels, compare_people};

/* Whether a row can be recognised so: a digest of zeros and a person without a name are not known. */
static bool is_known(const Sight *sight, SightWay way) {
    static const uint8_t none[sizeof sight->row->sha256];
    return way == SIGHT_FILE     ? memcmp(sight->row->sha256, none, sizeof none) != 0
           : way == SIGHT_PERSON ? *sight->row->person != '\0'
                                 : true;
}

static Sight sight_of(const Records *records, int64_t record, int64_t at) {
    int64_t number;
    const RecordsPart *part = records_part(records, record, &number);
    return (Sight){part->pack.info.dataset, part->pack.info.image_size, &part->pack.rows[number], at};
}

Status sightings_open(const Cohort *tested, Sightings *sightings) {
    const size_t room = (size_t)tested->rows.count + 1;
    *sightings = (Sightings){.tested = tested, .seen = calloc(room, sizeof *sightings->seen)};
    bool short_of_memory = !sightings->seen;
    for (int way = 0; way < SIGHT_WAYS; way++)
        short_of_memory |= !(sightings->sorted[way] = malloc(room * sizeof **sightings->sorted));
    if (short_of_memory)
        return status_no_memory("a list of test images", SIGHT_WAYS * room * sizeof **sightings->sorted);
    for (int64_t row = 0; row < tested->rows.count; row++) {
        if (tested->rows.split[row] != PROBE_TEST)
            continue;
        const Sight sight = sight_of(&tested->records, tested->record[row], row);
        for (int way = 0; way < SIGHT_WAYS; way++)
            if (is_known(&sight, way))
                sightings->sorted[way][sightings->count[way]++] = sight;
    }
    for (int way = 0; way < SIGHT_WAYS; way++)
        qsort(sightings->sorted[way], (size_t)sightings->count[way], sizeof **sightings->sorted, compare[way]);
    return NULL;
}

void sightings_close(Sightings *sightings) {
    for (int way = 0; way < SIGHT_WAYS; way++)
        free(sightings->sorted[way]);
    free(sightings->seen);
    *sightings = (Sightings){0};
}

static void mark_rows(Sightings *sightings, SightWay way, const Sight *key) {
    const Sight *sorted = sightings->sorted[way];
    const int64_t count = sightings->count[way];
    if (!is_known(key, way))
        return;
    for (int64_t i = list_place(sorted, count, sizeof *sorted, compare[way], key);
         i < count && compare[way](&sorted[i], key) == 0; i++)
        sightings->seen[sorted[i].at] = true;
}

static Status look_at_folder(Sightings *sightings, const Folder *folder) {
    for (int64_t i = 0; i < folder->count; i++) {
        PackRow row = {.person = ""};
        Digest digest;
        char *path;
        TRY(files_path(&path, "%s/%s", folder->root, folder->paths[i]));
        Status unreadable = digest_file(path, &digest);
        free(path);
        if (!unreadable) {
            memcpy(row.sha256, digest.sha256, sizeof row.sha256);
            mark_rows(sightings, SIGHT_FILE, &(Sight){.row = &row});
        }
        status_free(unreadable);
    }
    return NULL;
}

Status sightings_find(Sightings *sightings, const Records *records) {
    memset(sightings->seen, 0, (size_t)sightings->tested->rows.count * sizeof *sightings->seen);
    if (!records->part_count)
        return look_at_folder(sightings, &records->folder);
    for (int64_t record = 0; record < records->count; record++) {
        const Sight key = sight_of(records, record, -1);
        for (int way = 0; way < SIGHT_WAYS; way++)
            mark_rows(sightings, way, &key);
    }
    return NULL;
}
