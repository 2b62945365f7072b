/* SPDX-License-Identifier: Apache-2.0 */
/* AI-READI (fairhub.io), releases 1 to 3: its manifest against the files that are there, and what its tables say. */
#include "base/file_tree.h"
#include "base/files.h"
#include "base/paths.h"
#include "base/text.h"
#include "stage/source/aireadi/manifest.h"
#include "stage/source/aireadi/participants.h"
#include "stage/source/aireadi/version.h"
#include "stage/source/person_splits.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const modality_names[] = {"cfp", "faf", "ir"}; /* sorted */
enum { MODALITIES = sizeof modality_names / sizeof *modality_names };

enum { DEVICES = 10 }; /* named when there is none of the one asked for */

/* retinal_photography/MODALITY/DEVICE/PERSON/FILE */
enum { PART_MODALITY = 1, PART_DEVICE, PART_PERSON, PARTS = 5 };

typedef struct {
    Maker maker;
    bool wanted[MODALITIES];
    Participants people;
    Manifest manifest;
    TreeFile *files; /* paths relative to the root, sorted */
    int64_t file_count;
    int64_t other_modalities, other_devices; /* rows and files that are not asked for */
    char *devices[DEVICES + 1]; /* of those: sorted, distinct, the first ones; the last stands for all further */
} AiReadi;

static Status parse_modalities(const char *text, bool *wanted) {
    for (const char *at = text ? text : "cfp"; *at;) {
        size_t length = strcspn(at, ",");
        int m = 0;
        while (m < MODALITIES && (strlen(modality_names[m]) != length || memcmp(at, modality_names[m], length) != 0))
            m++;
        if (m == MODALITIES)
            return status_error(EXIT_USAGE, "unknown modality \"%.*s\": a list of cfp, ir, faf, such as cfp,ir",
                                (int)length, at);
        wanted[m] = true;
        at += length + (at[length] == ',');
    }
    return NULL;
}

/* Adds what a modality's folder holds to set->files. */
static Status add_files(AiReadi *set, const char *folder, const TreeFile *files, int64_t count) {
    TreeFile *grown = realloc(set->files, (size_t)(set->file_count + count + 1) * sizeof *grown);
    if (!grown)
        return status_no_memory("a list of files", (size_t)count * sizeof *grown);
    set->files = grown;
    for (int64_t i = 0; i < count; i++) {
        char *path;
        TRY(files_path(&path, "%s%s", folder, files[i].path));
        set->files[set->file_count++] = (TreeFile){.path = path, .bytes = files[i].bytes};
    }
    return NULL;
}

/* A download that goes on, or was stopped. */
static bool is_partial(const void *context, const char *path) {
    (void)context;
    const char *dot = strrchr(path, '.');
    return dot && strcmp(dot, ".partial") == 0;
}

static Status tell_others(AiReadi *set, const char *folder, const FileTree *listing) {
    char *where;
    Status status = text_format(&where, "%.*s: ", (int)strlen(folder) - 1, folder);
    if (!status)
        status = maker_tell_others(&set->maker, where, listing->others, listing->other_count, is_partial, NULL);
    free(where);
    return status;
}

/* `folder` ends in a slash. */
static Status list_folder(AiReadi *set, const char *folder) {
    char *full;
    TRY(files_path(&full, "%s/%.*s", set->maker.source->root, (int)strlen(folder) - 1, folder));
    FileTree listing = {0};
    Status status = files_exists(full) ? file_tree_read(full, input_is_dicom, &listing) : NULL;
    free(full);
    TRY(status);
    status = add_files(set, folder, listing.files, listing.count);
    if (!status)
        status = maker_tell_links(&set->maker, folder, listing.links, listing.link_count);
    if (!status)
        status = tell_others(set, folder, &listing);
    file_tree_close(&listing);
    return status;
}

/* Where modalities lie on disks of their own, their folders are links. */
static Status list_modality(AiReadi *set, const char *modality) {
    char folder[64];
    snprintf(folder, sizeof folder, "retinal_photography/%s", modality);
    TRY(maker_follow(&set->maker, folder));
    strcat(folder, "/");
    return list_folder(set, folder);
}

static bool part_is(const char *path, int part, const char *text) {
    size_t at, length;
    return path_part(path, part, &at, &length) && strlen(text) == length && memcmp(path + at, text, length) == 0;
}

/* Keeps the path's device among the first ones. */
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

static Status no_such_device(const AiReadi *set) {
    char *names;
    Status status = text_format(&names, "%s", "");
    for (int i = 0; !status && i <= DEVICES && set->devices[i]; i++) {
        char *shorter = names;
        status = text_format(&names, "%s%s%s", shorter, i ? ", " : ": ", i < DEVICES ? set->devices[i] : "...");
        free(shorter);
    }
    if (!status)
        status =
            status_error(EXIT_DATA, "%s: no photograph of device %s in these modalities, but %lld of others%s",
                         set->maker.source->root, set->maker.options->device, (long long)set->other_devices, names);
    free(names);
    return status;
}

/* Whether the path is of a modality and a device that are asked for. One that does not tell is kept, to be found bad.
 */
static Status is_wanted(AiReadi *set, const char *path, bool *wanted) {
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
    const char *device = set->maker.options->device;
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

static Status set_part(char **field, const char *path, int part) {
    size_t at, length;
    return path_part(path, part, &at, &length) ? input_set_part(field, path + at, length) : NULL;
}

/* What the path says. The manifest's `imaging` comes from file names, too, and is wrong for some. */
static Status fill_from_path(StageInput *input) {
    input->is_dicom = input->headed = input_is_dicom(input->path);
    if (!has_layout(input->path))
        return NULL;
    TRY(set_part(&input->modality, input->path, PART_MODALITY));
    TRY(set_part(&input->device, input->path, PART_DEVICE));
    TRY(set_part(&input->person, input->path, PART_PERSON));
    input->frame = strcmp(input->modality, "cfp") != 0 || contains_mosaic(input->path) ? FRAME_WHOLE : FRAME_FUNDUS;
    return NULL;
}

static Status fill_from_person(AiReadi *set, StageInput *input) {
    const Person *person = participants_find(&set->people, input->person);
    if (person) {
        input->split = person->split;
        memcpy(input->labels, person->labels, (size_t)participants_label_count() * sizeof *input->labels);
    }
    if (input->split == PACK_SPLIT_NONE)
        return maker_settle(&set->maker, input, FINDING_NO_SPLIT,
                            !person                      ? "its person is not in participants.tsv"
                            : set->maker.options->splits ? "its person is on no side of the list of splits"
                                                         : "its person's recommended_split is empty");
    return NULL;
}

static Status check_row(AiReadi *set, StageInput *input, const ManifestRow *row) {
    if (!has_layout(input->path))
        return maker_settle(&set->maker, input, FINDING_CONTRADICTION,
                            "its path is not retinal_photography/MODALITY/DEVICE/PERSON/FILE");
    if (part_is(input->path, PART_PERSON, row->person))
        return NULL;
    char *reason;
    Status status =
        text_format(&reason, "manifest.tsv:%lld says person %s, its path another", (long long)row->line, row->person);
    if (!status)
        status = maker_settle(&set->maker, input, FINDING_CONTRADICTION, reason);
    free(reason);
    return status;
}

static Status take_row(AiReadi *set, const ManifestRow *row) {
    bool wanted;
    TRY(is_wanted(set, row->path, &wanted));
    if (!wanted)
        return NULL;
    StageInput *input;
    TRY(maker_add(&set->maker, row->path, &input));
    TRY(fill_from_path(input));
    TRY(input_set(&input->person, row->person));
    TRY(fill_from_person(set, input));
    TRY(check_row(set, input, row));
    TRY(maker_look(&set->maker, input));
    input->eye = input_eye(row->laterality);
    if (maker_settled(input) || input->eye != PACK_EYE_UNKNOWN)
        return NULL;
    char *detail;
    Status status = text_format(&detail, "laterality is \"%s\"", row->laterality);
    if (!status)
        status = findings_add(set->maker.findings, FINDING_LATERALITY, input->path, "", detail);
    free(detail);
    return status;
}

static Status take_unlisted(AiReadi *set, const char *path) {
    bool wanted;
    TRY(is_wanted(set, path, &wanted));
    if (!wanted)
        return NULL;
    StageInput *input;
    TRY(maker_add(&set->maker, path, &input));
    TRY(fill_from_path(input));
    return maker_settle(&set->maker, input, FINDING_UNLISTED, "in no row of manifest.tsv");
}

/* Both lists are sorted. */
static Status take_all(AiReadi *set) {
    const Manifest *manifest = &set->manifest;
    for (int64_t row = 0, file = 0; row < manifest->count || file < set->file_count;) {
        int order = row == manifest->count    ? 1
                    : file == set->file_count ? -1
                                              : strcmp(manifest->rows[row].path, set->files[file].path);
        if (order <= 0)
            TRY(take_row(set, &manifest->rows[row++]));
        else
            TRY(take_unlisted(set, set->files[file].path));
        file += order >= 0;
    }
    return NULL;
}

/* The user's list stands above recommended_split. */
static Status take_splits(AiReadi *set) {
    PersonSplits splits;
    TRY(person_splits_open(&set->maker, &splits));
    for (int64_t i = 0; splits.path && i < set->people.count; i++)
        set->people.list[i].split = person_splits_of(&splits, set->people.list[i].id);
    Status status = person_splits_note(&set->maker, &splits);
    person_splits_close(&splits);
    return status;
}

static Status fill(AiReadi *set) {
    static const char *const tables[] = {"participants.tsv",
                                         "dataset_description.json",
                                         "retinal_photography/manifest.tsv",
                                         "clinical_data/measurement.csv",
                                         "clinical_data/condition_occurrence.csv",
                                         NULL};
    Maker *maker = &set->maker;
    maker->tables = tables;
    maker->endings = ".dcm";
    const char *root = maker->source->root;
    char *version;
    TRY(release_version(root, &version));
    Status status =
        maker_describe(maker, "aireadi", version, true, participants_label_names(), participants_label_count());
    free(version);
    TRY(status);
    TRY(participants_read(root, &set->people, maker->options->splits ? NULL : maker->findings, maker->notes));
    TRY(take_splits(set));
    TRY(maker_follow(maker, "clinical_data"));
    TRY(clinical_read(root, &set->people, maker->notes));
    TRY(maker_follow(maker, "retinal_photography"));
    TRY(manifest_read(maker, &set->manifest));
    for (int m = 0; m < MODALITIES; m++)
        if (set->wanted[m])
            TRY(list_modality(set, modality_names[m]));
    TRY(take_all(set));
    if (!maker->source->count && set->other_devices)
        return no_such_device(set);
    if (set->other_modalities)
        fprintf(maker->notes, "of modalities that were not asked for: %lld file%s.\n", (long long)set->other_modalities,
                set->other_modalities == 1 ? "" : "s");
    if (set->other_devices)
        fprintf(maker->notes, "of devices that were not asked for: %lld file%s.\n", (long long)set->other_devices,
                set->other_devices == 1 ? "" : "s");
    return maker_finish(maker);
}

Status source_aireadi(const SourceOptions *options, StageSource *source, Findings *findings) {
    AiReadi set = {0};
    *source = (StageSource){0};
    TRY(parse_modalities(options->modalities, set.wanted));
    Status status = maker_open(&set.maker, options, source, findings);
    if (!status)
        status = fill(&set);
    participants_close(&set.people);
    manifest_close(&set.manifest);
    file_tree_free(set.files, set.file_count);
    for (int i = 0; i <= DEVICES; i++)
        free(set.devices[i]);
    return maker_close(&set.maker, status);
}
