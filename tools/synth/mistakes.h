/* SPDX-License-Identifier: Apache-2.0 */
/* What can be wrong with a download in AI-READI's layout, and what the stager has to say of it. */
#ifndef SYNTH_MISTAKES_H
#define SYNTH_MISTAKES_H

#include "tools/synth/arguments.h"

typedef enum {
    MISTAKE_NONE,
    /* Those with a partner on a given side come first: there are fewer people to choose from. */
    MISTAKE_COPY_ACROSS,   /* the same bytes under a person on another side of the split; the header names no person */
    MISTAKE_NEAR_ACROSS,   /* compressed again, under a person on another side */
    MISTAKE_COPY_BESIDE,   /* the same bytes under a person on the same side; the header names no person */
    MISTAKE_ROW_PERSON,    /* the row names another person than the path */
    MISTAKE_HEADER_PERSON, /* the header names another person than row and path */
    MISTAKE_HEADER_EYE,    /* the header names the other eye */
    MISTAKE_DECODE,        /* a JPEG cut short within a sound DICOM file */
    MISTAKE_CUT_PIXELS,    /* a file cut short within its pixels */
    MISTAKE_CUT_HEADER,    /* a file cut short before them */
    MISTAKE_FLIPPED,       /* a bit of the header that cannot be spared */
    MISTAKE_SHORT,         /* a sound file with fewer rows than it says */
    MISTAKE_LOSSLESS_JPEG, /* transfer syntaxes that are not read */
    MISTAKE_HT_JPEG2000,
    MISTAKE_MD5,        /* a bit of the pixels changed after the download's list was made */
    MISTAKE_EMPTY,      /* no bytes */
    MISTAKE_MISSING,    /* listed, not there */
    MISTAKE_DANGLING,   /* a link that leads nowhere */
    MISTAKE_LAYOUT,     /* no folder for its person */
    MISTAKE_UNLISTED,   /* there, not listed */
    MISTAKE_TWICE,      /* two equal rows */
    MISTAKE_TWICE_ALSO, /* two rows, the second path written in another way */
    MISTAKE_LATERALITY, /* the row names neither eye */
    MISTAKE_DUPLICATE,  /* a second file of the same bytes */
    MISTAKE_BRIGHTER,   /* a second file, somewhat brighter */
    MISTAKE_AGAIN,      /* a second file, compressed again */
    MISTAKE_NO_SPLIT,   /* its person's split is empty */
    MISTAKE_NOBODY,     /* its person is in no table */
    MISTAKE_TWO_SPLITS, /* its person has two rows with different splits */
    MISTAKE_ABOVE,      /* a row whose path climbs above the root */
    MISTAKE_ABSOLUTE,   /* a row whose path is another place's */
    MISTAKE_LINK_OUT,   /* a link that leads outside the root */
    MISTAKES
} Mistake;

typedef struct {
    Planting plant;      /* PLANT_NONE: no mistake */
    const char *finding; /* fate and kind as the stager tells them: "quarantined\tdecode" */
    enum { SCOPE_FILE, SCOPE_PERSON /* all of a person's files */ } scope;
    enum { PIXELS_ANY, PIXELS_JPEG, PIXELS_NATIVE } pixels; /* of the files that can have it */
    enum { PARTNER_NONE, PARTNER_ANY, PARTNER_SAME_SIDE, PARTNER_OTHER_SIDE } partner; /* a second person it takes */
} MistakeKind;

const MistakeKind *mistake_kind(Mistake mistake);

#endif
