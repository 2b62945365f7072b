/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/source/folder/split_folders.h"

#include "base/paths.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_LENGTH = 24, NAMED_FOLDERS = 32 /* that are listed by name */ };

/* Words beside a split's that leave no doubt. */
static bool is_filler(const char *word) {
    static const char *const fillers[] = {"set",    "sets",        "image", "images", "img",   "imgs",
                                          "data",   "dataset",     "part",  "of",     "photo", "photos",
                                          "fundus", "photographs", "split", "the"};
    if (!word[0] || !word[1]) /* "a. Training Set" */
        return true;
    for (size_t i = 0; i < sizeof fillers / sizeof *fillers; i++)
        if (strcmp(word, fillers[i]) == 0)
            return true;
    return false;
}

/* The split that a word names, alone or glued to a filler as in "trainset"; NONE: none. */
static PackSplit split_of_word(const char *word) {
    static const char *const longest[] = {"evaluation", "validation", "training", "testing", "train",
                                          "valid",      "test",       "eval",     "val"};
    PackSplit split = PACK_SPLIT_NONE;
    for (size_t i = 0; i < sizeof longest / sizeof *longest; i++) {
        const size_t length = strlen(longest[i]);
        if (strncmp(word, longest[i], length) != 0)
            continue;
        const bool whole = !word[length] || (word[length + 1] && is_filler(word + length));
        return whole && input_split(longest[i], &split) ? split : PACK_SPLIT_NONE;
    }
    return PACK_SPLIT_NONE;
}

/* The next run of letters as a word in lower case; a capital after a small letter begins another ("TestSet"). */
static bool next_word(const char **at, const char *end, char word[WORD_LENGTH]) {
    while (*at < end && !isalpha((unsigned char)**at))
        (*at)++;
    size_t length = 0;
    const char *start = *at;
    for (; *at < end && isalpha((unsigned char)**at); (*at)++) {
        if (*at > start && isupper((unsigned char)**at) && islower((unsigned char)(*at)[-1]))
            break;
        if (length + 1 < WORD_LENGTH)
            word[length++] = (char)tolower((unsigned char)**at);
    }
    word[length] = '\0';
    return length > 0;
}

SplitName split_name_read(const char *name, size_t length, PackSplit *split) {
    char word[WORD_LENGTH];
    bool others = false;
    *split = PACK_SPLIT_NONE;
    for (const char *at = name; next_word(&at, name + length, word);) {
        const PackSplit found = split_of_word(word);
        if (found != PACK_SPLIT_NONE && *split != PACK_SPLIT_NONE && found != *split)
            return SPLIT_NAME_NONE; /* "train and test" */
        *split = found != PACK_SPLIT_NONE ? found : *split;
        others |= found == PACK_SPLIT_NONE && !is_filler(word);
    }
    if (*split == PACK_SPLIT_NONE)
        return SPLIT_NAME_NONE;
    return others ? SPLIT_NAME_PERHAPS : SPLIT_NAME_PLAIN;
}

bool split_name_is_empty(const char *name, size_t length) {
    char word[WORD_LENGTH];
    bool any = false;
    for (const char *at = name; next_word(&at, name + length, word); any = true)
        if (!is_filler(word) || !word[1])
            return false;
    return any;
}

/* --- The folders of a tree -----------------------------------------------------------------------------------------*/

/* A folder's name that tells a split, wherever it is in the tree. */
typedef struct {
    const char *name;
    size_t length;
    SplitName kind;
    PackSplit split;
    int64_t images;
} NamedFolder;

typedef struct {
    NamedFolder list[NAMED_FOLDERS];
    int count;
    bool seen[PACK_SPLITS];
} NamedFolders;

static void count_folder(NamedFolders *folders, const NamedFolder *folder) {
    folders->seen[folder->split] = true;
    int i = folders->count; /* neighbours in the sorted list of files are mostly in the same folder */
    while (i-- && !(folders->list[i].length == folder->length &&
                    memcmp(folders->list[i].name, folder->name, folder->length) == 0))
        ;
    if (i >= 0)
        folders->list[i].images++;
    else if (folders->count < NAMED_FOLDERS)
        folders->list[folders->count++] = *folder;
}

/* The split that the path's folders of one kind name; false when they name two. */
static bool read_folders(const char *path, SplitName kind, FolderSplit *folder) {
    size_t at, length;
    *folder = (FolderSplit){PACK_SPLIT_NONE, -1};
    for (int depth = 0; depth < path_parts(path) - 1 && path_part(path, depth, &at, &length); depth++) {
        PackSplit split;
        if (split_name_read(path + at, length, &split) != kind)
            continue;
        if (folder->split != PACK_SPLIT_NONE && split != folder->split)
            return false;
        *folder = (FolderSplit){split, depth};
    }
    return true;
}

static void list_named(const FolderSet *set, NamedFolders *folders) {
    for (int64_t i = 0; i < set->file_count; i++) {
        size_t at, length;
        const char *path = set->files[i].path;
        for (int depth = 0; depth < path_parts(path) - 1 && path_part(path, depth, &at, &length); depth++) {
            NamedFolder folder = {.name = path + at, .length = length, .images = 1};
            folder.kind = split_name_read(path + at, length, &folder.split);
            if (folder.kind != SPLIT_NAME_NONE)
                count_folder(folders, &folder);
        }
    }
}

static Status report_named(FolderSet *set, const NamedFolders *folders, bool loosely) {
    bool any = false;
    for (int i = 0; i < folders->count; i++) {
        const NamedFolder *folder = &folders->list[i];
        if (folder->kind == SPLIT_NAME_PERHAPS && !loosely) {
            TRY(source_warn(set->builder.source,
                            "the folder \"%.*s\" with %lld image%s may name a split, and is not taken as one: rename "
                            "it \"%s\" if it is",
                            (int)folder->length, folder->name, (long long)folder->images,
                            folder->images == 1 ? "" : "s", pack_split_name(folder->split)));
            continue;
        }
        fprintf(set->builder.notes.out, "%s%.*s is %s", any ? ", " : "folders as splits: ", (int)folder->length,
                folder->name, pack_split_name(folder->split));
        any = true;
    }
    if (any)
        fputs(".\n", set->builder.notes.out);
    return NULL;
}

static bool tables_tell_splits(const FolderSet *set) {
    for (int i = 0; i < set->table_count; i++)
        if (set->tables[i].split >= 0 || (set->tables[i].known && set->tables[i].known->split != PACK_SPLIT_NONE))
            return true;
    return false;
}

/* `loosely`: names among other words count where a path has no plain one. */
static Status take_folders(FolderSet *set, bool loosely) {
    const bool decides = !set->builder.options->splits && !tables_tell_splits(set);
    for (int64_t i = 0; i < set->file_count; i++) {
        FolderSplit *folder = &set->folders[i];
        const char *path = set->files[i].path;
        bool agree = read_folders(path, SPLIT_NAME_PLAIN, folder);
        if (agree && loosely && folder->split == PACK_SPLIT_NONE)
            agree = read_folders(path, SPLIT_NAME_PERHAPS, folder);
        if (!agree && decides)
            return status_error(EXIT_DATA,
                                "%s: its folders name two splits; rename one, or give the split in a column \"split\" "
                                "or with --splits",
                                path);
        if (!agree)
            *folder = (FolderSplit){PACK_SPLIT_NONE, -1};
    }
    return NULL;
}

Status split_folders_find(FolderSet *set) {
    set->folders = calloc((size_t)set->file_count + 1, sizeof *set->folders);
    if (!set->folders)
        return status_no_memory("the folders of splits", (size_t)set->file_count * sizeof *set->folders);
    NamedFolders folders = {0};
    list_named(set, &folders);
    const bool loosely =
        folders.seen[PACK_SPLIT_TRAIN] + folders.seen[PACK_SPLIT_VAL] + folders.seen[PACK_SPLIT_TEST] > 1;
    TRY(report_named(set, &folders, loosely));
    return take_folders(set, loosely);
}
