/* SPDX-License-Identifier: Apache-2.0 */
/* The outcome of one input: packed, or rejected by a finding. */
#ifndef FOVEA_STAGE_OUTCOME_H
#define FOVEA_STAGE_OUTCOME_H

#include "stage/frame/fundus.h"
#include "stage/source/findings.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    bool settled;         /* the rest is known; false for inputs that were rejected before they were opened */
    bool packed;          /* otherwise `kind` is the reason */
    FindingKind kind;     /* quarantined, a duplicate, or refused */
    char *other, *detail; /* the finding's; NULL when packed */
    char *warnings;       /* when packed: lines "KIND<tab>DETAIL" for findings that warn; NULL: none */
    bool hashed;          /* sha256 is known: the file was readable */
    uint8_t sha256[32];
    uint64_t checksum, phash;
    Framing framing;
    int32_t size[2]; /* height, width of the photograph */
    uint64_t bytes;  /* read */
} Outcome;

/* Turns the outcome into a finding, without warnings; the texts are copied. */
Status outcome_reject(Outcome *outcome, FindingKind kind, const char *other, const char *detail) MUST_USE;
/* Adds a finding that warns of a photograph; the text is copied. */
Status outcome_warn(Outcome *outcome, FindingKind kind, const char *detail) MUST_USE;
/* Adds the outcome's findings about `path`. */
Status outcome_tell(const Outcome *outcome, const char *path, Findings *findings) MUST_USE;
bool outcome_quarantined(const Outcome *outcome);
void outcome_close(Outcome *outcome);

#endif
