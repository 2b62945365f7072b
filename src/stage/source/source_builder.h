/* SPDX-License-Identifier: Apache-2.0 */
/* A source in the making: what source_aireadi() and source_folder() share. */
#ifndef FOVEA_STAGE_SOURCE_BUILDER_H
#define FOVEA_STAGE_SOURCE_BUILDER_H

#include "base/file_tree.h"
#include "stage/source/source.h"

#include <stdio.h>

/* A text file's lines, without empty ones. */
typedef struct {
    char **texts; /* sorted bytewise */
    int64_t *lines;
    bool *used;
    int64_t count;
    char *data;
} Lines;

enum { MAKER_HOMES = 6 };

typedef struct {
    const SourceOptions *options;
    StageSource *source;
    Findings *findings;
    int64_t capacity;
    int refused; /* findings of that fate before */
    FILE *notes; /* to write lines to */
    char *notes_text;
    size_t notes_size;
    char *homes[MAKER_HOMES]; /* realpath(3) of the root, then of links that are followed */
    int home_count;
    Lines exclude;
    const char *endings;       /* of the files that are read, for people */
    const char *const *tables; /* below the root, a NULL at the end: held against options->md5; or NULL */
} Maker;

/* Empties *source, checks the root, opens the notes and reads options->exclude. */
Status maker_open(Maker *maker, const SourceOptions *options, StageSource *source, Findings *findings) MUST_USE;
/* `names` may be NULL: the caller fills about.label_names. Texts are copied. */
Status maker_describe(Maker *maker, const char *dataset, const char *version, bool licensed, const char *const *names,
                      int label_count) MUST_USE;
/* A new input; its labels are NaN. Known once maker_describe() was called. It counts as `excluded` from the start when
 * options->exclude names it. *input is valid until the next call. */
Status maker_add(Maker *maker, const char *path, StageInput **input) MUST_USE;
/* Settles what happens to an input unless that is settled: a finding of fate quarantined makes it bad, one of fate
 * excluded excludes it, with `reason`. */
Status maker_settle(Maker *maker, StageInput *input, FindingKind kind, const char *reason) MUST_USE;
bool maker_settled(const StageInput *input);
/* Looks at root/path: missing, unreadable, outside. */
Status maker_look(Maker *maker, StageInput *input) MUST_USE;
/* Whether options->exclude names it; it then counts as found. */
bool maker_excludes(Maker *maker, const char *path);
/* Adds a line to source->told. */
Status maker_tell(Maker *maker, const char *line) MUST_USE;
/* Sorts the inputs, reads options->md5, moves the notes. EXIT_DATA when there is no input, when options->exclude names
 * what is not there, or when findings of fate refused were entered since maker_open(). */
Status maker_finish(Maker *maker) MUST_USE;
/* Frees what is the maker's; the source, too, when `status` is an error. Hands `status` on. */
Status maker_close(Maker *maker, Status status) MUST_USE;

/* Copies a text over an earlier one. */
Status input_set(char **field, const char *text) MUST_USE;
Status input_set_part(char **field, const char *text, size_t length) MUST_USE;
bool input_is_dicom(const char *path); /* by its ending */
/* R, L, right, left, OD or OS in any case; unknown otherwise. */
PackEye input_eye(const char *text);
/* train, val or test, also written out or as "valid", in any case; NONE for an empty text. False for others. */
bool input_split(const char *text, PackSplit *split);

/* Follows root/path if it is a link to a folder, wherever that is: what lies behind it counts as below the root, and
 * source->told says so. At most MAKER_HOMES - 1 of them. EXIT_DATA when it leads nowhere, to a file, or to a folder
 * that it lies in. */
Status maker_follow(Maker *maker, const char *path) MUST_USE;
/* Enters a finding for each link to a folder that a walk did not follow; paths are below `folder` ("" or ending in a
 * slash). */
Status maker_tell_links(Maker *maker, const char *folder, const TreeFile *links, int64_t count) MUST_USE;

/* Tells the user and the card of files that a walk met and that are not read, by their endings, and of pipes and
 * devices; `where` begins the line. Files that `passes` takes are no news. */
Status maker_tell_others(Maker *maker, const char *where, const TreeFile *files, int64_t count,
                         bool (*passes)(const void *context, const char *path), const void *context) MUST_USE;

/* options->md5, if it is given, into the inputs. EXIT_DATA as md5_list_read(), and for a table that is not what the
 * list says. */
Status maker_take_sums(Maker *maker) MUST_USE;

#endif
