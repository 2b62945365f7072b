/* SPDX-License-Identifier: Apache-2.0 */
/* What became of one input. */
#ifndef FOVEA_STAGE_OUTCOME_H
#define FOVEA_STAGE_OUTCOME_H

#include "stage/frame/fundus.h"
#include "stage/source/findings.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    bool settled;         /* what follows is known: not of inputs that were out of the question before */
    bool packed;          /* otherwise `kind` says why not */
    FindingKind kind;     /* quarantined, a duplicate, or refused */
    char *other, *detail; /* the finding's; NULL when packed */
    bool hashed;          /* the file could be read: sha256 is known */
    uint8_t sha256[32];
    uint64_t checksum, phash;
    Framing framing;
    int32_t size[2]; /* height, width of the source */
    uint64_t bytes;  /* read */
} Outcome;

/* The outcome becomes a finding instead of a record; the texts are copied. */
Status outcome_find(Outcome *outcome, FindingKind kind, const char *other, const char *detail) MUST_USE;
bool outcome_quarantined(const Outcome *outcome);
void outcome_close(Outcome *outcome);

#endif
