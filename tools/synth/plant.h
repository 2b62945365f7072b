/* Which mistake lies where. */
#ifndef SYNTH_PLANT_H
#define SYNTH_PLANT_H

#include "photograph.h"

typedef enum {
    MISTAKE_NONE,
    MISTAKE_DECODE,     /* a JPEG cut short within a sound DICOM file */
    MISTAKE_MD5,        /* a byte of the pixels changed after the list was made */
    MISTAKE_DICOM,      /* a file cut short */
    MISTAKE_SYNTAX,     /* a transfer syntax that is not read */
    MISTAKE_MISSING,    /* listed, not there */
    MISTAKE_EMPTY,      /* no bytes */
    MISTAKE_UNLISTED,   /* there, not listed */
    MISTAKE_LATERALITY, /* neither eye */
    MISTAKE_DUPLICATE,  /* a second file of the same bytes */
    MISTAKE_NEAR,       /* a second file, somewhat brighter */
    MISTAKE_TWICE,      /* two rows */
    MISTAKE_NO_SPLIT,   /* its person's split is empty */
    MISTAKE_NOBODY,     /* its person is in no table */
    MISTAKE_COPY        /* the same bytes under a person on another side of the split */
} Mistake;

/* Of a photograph; its person, left and visit are known. The last four are not about its file. */
Mistake plant_of(const Arguments *arguments, const Photograph *photograph);
/* The finding's fate and kind as the stager tells them: "quarantined\tdecode". */
const char *plant_finding(Mistake mistake);

#endif
