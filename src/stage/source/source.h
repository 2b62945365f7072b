/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be staged: the files of a data set and what its tables say about them. Made by source_aireadi() or
 * source_folder(), consumed by the pipeline. */
#ifndef FOVEA_STAGE_SOURCE_H
#define FOVEA_STAGE_SOURCE_H

#include "base/status.h"
#include "pack/manifest.h"
#include "pack/row.h"
#include "stage/frame/fundus.h"

/* Every input is either packed, quarantined or excluded. */
typedef struct {
    char *path; /* relative to the root, without a leading slash; the key: unique and sorted bytewise */
    char *person, *device, *modality;
    PackEye eye;
    PackSplit split;
    FrameKind frame;
    bool is_dicom;
    bool verify_header;      /* a DICOM file whose header must name this person and eye */
    float *labels;           /* [label_count] */
    char *exclude_reason;    /* why it is left out on purpose, or NULL */
    char *quarantine_reason; /* why it cannot be used, known before it is opened (listed but missing, ...), or NULL */
    char md5[33];            /* from the download's list, lower case; "" when there is none */
} StageInput;

/* A column of a table, or the folders of classes, that became no label. */
typedef struct {
    char *name, *table, *reason;
} DroppedColumn;

/* A folder that is a class, and its number in the label "class". */
typedef struct {
    char *name;
    float number;
} SourceClass;

typedef struct {
    char *root;
    PackInfo info; /* image_size is set by the caller */
    StageInput *inputs;
    int64_t count;
    DroppedColumn *dropped; /* [dropped_count] */
    int dropped_count;
    int64_t dropped_capacity;
    SourceClass *classes; /* [class_count] in the order of their names */
    int class_count;
    int64_t class_capacity;
    char *warnings; /* lines for the user about anything unusual, such as links that are followed; NULL: none */
    char *notes;    /* lines for the data card about how the tables were read, such as readings averaged; may be "" */
} StageSource;

typedef struct {
    const char *root;
    const char *modalities; /* aireadi: "cfp,ir,faf" or part of it; NULL: cfp */
    const char *device;     /* aireadi: only this camera, as "topcon_triton"; NULL: all */
    const char *labels;     /* folder: CSV with the labels, as named here or below the root, or NULL */
    const char *person;     /* folder: its column that names people, or NULL */
    const char *kind;       /* folder: a known data set (known_sets.c), or NULL */
    const char *splits;     /* "person<TAB>split" lines, as stage split writes them, or NULL */
    const char *md5;        /* the download's list of MD5 sums, or NULL */
    const char *exclude;    /* a file with one path a line to leave out, or NULL */
} SourceOptions;

void source_close(StageSource *source);
/* Appends a line to source->warnings. */
Status source_warn(StageSource *source, const char *format, ...) __attribute__((format(printf, 2, 3))) MUST_USE;

/* Enters a column that became no label, and why. */
Status source_drop_column(StageSource *source, const char *table, const char *name, const char *reason, ...)
    __attribute__((format(printf, 4, 5))) MUST_USE;
Status source_add_class(StageSource *source, const char *name, float number) MUST_USE;

/* Whether it is already known that the input will not be packed. */
bool input_is_rejected(const StageInput *input);
/* Replaces a text of an input by a copy. */
Status input_set(char **field, const char *text) MUST_USE;
Status input_set_part(char **field, const char *text, size_t length) MUST_USE;
bool input_is_dicom(const char *path); /* by its extension */
/* R, L, right, left, OD or OS in any case; unknown otherwise. */
PackEye input_eye(const char *text);
/* The same of the words in a name, of those with at least `shortest` letters: "Left-Fundus", "image_os". Unknown when
 * two disagree. */
PackEye input_eye_of_words(const char *name, size_t shortest);
/* train, val or test, also as "training", "valid", "evaluation", ..., in any case; NONE for an empty text. False for
 * others. */
bool input_split(const char *text, PackSplit *split);

#endif
