/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/source/findings.h"

#include "base/list.h"
#include "base/text_writer.h"
#include "base/tsv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    FindingFate fate;
} kinds[FINDING_KINDS] = {[FINDING_MISSING] = {"missing", FATE_QUARANTINED},
                          [FINDING_EMPTY] = {"empty", FATE_QUARANTINED},
                          [FINDING_MD5] = {"md5", FATE_QUARANTINED},
                          [FINDING_DICOM] = {"dicom", FATE_QUARANTINED},
                          [FINDING_SYNTAX] = {"syntax", FATE_QUARANTINED},
                          [FINDING_DECODE] = {"decode", FATE_QUARANTINED},
                          [FINDING_UNREADABLE] = {"unreadable", FATE_QUARANTINED},
                          [FINDING_CONTRADICTION] = {"contradiction", FATE_QUARANTINED},
                          [FINDING_NAMED] = {"named", FATE_EXCLUDED},
                          [FINDING_UNLISTED] = {"unlisted", FATE_EXCLUDED},
                          [FINDING_NO_SPLIT] = {"no_split", FATE_EXCLUDED},
                          [FINDING_DUPLICATE] = {"duplicate", FATE_EXCLUDED},
                          [FINDING_PERSON_SPLIT] = {"person_split", FATE_REFUSED},
                          [FINDING_DUPLICATE_SPLIT] = {"duplicate_split", FATE_REFUSED},
                          [FINDING_OUTSIDE] = {"outside", FATE_REFUSED},
                          [FINDING_NEAR_DUPLICATE] = {"near_duplicate", FATE_WARNED},
                          [FINDING_LATERALITY] = {"laterality", FATE_WARNED},
                          [FINDING_LISTED_TWICE] = {"listed_twice", FATE_WARNED},
                          [FINDING_DECODER] = {"decoder", FATE_WARNED},
                          [FINDING_ORIENTATION] = {"orientation", FATE_WARNED},
                          [FINDING_SHAPE] = {"shape", FATE_WARNED},
                          [FINDING_BLANK] = {"blank", FATE_WARNED},
                          [FINDING_LINK] = {"link", FATE_WARNED}};

const char *finding_name(FindingKind kind) {
    return kinds[kind].name;
}

FindingFate finding_fate(FindingKind kind) {
    return kinds[kind].fate;
}

const char *finding_fate_name(FindingFate fate) {
    static const char *const names[] = {[FATE_QUARANTINED] = "quarantined",
                                        [FATE_EXCLUDED] = "excluded",
                                        [FATE_REFUSED] = "refused",
                                        [FATE_WARNED] = "told" /* the file format's word */};
    return names[fate];
}

Status findings_add(Findings *findings, FindingKind kind, const char *path, const char *other, const char *detail) {
    TRY(list_grow(&findings->list, findings->count, &findings->capacity, sizeof *findings->list, "the findings"));
    Finding finding = {kind, strdup(path), strdup(other), strdup(detail)};
    if (!finding.path || !finding.other || !finding.detail) {
        free(finding.path);
        free(finding.other);
        free(finding.detail);
        return status_no_memory("the findings", strlen(path) + strlen(other) + strlen(detail));
    }
    findings->list[findings->count++] = finding;
    return NULL;
}

int findings_count(const Findings *findings, FindingFate fate) {
    int count = 0;
    for (int i = 0; i < findings->count; i++)
        count += finding_fate(findings->list[i].kind) == fate;
    return count;
}

static int compare_findings(const void *a, const void *b) {
    const Finding *left = a, *right = b;
    if (left->kind != right->kind)
        return left->kind < right->kind ? -1 : 1;
    int path = strcmp(left->path, right->path);
    if (path)
        return path;
    int other = strcmp(left->other, right->other);
    return other ? other : strcmp(left->detail, right->detail);
}

Status findings_write(Findings *findings, const char *path) {
    if (findings->count)
        qsort(findings->list, (size_t)findings->count, sizeof *findings->list, compare_findings);
    TextWriter text;
    TRY(text_writer_open(&text, "the findings"));
    fputs("fate\tkind\tpath\tother\tdetail\n", text.out);
    for (int i = 0; i < findings->count; i++) {
        const Finding *finding = &findings->list[i];
        const char *fields[] = {finding_fate_name(finding_fate(finding->kind)), finding_name(finding->kind),
                                finding->path, finding->other, finding->detail};
        tsv_put_line(text.out, fields, sizeof fields / sizeof *fields);
    }
    return text_writer_save(&text, path);
}

void findings_close(Findings *findings) {
    for (int i = 0; i < findings->count; i++) {
        free(findings->list[i].path);
        free(findings->list[i].other);
        free(findings->list[i].detail);
    }
    free(findings->list);
    *findings = (Findings){0};
}
