/* SPDX-License-Identifier: Apache-2.0 */
/* The images that a run trains or validates on: a folder, or records of one or several packs.
 *
 * Records are numbered 0 .. count-1: a folder's in its own order; those of packs by pack, in the order in which they
 * are named, and within each by their number there, without those of other splits. */
#ifndef FOVEA_DATA_RECORDS_H
#define FOVEA_DATA_RECORDS_H

#include "base/status.h"
#include "data/folder.h"
#include "pack/pack.h"

#include <stdbool.h>
#include <stdint.h>

/* Which splits of a pack are used; a folder is always used whole. */
typedef enum {
    RECORDS_TRAIN, /* train, and records without a split */
    RECORDS_VAL,   /* val */
    RECORDS_ALL
} RecordsSplits;

/* The records used of one pack. */
typedef struct {
    Pack pack;
    int64_t *list; /* [count] their numbers in the pack, ascending */
    int64_t first, count;
} RecordsPart;

/* Records that an epoch shows alike: those of a part, of the folder, or of a class. */
typedef struct {
    int64_t *list; /* [count] their numbers, ascending; NULL: first, first + 1, ... */
    int64_t first, count;
    double weight;                           /* samples an epoch for each record, before rounding */
    int64_t first_sample, samples_per_epoch; /* see records_at() */
} RecordsGroup;

typedef struct {
    char *text;         /* as given, for messages */
    Folder folder;      /* when there are no parts */
    RecordsPart *parts; /* [part_count] */
    int part_count;
    RecordsGroup *groups; /* [group_count] of the order: one for each part, or for the folder, until records_group() */
    int group_count;
    int64_t count;             /* of records */
    int64_t samples_per_epoch; /* `count` where every weight is 1 */
    int side;                  /* of the packs' square records, in pixels; 0: a folder, or packs of several sizes */
    bool licensed;             /* one of the packs is */
    uint64_t hash;             /* of which images these are, how numbered and how weighted */
} Records;

/* Opens `text`: a folder, a pack, or packs separated by commas. `weights`: "" or as many numbers, separated by commas:
 * a pack of n records with weight w gets round(w * n) samples an epoch; "" is 1 each. EXIT_DATA when there is nothing
 * there, or no record of these splits; EXIT_USAGE for weights that are no numbers above 0, too many, too few, too large
 * or so small that no sample is left. */
Status records_open(const char *text, const char *weights, RecordsSplits splits, Records *records) MUST_USE;
void records_close(Records *records);

/* Leaves record r out of the order unless shown[r]: no epoch has it, and a pack of which n records remain gets
 * round(w * n) samples. EXIT_DATA when no record remains, EXIT_USAGE when a pack's weight leaves it no sample. */
Status records_leave_out(Records *records, const bool *shown) MUST_USE;

/* Groups the records for records_at(): record r is in group group_of[r], 0 .. groups - 1, or with -1 in none, so that
 * it is never shown. An epoch has as many samples as records in groups, the same number from each group that has
 * records, or one more from the first of them. Weights no longer count. EXIT_DATA when no record is in a group. */
Status records_group(Records *records, const int32_t *group_of, int groups) MUST_USE;

/* The key of the sample at `position` of `epoch`, 0 <= position < samples_per_epoch: the record's number, plus `count`
 * times the turn that it is within this epoch (0 the first time), so that each sample has its own key; key % count is
 * the record. The sample is j = random_permute(seed, epoch, samples_per_epoch, position), which belongs to a group by
 * cumulative sums. In a group with as many samples as records it is record j - first_sample of it. Otherwise samples
 * count on over epochs, g = epoch * samples_per_epoch + j - first_sample (the group's), and pass q = g / count shows
 * its record random_permute(seed + RECORDS_PASS, q, count, g % count), so that every record gets its turn. */
int64_t records_at(const Records *records, uint64_t seed, uint32_t epoch, uint64_t position);
#define RECORDS_PASS UINT64_C(0x9E3779B97F4A7C15)

/* The part of a record and its number in that part's pack; only with packs. */
const RecordsPart *records_part(const Records *records, int64_t record, int64_t *number);
/* For messages: the image's path, relative to the folder or to the source of the pack, and the folder or pack.
 */
const char *records_path(const Records *records, int64_t record);
const char *records_root(const Records *records, int64_t record);

#endif
