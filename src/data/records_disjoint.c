/* SPDX-License-Identifier: Apache-2.0 */
#include "data/records_disjoint.h"

#include "base/files.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* --- People of packs --- */

typedef struct {
    const char *dataset, *person;
} DatasetPerson;

static int compare_people(const void *a, const void *b) {
    const DatasetPerson *left = a, *right = b;
    const int order = strcmp(left->dataset, right->dataset);
    return order ? order : strcmp(left->person, right->person);
}

/* Everyone with a name, sorted; the list is the caller's. */
static Status list_people(const Records *records, DatasetPerson **people, size_t *count) {
    *count = 0;
    *people = malloc((size_t)(records->count ? records->count : 1) * sizeof **people);
    if (!*people)
        return status_no_memory("a list of people", (size_t)records->count * sizeof **people);
    for (int i = 0; i < records->part_count; i++) {
        const RecordsPart *part = &records->parts[i];
        for (int64_t r = 0; r < part->count; r++) {
            const char *person = part->pack.rows[part->list[r]].person;
            if (*person)
                (*people)[(*count)++] = (DatasetPerson){part->pack.info.dataset, person};
        }
    }
    qsort(*people, *count, sizeof **people, compare_people);
    return NULL;
}

static Status refuse_shared(const Records *train, const Records *val, const DatasetPerson *shared) {
    return status_error(EXIT_DATA,
                        "person %s of %s is in the training data %s and in the validation data %s: the validation loss "
                        "would not be that of unseen people; split again, or train only on the split train",
                        shared->person, shared->dataset, train->text, val->text);
}

static Status check_people(const Records *train, const Records *val) {
    DatasetPerson *left, *right = NULL;
    size_t left_count, right_count = 0;
    TRY(list_people(train, &left, &left_count));
    Status status = list_people(val, &right, &right_count);
    for (size_t i = 0, j = 0; !status && i < left_count && j < right_count;) {
        const int order = compare_people(&left[i], &right[j]);
        if (!order)
            status = refuse_shared(train, val, &left[i]);
        i += order < 0;
        j += order > 0;
    }
    free(left);
    free(right);
    return status;
}

/* --- Records of packs that name nobody --- */

static Status check_parts(const Records *train, const RecordsPart *left, const Records *val, const RecordsPart *right) {
    for (int64_t i = 0, j = 0; left->pack.hash == right->pack.hash && i < left->count && j < right->count;) {
        if (left->list[i] == right->list[j])
            return status_error(EXIT_DATA,
                                "record %lld of %s is in the training data %s and in the validation data %s: the "
                                "validation loss would not be that of unseen images; split again, or train only on the "
                                "split train",
                                (long long)left->list[i], left->pack.directory, train->text, val->text);
        const bool first = left->list[i] < right->list[j];
        i += first;
        j += !first;
    }
    return NULL;
}

/* --- Files of folders --- */

typedef struct {
    FileIdentity identity;
    int64_t record;
} NumberedFile;

static int compare_files(const void *a, const void *b) {
    const FileIdentity *left = &((const NumberedFile *)a)->identity, *right = &((const NumberedFile *)b)->identity;
    if (left->device != right->device)
        return left->device < right->device ? -1 : 1;
    return left->inode < right->inode ? -1 : left->inode > right->inode;
}

/* Sorted by identity; the list is the caller's. */
static Status list_files(const Folder *folder, NumberedFile **files) {
    *files = malloc((size_t)folder->count * sizeof **files);
    if (!*files)
        return status_no_memory("a list of files", (size_t)folder->count * sizeof **files);
    for (int64_t i = 0; i < folder->count; i++)
        (*files)[i] = (NumberedFile){folder->identities[i], i};
    qsort(*files, (size_t)folder->count, sizeof **files, compare_files);
    return NULL;
}

/* Whether both paths name one file at this moment. Some file systems in user space give a number to another file later.
 */
static bool is_one_file(const char *left, const char *right) {
    struct stat a, b;
    return stat(left, &a) == 0 && stat(right, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino &&
           a.st_size == b.st_size;
}

static Status refuse_file(const Records *train, int64_t left, const Records *val, int64_t right) {
    char *path, *other = NULL;
    TRY(files_path(&path, "%s/%s", train->folder.root, train->folder.paths[left]));
    Status status = files_path(&other, "%s/%s", val->folder.root, val->folder.paths[right]);
    if (!status && is_one_file(path, other))
        status =
            status_error(EXIT_DATA,
                         "%s is in the training data %s and, as %s, in the validation data %s: the validation loss "
                         "would not be that of unseen images; give folders that share no file",
                         path, train->text, other, val->text);
    free(path);
    free(other);
    return status;
}

static Status check_files(const Records *train, const Records *val) {
    NumberedFile *left, *right = NULL;
    TRY(list_files(&train->folder, &left));
    Status status = list_files(&val->folder, &right);
    for (int64_t i = 0, j = 0; !status && i < train->folder.count && j < val->folder.count;) {
        const int order = compare_files(&left[i], &right[j]);
        if (!order && left[i].identity.inode)
            status = refuse_file(train, left[i].record, val, right[j].record);
        i += order <= 0;
        j += order >= 0;
    }
    free(left);
    free(right);
    return status;
}

Status records_check_disjoint(const Records *train, const Records *val) {
    if (!train->part_count && !val->part_count)
        return check_files(train, val);
    if (!train->part_count || !val->part_count)
        return NULL;
    TRY(check_people(train, val));
    for (int i = 0; i < train->part_count; i++)
        for (int j = 0; j < val->part_count; j++)
            TRY(check_parts(train, &train->parts[i], val, &val->parts[j]));
    return NULL;
}
