/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/pack/outcome.h"

#include <stdlib.h>
#include <string.h>

Status outcome_reject(Outcome *outcome, FindingKind kind, const char *other, const char *detail) {
    char *new_other = strdup(other), *new_detail = strdup(detail);
    if (!new_other || !new_detail) {
        free(new_other);
        free(new_detail);
        return status_no_memory("a finding", strlen(other) + strlen(detail));
    }
    free(outcome->other);
    free(outcome->detail);
    outcome->settled = true;
    outcome->packed = false;
    outcome->kind = kind;
    outcome->other = new_other;
    outcome->detail = new_detail;
    return NULL;
}

bool outcome_quarantined(const Outcome *outcome) {
    return outcome->settled && !outcome->packed && finding_fate(outcome->kind) == FATE_QUARANTINED;
}

void outcome_close(Outcome *outcome) {
    free(outcome->other);
    free(outcome->detail);
    *outcome = (Outcome){0};
}
