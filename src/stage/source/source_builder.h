/* SPDX-License-Identifier: Apache-2.0 */
/* Builds a StageSource: what source_aireadi() and source_folder() share. */
#ifndef FOVEA_STAGE_SOURCE_BUILDER_H
#define FOVEA_STAGE_SOURCE_BUILDER_H

#include "base/text_writer.h"
#include "stage/source/findings.h"
#include "stage/source/source.h"

/* The file of --exclude, without empty lines. */
typedef struct {
    struct ExcludeLine {
        char *path;
        int64_t number;
        bool used;
    } * lines; /* [count], sorted by path, then number */
    int64_t count;
    char *data;
} ExcludeList;

enum { BUILDER_ROOTS = 6 };

typedef struct {
    const SourceOptions *options;
    StageSource *source;
    Findings *findings;
    int64_t capacity;
    int refused;                /* findings of that fate before */
    TextWriter notes;           /* receives the lines for the card */
    char *roots[BUILDER_ROOTS]; /* realpath(3) of the root, then of links that are followed */
    int root_count;
    ExcludeList excluded;
    const char *extensions;    /* of the files that are read, for messages */
    const char *const *tables; /* below the root, ends with NULL: checked against options->md5; or NULL */
} SourceBuilder;

/* Empties *source, checks the root, opens the notes and reads options->exclude. */
Status builder_open(SourceBuilder *builder, const SourceOptions *options, StageSource *source,
                    Findings *findings) MUST_USE;
/* Sets source->info. Texts are copied. */
Status builder_describe(SourceBuilder *builder, const char *dataset, const char *version, bool licensed,
                        const char *const *names, int label_count) MUST_USE;
/* Adds an input; its labels are NaN. Call after builder_describe(). The input is excluded from the start when
 * options->exclude names it. *input is valid until the next call. */
Status builder_add(SourceBuilder *builder, const char *path, StageInput **input) MUST_USE;
/* Quarantines or excludes an input, by the kind's fate, and enters the finding, unless it is already rejected. */
Status builder_reject(SourceBuilder *builder, StageInput *input, FindingKind kind, const char *reason) MUST_USE;
/* Looks at root/path, and rejects a file that is missing or unreadable; one outside the root is a refused finding. */
Status builder_check_file(SourceBuilder *builder, StageInput *input) MUST_USE;
/* Whether options->exclude names the path; that line then counts as used. */
bool builder_excludes(SourceBuilder *builder, const char *path);
/* Sorts the inputs, reads options->md5, moves the notes to the source. EXIT_DATA when there is no input, when a line of
 * options->exclude was not used, or when refused findings were entered since builder_open(). */
Status builder_finish(SourceBuilder *builder) MUST_USE;
/* Frees the builder's memory; the source, too, when `status` is an error. Returns `status`. */
Status builder_close(SourceBuilder *builder, Status status) MUST_USE;

#endif
