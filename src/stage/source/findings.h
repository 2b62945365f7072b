/* SPDX-License-Identifier: Apache-2.0 */
/* What staging has to say about single files and people: one list, written as findings.tsv. */
#ifndef FOVEA_STAGE_FINDINGS_H
#define FOVEA_STAGE_FINDINGS_H

#include "base/status.h"

#include <stdbool.h>

typedef enum {
    /* Quarantined: the file is wanted and cannot be used. */
    FINDING_MISSING,    /* "missing": listed, not on disk */
    FINDING_EMPTY,      /* "empty" */
    FINDING_MD5,        /* "md5": not what was sent, by the download's list */
    FINDING_DICOM,      /* "dicom": damaged, cut short or contradictory */
    FINDING_SYNTAX,     /* "syntax": a transfer syntax or pixel format that is not read; its UID is in the detail */
    FINDING_DECODE,     /* "decode": damaged JPEG or PNG, any warning of the decoder included */
    FINDING_UNREADABLE, /* "unreadable": permission, input/output error, not a regular file, a link that leads nowhere
                         */
    FINDING_CONTRADICTION, /* "contradiction": its row, its path and its header say different things */
    /* Excluded: sound or not, it is not wanted. */
    FINDING_NAMED,     /* "named": in the list of what to leave out */
    FINDING_UNLISTED,  /* "unlisted": on disk, in no manifest */
    FINDING_NO_SPLIT,  /* "no_split": its person is in no split (or no table) */
    FINDING_DUPLICATE, /* "duplicate": same bytes as `other`, which is packed, on the same side */
    /* Refused: nothing is packed until it is settled. */
    FINDING_PERSON_SPLIT,    /* "person_split": a person on two sides of a split; path is the person */
    FINDING_DUPLICATE_SPLIT, /* "duplicate_split": same bytes as `other`, on another side of the split */
    FINDING_OUTSIDE,         /* "outside": the manifest points outside the root */
    /* Told: nothing is left out for it. */
    FINDING_NEAR_DUPLICATE, /* "near_duplicate": looks like `other` */
    FINDING_LATERALITY,     /* "laterality": neither R nor L is given */
    FINDING_LISTED_TWICE,   /* "listed_twice": a second row for the same path; the first one counts */
    FINDING_LINK,           /* "link": to a folder, and not followed: what lies behind it is not looked for */
    FINDING_KINDS
} FindingKind;

typedef enum { FATE_QUARANTINED, FATE_EXCLUDED, FATE_REFUSED, FATE_TOLD } FindingFate;

typedef struct {
    FindingKind kind;
    char *path, *other, *detail; /* other: "" where there is none */
} Finding;

typedef struct {
    Finding *list;
    int count, capacity;
} Findings;

const char *finding_name(FindingKind kind);
FindingFate finding_fate(FindingKind kind);

/* Copies its texts. For one thread at a time. */
Status findings_add(Findings *findings, FindingKind kind, const char *path, const char *other,
                    const char *detail) MUST_USE;
int findings_count(const Findings *findings, FindingFate fate);
/* Sorted by fate, kind, path, other: "fate kind path other detail", tab-separated under a header; tabs, line ends and
 * backslashes within are written as \t, \n, \r and \\. */
Status findings_write(Findings *findings, const char *path) MUST_USE;
void findings_close(Findings *findings);

#endif
