/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be staged: the files of a data set and what its tables say of them. Made by source_aireadi() or
 * source_folder(), taken by pipeline.c. */
#ifndef FOVEA_STAGE_SOURCE_H
#define FOVEA_STAGE_SOURCE_H

#include "pack/pack.h"
#include "stage/source/findings.h"

/* How a photograph becomes a square. */
typedef enum {
    FRAME_FUNDUS, /* a circle on black: found, and its square cut out */
    FRAME_WHOLE   /* a mosaic, or an infrared or autofluorescence frame: the whole frame, padded to a square */
} FrameKind;

/* Exactly one thing happens to every input: it is packed, quarantined or excluded. */
typedef struct {
    char *path; /* relative to the root, without a leading slash; the key: unique and sorted bytewise */
    char *person, *device, *modality;
    PackEye eye;
    PackSplit split;
    FrameKind frame;
    bool is_dicom;
    bool headed;    /* a DICOM file whose header has to name this person and eye */
    float *labels;  /* [label_count] */
    char *excluded; /* why it is not wanted, or NULL */
    char *bad;      /* why it cannot be used, known before it is opened (listed but not there, ...), or NULL */
    char md5[33];   /* from the download's list, lower case; "" when there is none */
} StageInput;

typedef struct {
    char *root;
    PackInfo info; /* image_size is the caller's to set */
    StageInput *inputs;
    int64_t count;
    char *told;  /* lines for the user on what is not as usual, such as links that are followed; NULL: none */
    char *notes; /* lines for the data card on what was done to the tables, such as readings averaged; may be "" */
} StageSource;

typedef struct {
    const char *root;
    const char *modalities; /* aireadi: "cfp,ir,faf" or part of it; NULL: cfp */
    const char *device;     /* only this one's, as "topcon_triton"; NULL: all */
    const char *labels;     /* folder: CSV with the labels, as named here or below the root, or NULL */
    const char *person;     /* folder: its column that names people, or NULL */
    const char *kind;   /* folder: a data set known by name (aptos, messidor2, idrid, papila, eyepacs, odir), or NULL */
    const char *splits; /* "person<TAB>split" lines, as stage split writes them, or NULL */
    const char *md5;    /* the download's list of MD5 sums, or NULL */
    const char *exclude; /* a file with one path a line to leave out, or NULL */
} SourceOptions;

/* Read the tables and the tree below options->root. What is wrong with single files becomes an input's `bad` or
 * `excluded` and a finding; what makes the whole untrustworthy fails with EXIT_DATA after all of it was entered into
 * `findings`: a person on two sides of a split, a path that leads outside the root. Missing files or columns: EXIT_DATA
 * naming file, line and column. */
Status source_aireadi(const SourceOptions *options, StageSource *source, Findings *findings) MUST_USE;
Status source_folder(const SourceOptions *options, StageSource *source, Findings *findings) MUST_USE;
void source_close(StageSource *source);

#endif
