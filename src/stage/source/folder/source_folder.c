/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/source/folder/source_folder.h"

#include "base/files.h"
#include "base/paths.h"
#include "image/image.h"
#include "stage/source/folder/folder_labels.h"
#include "stage/source/person_splits.h"
#include "stage/source/source_links.h"
#include "stage/source/unread_files.h"

#include <ctype.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_image_name(const char *name) {
    return image_is_file_name(name) || input_is_dicom(name);
}

/* By a part of the name such as left or OD; unknown when two parts disagree. */
static PackEye eye_of_name(const char *name) {
    PackEye eye = PACK_EYE_UNKNOWN;
    for (const char *at = name; *at;) {
        size_t length = 0;
        while (isalpha((unsigned char)at[length]))
            length++;
        char part[8] = "";
        if (length > 1 && length < sizeof part) {
            memcpy(part, at, length);
            PackEye found = input_eye(part);
            if (found != PACK_EYE_UNKNOWN && eye != PACK_EYE_UNKNOWN && found != eye)
                return PACK_EYE_UNKNOWN;
            eye = found != PACK_EYE_UNKNOWN ? found : eye;
        }
        at += length ? length : 1;
    }
    return eye;
}

/* The split that the first folder names; NONE when it names none. */
static PackSplit split_of_path(const char *path) {
    static const char *const names[] = {
        [PACK_SPLIT_TRAIN] = "train/", [PACK_SPLIT_VAL] = "val/", [PACK_SPLIT_TEST] = "test/"};
    for (int split = PACK_SPLIT_TRAIN; split < PACK_SPLITS; split++)
        if (strncmp(path, names[split], strlen(names[split])) == 0)
            return (PackSplit)split;
    return PACK_SPLIT_NONE;
}

static Status add_file(FolderSet *set, const char *path) {
    StageInput *input;
    TRY(folder_set_add(set, path, &input));
    input->eye = eye_of_name(path_name(path));
    input->split = split_of_path(path);
    set->has_splits |= input->split != PACK_SPLIT_NONE;
    return builder_check_file(&set->builder, input);
}

/* --- Classes: SPLIT/CLASS/FILE -------------------------------------------------------------------------------------*/

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool has_classes(const FolderSet *set) {
    for (int64_t i = 0; i < set->file_count; i++)
        if (split_of_path(set->files[i].path) == PACK_SPLIT_NONE || path_parts(set->files[i].path) != 3)
            return false;
    return set->file_count > 0;
}

/* The classes' names, sorted, each once; count at most file_count. */
static Status list_classes(const FolderSet *set, char **names, int64_t *count) {
    int64_t filled = 0;
    for (; filled < set->file_count; filled++) {
        size_t at, length;
        const char *path = set->files[filled].path;
        if (path_part(path, 1, &at, &length))
            TRY(input_set_part(&names[filled], path + at, length));
    }
    qsort(names, (size_t)filled, sizeof *names, compare_names);
    *count = 0;
    for (int64_t i = 0; i < filled; i++) {
        if (*count && strcmp(names[*count - 1], names[i]) == 0)
            continue;
        char *kept = names[i]; /* duplicates stay at the end, for the caller to free */
        names[i] = names[*count];
        names[(*count)++] = kept;
    }
    return NULL;
}

static Status label_classes(FolderSet *set, char **names) {
    int64_t count;
    TRY(list_classes(set, names, &count));
    for (int64_t i = 0; i < set->file_count; i++) {
        size_t at = 0, length = 0;
        StageInput *input = &set->builder.source->inputs[i];
        char *name = NULL;
        path_part(input->path, 1, &at, &length);
        TRY(input_set_part(&name, input->path + at, length));
        char **found = bsearch(&name, names, (size_t)count, sizeof *names, compare_names);
        input->labels[0] = found ? (float)(found - names) : 0;
        free(name);
    }
    fprintf(set->builder.notes.out, "class:");
    for (int64_t i = 0; i < count; i++)
        fprintf(set->builder.notes.out, "%s %lld %s", i ? "," : "", (long long)i, names[i]);
    fprintf(set->builder.notes.out, ".\n");
    return NULL;
}

static Status apply_classes(FolderSet *set) {
    char **names = calloc((size_t)set->file_count, sizeof *names);
    if (!names)
        return status_no_memory("classes", (size_t)set->file_count * sizeof *names);
    Status status = label_classes(set, names);
    for (int64_t i = 0; i < set->file_count; i++)
        free(names[i]);
    free(names);
    return status;
}

/* --- Splits --------------------------------------------------------------------------------------------------------*/

/* The user's list overrides the set's own split. */
static Status apply_splits(FolderSet *set) {
    PersonSplits splits;
    TRY(person_splits_open(&set->builder, &splits));
    StageSource *source = set->builder.source;
    for (int64_t i = 0; splits.path && i < source->count; i++)
        source->inputs[i].split = person_splits_of(&splits, source->inputs[i].person);
    set->has_splits |= splits.path != NULL;
    Status status = person_splits_note(&set->builder, &splits);
    person_splits_close(&splits);
    TRY(status);
    return set->has_splits ? person_splits_check(&set->builder, "it is on no side of the set's split") : NULL;
}

/* --- The source
 * -----------------------------------------------------------------------------------------------------*/

static Status warn_about_people(FolderSet *set) {
    static const char line[] =
        "nothing names people: each image counts as a person of its own, so a split may part the "
        "images of one";
    bool in_table = false;
    for (int i = 0; i < set->table_count; i++)
        in_table |= set->tables[i].person >= 0;
    if (set->known->person != PERSON_OF_NAME || in_table)
        return NULL;
    fprintf(set->builder.notes.out, "%s.\n", line);
    return source_warn(set->builder.source, "%s", line);
}

static Status describe_set(FolderSet *set, bool classes) {
    static const char *const class_names[] = {"class"};
    const char *dataset = set->known->dataset ? set->known->dataset : path_name(set->builder.roots[0]);
    return builder_describe(&set->builder, dataset, "unknown", false,
                            classes ? class_names : (const char *const *)set->labels, classes ? 1 : set->label_count);
}

/* This layout does not read the tables that contain AI-READI's licence and splits. */
static Status refuse_aireadi(const char *root) {
    char *manifest;
    TRY(files_path(&manifest, "%s/retinal_photography/manifest.tsv", root));
    const bool there = files_exists(manifest);
    free(manifest);
    return there ? status_error(EXIT_USAGE, "%s is a download of AI-READI: stage it with ./stage aireadi", root) : NULL;
}

static Status list_files(FolderSet *set) {
    FileTree listing;
    const char *root = set->builder.source->root;
    TRY(file_tree_read(root, is_image_name, &listing));
    set->files = listing.files;
    set->file_count = listing.count;
    set->others = listing.others;
    set->other_count = listing.other_count;
    Status status = source_links_report(&set->builder, "", listing.links, listing.link_count);
    if (!status && listing.link_count && !set->file_count)
        status = status_error(EXIT_DATA,
                              "%s: the only images are behind links to folders, such as %s, which are not "
                              "followed; stage their targets",
                              root, listing.links[0].path);
    file_tree_free(listing.links, listing.link_count);
    return status;
}

static int compare_paths(const void *a, const void *b) {
    return strcmp(a, b);
}

/* Tables and texts belong to any data set, and files named in a table are inputs. */
static bool is_expected_file(const void *context, const char *path) {
    static const char *const endings[] = {".csv", ".tsv", ".txt", ".json", ".xls", ".xlsx", ".pdf", ".md", ".html"};
    const FolderSet *set = context;
    const char *dot = strrchr(path_name(path), '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return true;
    return tfind(path, &set->missing, compare_paths) != NULL;
}

static Status build_source(FolderSet *set) {
    set->builder.extensions = ".jpg, .jpeg, .png or .dcm";
    TRY(refuse_aireadi(set->builder.source->root));
    TRY(list_files(set));
    TRY(image_index_open(set->files, set->file_count, &set->index));
    set->listed = calloc((size_t)set->file_count + 1, sizeof *set->listed);
    if (!set->listed)
        return status_no_memory("a list of files", (size_t)set->file_count);
    TRY(folder_labels_find(set));
    bool classes = !set->table_count && has_classes(set);
    TRY(describe_set(set, classes));
    for (int64_t i = 0; i < set->file_count; i++)
        TRY(add_file(set, set->files[i].path));
    if (classes)
        TRY(apply_classes(set));
    TRY(folder_labels_apply(set));
    TRY(apply_splits(set));
    TRY(warn_about_people(set));
    TRY(unread_files_report(&set->builder, "", set->others, set->other_count, is_expected_file, set));
    return builder_finish(&set->builder);
}

Status source_folder(const SourceOptions *options, StageSource *source, Findings *findings) {
    FolderSet set = {0};
    *source = (StageSource){0};
    TRY(known_sets_find(options->kind, &set.known));
    Status status = builder_open(&set.builder, options, source, findings);
    if (!status)
        status = build_source(&set);
    folder_labels_close(&set);
    image_index_close(&set.index);
    free(set.listed);
    file_tree_free(set.files, set.file_count);
    file_tree_free(set.others, set.other_count);
    return builder_close(&set.builder, status);
}
