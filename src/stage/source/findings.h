/* SPDX-License-Identifier: Apache-2.0 */
/* Findings about single files and people: one list, written as findings.tsv. */
#ifndef FOVEA_STAGE_FINDINGS_H
#define FOVEA_STAGE_FINDINGS_H

#include "base/status.h"

#include <stdint.h>

typedef enum {
    /* Quarantined: the file should be packed but cannot be used. */
    FINDING_MISSING,       /* "missing": listed, not on disk */
    FINDING_EMPTY,         /* "empty" */
    FINDING_MD5,           /* "md5": differs from the download's list */
    FINDING_DICOM,         /* "dicom": damaged, truncated or contradictory */
    FINDING_SYNTAX,        /* "syntax": an unsupported transfer syntax or pixel format; its UID is in the detail */
    FINDING_DECODE,        /* "decode": a damaged image, alone or in a DICOM file: pixels are lost */
    FINDING_UNREADABLE,    /* "unreadable": permission, input/output error, not a regular file, a dangling link */
    FINDING_CONTRADICTION, /* "contradiction": its row, its path and its header disagree */
    /* Excluded: left out on purpose, intact or not. */
    FINDING_NAMED,     /* "named": in the list of --exclude */
    FINDING_UNLISTED,  /* "unlisted": on disk, in no manifest */
    FINDING_NO_SPLIT,  /* "no_split": its person has no split (or is in no table) */
    FINDING_DUPLICATE, /* "duplicate": same bytes as `other`, which is packed, on the same side */
    /* Refused: nothing is published until it is resolved. */
    FINDING_PERSON_SPLIT,    /* "person_split": a person on two sides of a split; path is the person */
    FINDING_DUPLICATE_SPLIT, /* "duplicate_split": same bytes as `other`, on another side of the split */
    FINDING_OUTSIDE,         /* "outside": the manifest points outside the root */
    /* Warned (written as "told"): the file is packed all the same. */
    FINDING_NEAR_DUPLICATE, /* "near_duplicate": looks like `other` */
    FINDING_LATERALITY,     /* "laterality": given, but neither R nor L */
    FINDING_LISTED_TWICE,   /* "listed_twice": a second row for the same path; the first one counts */
    FINDING_DECODER,        /* "decoder": odd, but every pixel is there; the decoder's words or what was assumed */
    FINDING_ORIENTATION,    /* "orientation": turned upright, as EXIF or TIFF says */
    FINDING_SHAPE,          /* "shape": too small or too narrow to be a photograph */
    FINDING_BLANK,          /* "blank": one level throughout */
    FINDING_LINK,           /* "link": to a folder, not followed: its contents are not searched */
    FINDING_KINDS
} FindingKind;

typedef enum { FATE_QUARANTINED, FATE_EXCLUDED, FATE_REFUSED, FATE_WARNED } FindingFate;

typedef struct {
    FindingKind kind;
    char *path, *other, *detail; /* other: "" where there is none */
} Finding;

typedef struct {
    Finding *list;
    int count;
    int64_t capacity;
} Findings;

const char *finding_name(FindingKind kind);
FindingFate finding_fate(FindingKind kind);
const char *finding_fate_name(FindingFate fate); /* as findings.tsv has it */

/* Copies the texts. One thread at a time. */
Status findings_add(Findings *findings, FindingKind kind, const char *path, const char *other,
                    const char *detail) MUST_USE;
int findings_count(const Findings *findings, FindingFate fate);
/* Sorts by kind (hence fate), path, other, detail, and writes "fate kind path other detail", tab-separated under a
 * header; tabs, line ends and backslashes in a field are written as \t, \n, \r and \\. */
Status findings_write(Findings *findings, const char *path) MUST_USE;
void findings_close(Findings *findings);

#endif
