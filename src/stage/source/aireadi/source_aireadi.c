/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/source/aireadi/source_aireadi.h"

#include "base/file_tree.h"
#include "base/files.h"
#include "base/list.h"
#include "base/paths.h"
#include "base/text.h"
#include "stage/source/aireadi/clinical.h"
#include "stage/source/aireadi/labels.h"
#include "stage/source/aireadi/manifest.h"
#include "stage/source/aireadi/version.h"
#include "stage/source/person_splits.h"
#include "stage/source/source_links.h"
#include "stage/source/unread_files.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const modality_names[] = {"cfp", "faf", "ir"}; /* sorted */
enum { MODALITIES = sizeof modality_names / sizeof *modality_names };

enum { DEVICES = 10 }; /* listed when there is none of the requested device */

/* retinal_photography/MODALITY/DEVICE/PERSON/FILE */
enum { PART_MODALITY = 1, PART_DEVICE, PART_PERSON, PARTS = 5 };

typedef struct {
    SourceBuilder builder;
    bool wanted[MODALITIES];
    Participants people;
    Manifest manifest;
    TreeFile *files; /* paths relative to the root, sorted */
    int64_t file_count, file_capacity;
    int64_t other_modalities, other_devices; /* rows and files that were not requested */
    /* The first of those devices, sorted, distinct; the last entry means that there are more. */
    char *devices[DEVICES + 1];
} AiReadi;

static Status parse_modalities(const char *text, bool *wanted) {
    for (const char *at = text ? text : "cfp"; *at;) {
        size_t length = strcspn(at, ",");
        int m = 0;
        while (m < MODALITIES && (strlen(modality_names[m]) != length || memcmp(at, modality_names[m], length) != 0))
            m++;
        if (m == MODALITIES)
            return status_error(EXIT_USAGE, "unknown modality \"%.*s\": use a list of cfp, ir and faf, such as cfp,ir",
                                (int)length, at);
        wanted[m] = true;
        at += length + (at[length] == ',');
    }
    return NULL;
}

/* Adds the files of a modality's folder to set->files. */
static Status add_files(AiReadi *set, const char *folder, const TreeFile *files, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        char *path;
        TRY(list_grow(&set->files, set->file_count, &set->file_capacity, sizeof *set->files, "a list of files"));
        TRY(files_path(&path, "%s%s", folder, files[i].path));
        set->files[set->file_count++] = (TreeFile){.path = path, .bytes = files[i].bytes};
    }
    return NULL;
}

/* A download in progress, or interrupted. */
static bool is_partial(const void *context, const char *path) {
    (void)context;
    const char *dot = strrchr(path, '.');
    return dot && strcmp(dot, ".partial") == 0;
}

static Status report_unread(AiReadi *set, const char *folder, const FileTree *listing) {
    char *where;
    Status status = text_format(&where, "%.*s: ", (int)strlen(folder) - 1, folder);
    if (!status)
        status = unread_files_report(&set->builder, where, listing->others, listing->other_count, is_partial, NULL);
    free(where);
    return status;
}

/* `folder` ends in a slash. */
static Status list_folder(AiReadi *set, const char *folder) {
    char *full;
    TRY(files_path(&full, "%s/%.*s", set->builder.source->root, (int)strlen(folder) - 1, folder));
    FileTree listing = {0};
    Status status = files_exists(full) ? file_tree_read(full, input_is_dicom, &listing) : NULL;
    free(full);
    TRY(status);
    status = add_files(set, folder, listing.files, listing.count);
    if (!status)
        status = source_links_report(&set->builder, folder, listing.links, listing.link_count);
    if (!status)
        status = report_unread(set, folder, &listing);
    file_tree_close(&listing);
    return status;
}

/* When a modality is on a disk of its own, its folder is a link. */
static Status list_modality(AiReadi *set, const char *modality) {
    char folder[64];
    snprintf(folder, sizeof folder, "retinal_photography/%s", modality);
    TRY(source_links_follow(&set->builder, folder));
    strcat(folder, "/");
    return list_folder(set, folder);
}

static bool part_is(const char *path, int part, const char *text) {
    size_t at, length;
    return path_part(path, part, &at, &length) && strlen(text) == length && memcmp(path + at, text, length) == 0;
}

/* Adds the path's device to the list of devices. */
static Status note_device(AiReadi *set, const char *path) {
    size_t at, length;
    int place = 0;
    char *name = NULL;
    if (path_parts(path) != PARTS || !path_part(path, PART_DEVICE, &at, &length))
        return NULL;
    TRY(input_set_part(&name, path + at, length));
    while (place <= DEVICES && set->devices[place] && strcmp(set->devices[place], name) < 0)
        place++;
    if (place > DEVICES || (set->devices[place] && strcmp(set->devices[place], name) == 0)) {
        free(name);
        return NULL;
    }
    free(set->devices[DEVICES]);
    memmove(&set->devices[place + 1], &set->devices[place], (size_t)(DEVICES - place) * sizeof name);
    set->devices[place] = name;
    return NULL;
}

static Status unknown_device(const AiReadi *set) {
    char *names;
    Status status = text_format(&names, "%s", "");
    for (int i = 0; !status && i <= DEVICES && set->devices[i]; i++) {
        char *shorter = names;
        status = text_format(&names, "%s%s%s", shorter, i ? ", " : ": ", i < DEVICES ? set->devices[i] : "...");
        free(shorter);
    }
    if (!status)
        status =
            status_error(EXIT_DATA, "%s: no photograph of device %s in these modalities, but %lld of other devices%s",
                         set->builder.source->root, set->builder.options->device, (long long)set->other_devices, names);
    free(names);
    return status;
}

/* Whether the path belongs to a requested modality and device. A path that does not show it is kept, and quarantined
 * later. */
static Status check_wanted(AiReadi *set, const char *path, bool *wanted) {
    *wanted = true;
    if (!part_is(path, 0, "retinal_photography") || path_parts(path) < 3)
        return NULL;
    *wanted = false;
    for (int m = 0; m < MODALITIES; m++)
        *wanted |= set->wanted[m] && part_is(path, PART_MODALITY, modality_names[m]);
    if (!*wanted) {
        set->other_modalities++;
        return NULL;
    }
    const char *device = set->builder.options->device;
    if (device && !part_is(path, PART_DEVICE, device)) {
        set->other_devices++;
        *wanted = false;
        return note_device(set, path);
    }
    return NULL;
}

static bool contains_mosaic(const char *path) {
    return strcasestr(path_name(path), "mosaic") != NULL;
}

static bool has_layout(const char *path) {
    return part_is(path, 0, "retinal_photography") && path_parts(path) == PARTS;
}

static Status set_from_part(char **field, const char *path, int part) {
    size_t at, length;
    return path_part(path, part, &at, &length) ? input_set_part(field, path + at, length) : NULL;
}

/* The manifest's `imaging` is derived from file names and sometimes wrong, so the path decides. */
static Status fill_from_path(StageInput *input) {
    input->is_dicom = input->verify_header = input_is_dicom(input->path);
    if (!has_layout(input->path))
        return NULL;
    TRY(set_from_part(&input->modality, input->path, PART_MODALITY));
    TRY(set_from_part(&input->device, input->path, PART_DEVICE));
    TRY(set_from_part(&input->person, input->path, PART_PERSON));
    input->frame = strcmp(input->modality, "cfp") != 0 || contains_mosaic(input->path) ? FRAME_WHOLE : FRAME_FUNDUS;
    return NULL;
}

static Status fill_from_person(AiReadi *set, StageInput *input) {
    const Participant *person = participants_find(&set->people, input->person);
    if (person) {
        input->split = person->split;
        memcpy(input->labels, person->labels, LABELS * sizeof *input->labels);
    }
    if (input->split == PACK_SPLIT_NONE)
        return builder_reject(&set->builder, input, FINDING_NO_SPLIT,
                              !person                        ? "its person is not in participants.tsv"
                              : set->builder.options->splits ? "its person is on no side of the list of splits"
                                                             : "its person's recommended_split is empty");
    return NULL;
}

static Status check_layout(AiReadi *set, StageInput *input, const ManifestRow *row) {
    if (!has_layout(input->path))
        return builder_reject(&set->builder, input, FINDING_CONTRADICTION,
                              "its path is not retinal_photography/MODALITY/DEVICE/PERSON/FILE");
    if (part_is(input->path, PART_PERSON, row->person))
        return NULL;
    char *reason;
    Status status =
        text_format(&reason, "manifest.tsv:%lld says person %s, its path another", (long long)row->line, row->person);
    if (!status)
        status = builder_reject(&set->builder, input, FINDING_CONTRADICTION, reason);
    free(reason);
    return status;
}

static Status add_listed(AiReadi *set, const ManifestRow *row) {
    bool wanted;
    TRY(check_wanted(set, row->path, &wanted));
    if (!wanted)
        return NULL;
    StageInput *input;
    TRY(builder_add(&set->builder, row->path, &input));
    TRY(fill_from_path(input));
    TRY(input_set(&input->person, row->person));
    TRY(fill_from_person(set, input));
    TRY(check_layout(set, input, row));
    TRY(builder_check_file(&set->builder, input));
    input->eye = input_eye(row->laterality);
    if (input_is_rejected(input) || input->eye != PACK_EYE_UNKNOWN)
        return NULL;
    char *detail;
    Status status = text_format(&detail, "laterality is \"%s\"", row->laterality);
    if (!status)
        status = findings_add(set->builder.findings, FINDING_LATERALITY, input->path, "", detail);
    free(detail);
    return status;
}

static Status add_unlisted(AiReadi *set, const char *path) {
    bool wanted;
    TRY(check_wanted(set, path, &wanted));
    if (!wanted)
        return NULL;
    StageInput *input;
    TRY(builder_add(&set->builder, path, &input));
    TRY(fill_from_path(input));
    return builder_reject(&set->builder, input, FINDING_UNLISTED, "in no row of manifest.tsv");
}

/* Merges the manifest and the list of files, both sorted. */
static Status add_inputs(AiReadi *set) {
    const Manifest *manifest = &set->manifest;
    for (int64_t row = 0, file = 0; row < manifest->count || file < set->file_count;) {
        int order = row == manifest->count    ? 1
                    : file == set->file_count ? -1
                                              : strcmp(manifest->rows[row].path, set->files[file].path);
        if (order <= 0)
            TRY(add_listed(set, &manifest->rows[row++]));
        else
            TRY(add_unlisted(set, set->files[file].path));
        file += order >= 0;
    }
    return NULL;
}

/* The user's list overrides recommended_split. */
static Status apply_splits(AiReadi *set) {
    PersonSplits splits;
    TRY(person_splits_open(&set->builder, &splits));
    for (int64_t i = 0; splits.path && i < set->people.count; i++)
        set->people.list[i].split = person_splits_of(&splits, set->people.list[i].id);
    Status status = person_splits_note(&set->builder, &splits);
    person_splits_close(&splits);
    return status;
}

static Status build_source(AiReadi *set) {
    static const char *const tables[] = {"participants.tsv",
                                         "dataset_description.json",
                                         "retinal_photography/manifest.tsv",
                                         "clinical_data/measurement.csv",
                                         "clinical_data/condition_occurrence.csv",
                                         NULL};
    SourceBuilder *builder = &set->builder;
    builder->tables = tables;
    builder->extensions = ".dcm";
    const char *root = builder->source->root;
    char *version;
    TRY(version_read(root, &version));
    Status status = builder_describe(builder, "aireadi", version, true, label_names, LABELS);
    free(version);
    TRY(status);
    TRY(participants_read(root, &set->people, builder->options->splits ? NULL : builder->findings, builder->notes.out));
    TRY(apply_splits(set));
    TRY(source_links_follow(builder, "clinical_data"));
    TRY(clinical_read(root, &set->people, builder->notes.out));
    TRY(source_links_follow(builder, "retinal_photography"));
    TRY(manifest_read(builder, &set->manifest));
    for (int m = 0; m < MODALITIES; m++)
        if (set->wanted[m])
            TRY(list_modality(set, modality_names[m]));
    TRY(add_inputs(set));
    if (!builder->source->count && set->other_devices)
        return unknown_device(set);
    if (set->other_modalities)
        fprintf(builder->notes.out, "of modalities that were not asked for: %lld file%s.\n",
                (long long)set->other_modalities, set->other_modalities == 1 ? "" : "s");
    if (set->other_devices)
        fprintf(builder->notes.out, "of devices that were not asked for: %lld file%s.\n", (long long)set->other_devices,
                set->other_devices == 1 ? "" : "s");
    return builder_finish(builder);
}

Status source_aireadi(const SourceOptions *options, StageSource *source, Findings *findings) {
    AiReadi set = {0};
    *source = (StageSource){0};
    TRY(parse_modalities(options->modalities, set.wanted));
    Status status = builder_open(&set.builder, options, source, findings);
    if (!status)
        status = build_source(&set);
    participants_close(&set.people);
    manifest_close(&set.manifest);
    file_tree_free(set.files, set.file_count);
    for (int i = 0; i <= DEVICES; i++)
        free(set.devices[i]);
    return builder_close(&set.builder, status);
}
