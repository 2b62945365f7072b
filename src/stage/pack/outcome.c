/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/pack/outcome.h"

#include <stdio.h>
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
    free(outcome->warnings);
    outcome->warnings = NULL;
    outcome->settled = true;
    outcome->packed = false;
    outcome->kind = kind;
    outcome->other = new_other;
    outcome->detail = new_detail;
    return NULL;
}

Status outcome_warn(Outcome *outcome, FindingKind kind, const char *detail) {
    char *lines;
    if (asprintf(&lines, "%s%s\t%s\n", outcome->warnings ? outcome->warnings : "", finding_name(kind), detail) < 0)
        return status_no_memory("a finding", strlen(detail));
    free(outcome->warnings);
    outcome->warnings = lines;
    return NULL;
}

static Status tell_warnings(const Outcome *outcome, const char *path, Findings *findings) {
    char *lines = strdup(outcome->warnings), *rest = lines;
    Status status = lines ? NULL : status_no_memory("a finding", strlen(outcome->warnings));
    for (char *line; !status && (line = strsep(&rest, "\n")) && *line;) {
        const char *name = strsep(&line, "\t");
        for (FindingKind kind = 0; !status && line && kind < FINDING_KINDS; kind++)
            if (strcmp(name, finding_name(kind)) == 0)
                status = findings_add(findings, kind, path, "", line);
    }
    free(lines);
    return status;
}

Status outcome_tell(const Outcome *outcome, const char *path, Findings *findings) {
    if (outcome->settled && !outcome->packed)
        return findings_add(findings, outcome->kind, path, outcome->other, outcome->detail);
    return outcome->warnings ? tell_warnings(outcome, path, findings) : NULL;
}

bool outcome_quarantined(const Outcome *outcome) {
    return outcome->settled && !outcome->packed && finding_fate(outcome->kind) == FATE_QUARANTINED;
}

void outcome_close(Outcome *outcome) {
    free(outcome->other);
    free(outcome->detail);
    free(outcome->warnings);
    *outcome = (Outcome){0};
}
