/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/source/folder/source_folder.h"

#include "base/files.h"
#include "base/paths.h"
#include "image/image.h"
#include "stage/source/folder/class_folders.h"
#include "stage/source/folder/folder_labels.h"
#include "stage/source/folder/label_tables.h"
#include "stage/source/folder/split_folders.h"
#include "stage/source/person_splits.h"
#include "stage/source/source_links.h"
#include "stage/source/unread_files.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_image_name(const char *name) {
    return image_is_file_name(name) || input_is_dicom(name);
}

static Status add_file(FolderSet *set, int64_t file) {
    StageInput *input;
    const char *path = set->files[file].path;
    TRY(folder_set_add(set, path, &input));
    input->eye = input_eye_of_words(path_name(path), 2);
    input->split = set->folders[file].split;
    return builder_check_file(&set->builder, input);
}

/* --- Splits --------------------------------------------------------------------------------------------------------*/

/* Folders that name a split part the set, unless none of their images is wanted. */
static Status warn_about_no_split(FolderSet *set) {
    const StageSource *source = set->builder.source;
    const char *stray = NULL;
    int64_t strays = 0;
    for (int64_t i = 0; i < source->count; i++) {
        const StageInput *input = &source->inputs[i];
        set->has_splits |= input->split != PACK_SPLIT_NONE && !input->exclude_reason;
        if (input->split == PACK_SPLIT_NONE && !input->exclude_reason && !strays++)
            stray = input->path;
    }
    if (!set->has_splits || !strays)
        return NULL;
    return source_warn(set->builder.source, "%lld image%s on no side of the set's split, such as %s: excluded",
                       (long long)strays, strays == 1 ? " is" : "s are", stray);
}

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
    TRY(warn_about_no_split(set));
    return set->has_splits ? person_splits_check(&set->builder, "it is on no side of the set's split") : NULL;
}

/* --- The source ----------------------------------------------------------------------------------------------------*/

static Status warn_about_people(FolderSet *set) {
    bool in_table = false;
    for (int i = 0; i < set->table_count; i++)
        in_table |= set->tables[i].person >= 0 || set->tables[i].row_is_person;
    if (set->known->person != PERSON_OF_NAME || in_table)
        return NULL;
    return source_warn(set->builder.source,
                       "nothing names people: each image counts as a person of its own, so a split may part the images "
                       "of one%s%s%s",
                       set->person_hint ? "; if column " : "", set->person_hint ? set->person_hint : "",
                       set->person_hint ? " names them, choose it with --person" : "");
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

static Status add_inputs(FolderSet *set) {
    ClassFolders classes = {0};
    if (!set->table_count)
        TRY(class_folders_find(set, &classes));
    Status status = describe_set(set, classes.count > 0);
    for (int64_t i = 0; i < set->file_count && !status; i++)
        status = add_file(set, i);
    if (!status && classes.count)
        status = class_folders_apply(set, &classes);
    class_folders_close(&classes);
    return status;
}

static Status build_source(FolderSet *set) {
    set->builder.extensions = ".jpg, .jpeg, .png, .tif, .tiff or .dcm";
    TRY(refuse_aireadi(set->builder.source->root));
    TRY(list_files(set));
    TRY(image_index_open(set->files, set->file_count, &set->index));
    set->listed = calloc((size_t)set->file_count + 1, sizeof *set->listed);
    if (!set->listed)
        return status_no_memory("a list of files", (size_t)set->file_count);
    TRY(label_tables_find(set));
    TRY(split_folders_find(set));
    TRY(add_inputs(set));
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
    label_tables_close(&set);
    if (set.missing)
        tdestroy(set.missing, free);
    image_index_close(&set.index);
    free(set.folders);
    free(set.listed);
    file_tree_free(set.files, set.file_count);
    file_tree_free(set.others, set.other_count);
    return builder_close(&set.builder, status);
}
