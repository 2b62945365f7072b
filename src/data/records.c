/* SPDX-License-Identifier: Apache-2.0 */
#include "data/records.h"

#include "base/files.h"
#include "base/random.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

static const double MAX_SAMPLES_PER_EPOCH = 1e12;

static bool is_wanted(PackSplit split, RecordsSplits splits) {
    switch (splits) {
    case RECORDS_TRAIN:
        return split == PACK_SPLIT_TRAIN || split == PACK_SPLIT_NONE;
    case RECORDS_VAL:
        return split == PACK_SPLIT_VAL;
    default:
        return true;
    }
}

static Status select_records(RecordsPart *part, RecordsSplits splits) {
    const Pack *pack = &part->pack;
    part->list = malloc((size_t)(pack->count ? pack->count : 1) * sizeof *part->list);
    if (!part->list)
        return status_no_memory("a list of records", (size_t)pack->count * sizeof *part->list);
    for (int64_t i = 0; i < pack->count; i++)
        if (is_wanted(pack->rows[i].split, splits))
            part->list[part->count++] = i;
    return NULL;
}

/* The next piece of a list with commas, without the blanks around it, the caller's; NULL at the end. */
static Status next_piece(const char **text, char **piece) {
    *piece = NULL;
    if (!*text)
        return NULL;
    const char *start = *text, *end = start + strcspn(start, ",");
    *text = *end ? end + 1 : NULL;
    while (start < end && isspace((unsigned char)*start))
        start++;
    while (end > start && isspace((unsigned char)end[-1]))
        end--;
    return files_path(piece, "%.*s", (int)(end - start), start);
}

static int count_pieces(const char *text) {
    int count = 1;
    for (; *text; text++)
        count += *text == ',';
    return count;
}

static Status open_pack(const char *directory, RecordsSplits splits, Records *records) {
    if (!*directory)
        return status_error(EXIT_DATA, "a name is empty in %s; remove a comma", records->text);
    if (!pack_is(directory))
        return status_error(EXIT_DATA,
                            "%s in %s is not a pack; name one folder of images, or packs separated by commas",
                            directory, records->text);
    RecordsPart *part = &records->parts[records->part_count];
    TRY(pack_open(directory, &part->pack));
    records->part_count++;
    for (RecordsPart *other = records->parts; other < part; other++)
        if (other->pack.hash == part->pack.hash)
            return status_error(EXIT_DATA,
                                "%s: %s and %s contain the same records; name one of them (its weight says "
                                "how often it is shown)",
                                records->text, other->pack.directory, directory);
    TRY(select_records(part, splits));
    records->licensed |= part->pack.info.licensed;
    const int side = part->pack.info.image_size;
    records->side = records->part_count == 1 || records->side == side ? side : 0;
    return NULL;
}

static Status open_packs(const char *text, RecordsSplits splits, Records *records) {
    /* A folder's name may have a comma. */
    const int count = files_exists(text) ? 1 : count_pieces(text);
    records->parts = calloc((size_t)count, sizeof *records->parts);
    if (!records->parts)
        return status_no_memory("a list of packs", (size_t)count * sizeof *records->parts);
    if (count == 1)
        return open_pack(text, splits, records);
    char *piece;
    Status status = NULL;
    while (!status && !(status = next_piece(&text, &piece)) && piece) {
        status = open_pack(piece, splits, records);
        free(piece);
    }
    return status;
}

static Status count_samples(const Records *records, RecordsGroup *group) {
    const double samples = round(group->weight * (double)group->count);
    if (group->count && (samples < 1 || samples > MAX_SAMPLES_PER_EPOCH))
        return status_error(EXIT_USAGE, "the weight %g times the %lld images of %s makes %s samples an epoch; %s it",
                            group->weight, (long long)group->count, records_root(records, group->first),
                            samples < 1 ? "no" : "too many", samples < 1 ? "raise" : "lower");
    group->samples_per_epoch = (int64_t)samples;
    return NULL;
}

/* The samples of each group begin where those of the one before it end. */
static void place_samples(Records *records) {
    records->samples_per_epoch = 0;
    for (int i = 0; i < records->group_count; i++) {
        records->groups[i].first_sample = records->samples_per_epoch;
        records->samples_per_epoch += records->groups[i].samples_per_epoch;
    }
}

static Status group_parts(Records *records) {
    const int groups = records->part_count ? records->part_count : 1;
    records->groups = calloc((size_t)groups, sizeof *records->groups);
    if (!records->groups)
        return status_no_memory("the groups of records", (size_t)groups * sizeof *records->groups);
    records->group_count = groups;
    for (int i = 0; i < groups; i++) {
        const int64_t count = records->part_count ? records->parts[i].count : records->folder.count;
        records->groups[i] =
            (RecordsGroup){.first = records->count, .count = count, .weight = 1, .samples_per_epoch = count};
        if (records->part_count)
            records->parts[i].first = records->count;
        records->count += count;
    }
    return NULL;
}

static Status weigh_group(const Records *records, RecordsGroup *group, const char *weight) {
    char *end;
    group->weight = strtod(weight, &end);
    if (!*weight || *end || !(group->weight > 0) || !isfinite(group->weight))
        return status_error(EXIT_USAGE, "the weight %s is not a number above 0; give one for each pack",
                            *weight ? weight : "''");
    return count_samples(records, group);
}

static Status weigh_groups(const char *weights, Records *records) {
    if (!*weights)
        return NULL;
    const int given = count_pieces(weights);
    if (!records->part_count)
        return status_error(EXIT_USAGE, "weights %s: only packs have weights, and %s is a folder; remove the weights",
                            weights, records->text);
    if (given != records->part_count)
        return status_error(EXIT_USAGE, "weights %s: %d weights for %d packs; give one for each", weights, given,
                            records->part_count);
    Status status = NULL;
    for (int i = 0; i < given && !status; i++) {
        char *piece;
        status = next_piece(&weights, &piece);
        if (!status)
            status = weigh_group(records, &records->groups[i], piece);
        free(piece);
    }
    return status;
}

static void add_number(XXH3_state_t *state, uint64_t number) {
    uint8_t bytes[8]; /* little endian on any machine */
    for (int b = 0; b < 8; b++)
        bytes[b] = (uint8_t)(number >> 8 * b);
    XXH3_64bits_update(state, bytes, sizeof bytes);
}

/* The hash is over each pack's hash, its samples and the numbers of the records used. */
static Status hash_parts(Records *records) {
    XXH3_state_t *state = XXH3_createState();
    if (!state)
        return status_no_memory("a hash", 0);
    XXH3_64bits_reset(state);
    for (int i = 0; i < records->part_count; i++) {
        const RecordsPart *part = &records->parts[i];
        add_number(state, part->pack.hash);
        add_number(state, (uint64_t)records->groups[i].samples_per_epoch);
        add_number(state, (uint64_t)part->count);
        for (int64_t r = 0; r < part->count; r++)
            add_number(state, (uint64_t)part->list[r]);
    }
    records->hash = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return NULL;
}

static Status open_text(const char *text, const char *weights, RecordsSplits splits, Records *records) {
    TRY(files_path(&records->text, "%s", text));
    const bool folder = !pack_is(text) && (files_exists(text) || !strchr(text, ','));
    TRY(folder ? folder_open(text, &records->folder) : open_packs(text, splits, records));
    TRY(group_parts(records));
    TRY(weigh_groups(weights, records));
    place_samples(records);
    if (folder)
        records->hash = records->folder.hash;
    else
        TRY(hash_parts(records));
    if (!records->count)
        return status_error(EXIT_DATA, "%s: no image is in %s; see the pack's splits", text,
                            splits == RECORDS_VAL     ? "the split val"
                            : splits == RECORDS_TRAIN ? "the split train or without a split"
                                                      : "the requested splits");
    return NULL;
}

Status records_open(const char *text, const char *weights, RecordsSplits splits, Records *records) {
    *records = (Records){0};
    Status status = open_text(text, weights, splits, records);
    if (status)
        records_close(records);
    return status;
}

static void drop_groups(Records *records) {
    for (int i = 0; i < records->group_count; i++)
        free(records->groups[i].list);
    free(records->groups);
    records->groups = NULL;
    records->group_count = 0;
}

void records_close(Records *records) {
    for (int i = 0; i < records->part_count; i++) {
        pack_close(&records->parts[i].pack);
        free(records->parts[i].list);
    }
    free(records->parts);
    drop_groups(records);
    folder_close(&records->folder);
    free(records->text);
    *records = (Records){0};
}

static Status allocate_list(RecordsGroup *group, int64_t count) {
    group->list = malloc((size_t)(count ? count : 1) * sizeof *group->list);
    return group->list ? NULL : status_no_memory("a list of records", (size_t)count * sizeof *group->list);
}

static Status refuse_empty(const Records *records) {
    return status_error(EXIT_DATA, "%s: no image can be shown", records->text);
}

Status records_leave_out(Records *records, const bool *shown) {
    for (int i = 0; i < records->group_count; i++) {
        RecordsGroup *group = &records->groups[i];
        const int64_t end = group->first + group->count;
        TRY(allocate_list(group, group->count));
        group->count = 0;
        for (int64_t r = group->first; r < end; r++)
            if (shown[r])
                group->list[group->count++] = r;
        TRY(count_samples(records, group));
    }
    place_samples(records);
    return records->samples_per_epoch ? NULL : refuse_empty(records);
}

Status records_group(Records *records, const int32_t *group_of, int groups) {
    int64_t grouped = 0, filled = 0;
    drop_groups(records);
    records->groups = calloc((size_t)groups, sizeof *records->groups);
    if (!records->groups)
        return status_no_memory("the groups of records", (size_t)groups * sizeof *records->groups);
    while (records->group_count < groups) {
        const int number = records->group_count++;
        RecordsGroup *group = &records->groups[number];
        TRY(allocate_list(group, records->count));
        for (int64_t r = 0; r < records->count; r++)
            if (group_of[r] == number)
                group->list[group->count++] = r;
        grouped += group->count;
        filled += group->count > 0;
    }
    if (!filled)
        return refuse_empty(records);
    int64_t more = grouped % filled;
    for (int i = 0; i < groups; i++) {
        RecordsGroup *group = &records->groups[i];
        group->samples_per_epoch = group->count ? grouped / filled + (more-- > 0) : 0;
    }
    place_samples(records);
    return NULL;
}

int64_t records_at(const Records *records, uint64_t seed, uint32_t epoch, uint64_t position) {
    int64_t sample = (int64_t)random_permute(seed, epoch, (uint64_t)records->samples_per_epoch, position);
    const RecordsGroup *group = records->groups;
    while (sample >= group->first_sample + group->samples_per_epoch)
        group++;
    sample -= group->first_sample;
    const int64_t samples = group->samples_per_epoch;
    if (samples == group->count)
        return group->list ? group->list[sample] : group->first + sample;
    const uint64_t count = (uint64_t)group->count, before = (uint64_t)epoch * (uint64_t)samples;
    const uint64_t running = before + (uint64_t)sample, pass = running / count;
    const int64_t drawn = (int64_t)random_permute(seed + RECORDS_PASS, (uint32_t)pass, count, running % count);
    return (group->list ? group->list[drawn] : group->first + drawn) +
           (int64_t)(pass - before / count) * records->count;
}

const RecordsPart *records_part(const Records *records, int64_t record, int64_t *number) {
    const RecordsPart *part = records->parts;
    while (record >= part->first + part->count)
        part++;
    *number = part->list[record - part->first];
    return part;
}

const char *records_path(const Records *records, int64_t record) {
    if (!records->part_count)
        return records->folder.paths[record];
    int64_t number;
    const RecordsPart *part = records_part(records, record, &number);
    return part->pack.rows[number].source;
}

const char *records_root(const Records *records, int64_t record) {
    int64_t number;
    return records->part_count ? records_part(records, record, &number)->pack.directory : records->folder.root;
}
