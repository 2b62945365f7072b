/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of options: what a program, its commands, operands and options are. */
#ifndef FOVEA_BASE_OPTION_TABLE_H
#define FOVEA_BASE_OPTION_TABLE_H

#include "base/status.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What a value is, and the C type of its target. */
typedef enum {
    OPTION_FLAG,    /* bool; takes no value */
    OPTION_TEXT,    /* const char *, borrowed from argv */
    OPTION_PATH,    /* the same; completed to files and folders */
    OPTION_TEXTS,   /* OptionTexts, one more each time */
    OPTION_PATHS,   /* the same; completed to files and folders */
    OPTION_INT,     /* int */
    OPTION_INTEGER, /* int64_t or uint64_t */
    OPTION_REAL,    /* double */
    OPTION_SHARE,   /* double, written as 0.005 or 0.5% */
    OPTION_CHOICE   /* int or an enum: the index in `choices` */
} OptionType;

/* Collected texts in the order of argv, borrowed from there. The list is the parser's: options_free(). */
typedef struct {
    char **list;
    int count;
} OptionTexts;

#define OPTION_NO_LIMIT INFINITY

typedef struct {
    const char *name;  /* "--out"; an operand has a name without dashes, such as "ROOT" */
    const char *value; /* what help calls the value, such as "PACK"; a choice shows its choices */
    OptionType type;
    size_t offset;              /* of the target in the program's arguments */
    char letter;                /* the short name; 0: none */
    bool required;              /* an operand of one value always is unless `optional` says otherwise */
    bool optional;              /* an operand that may be left out */
    bool after_dashes;          /* an operand that collects every word after `--` */
    bool above;                 /* `min` itself is not allowed */
    bool topic;                 /* a value starts with one of the program's topics: section.key=value */
    double min, max;            /* of numbers, both allowed */
    const char *const *choices; /* names, NULL at the end */
    const char *fallback;       /* the default, read as a value before argv; NULL: the target is left alone */
    const char *unset;          /* what help gives as the default instead of a value, such as "all cores" */
    const char *commands;       /* that take it, separated by blanks; NULL: every command */
    const char *renamed;        /* this is the former name of that option: hidden, and each use prints a warning */
    const char *help;           /* one sentence or two: "Overrides a key of CONFIG; later ones win." */
} Option;

typedef struct {
    const char *name;
    const char *help;  /* one sentence */
    const char *notes; /* paragraphs below its options; may be NULL */
} ProgramCommand;

/* Further pages of --help: `train --help KEY`. */
typedef struct {
    const char *name, *title, *help; /* "KEY", "keys of CONFIG" */
    /* Explains one topic, or all when `topic` is NULL. */
    Status (*explain)(const char *topic, FILE *out);
    /* Prints their names, one a line, for completion. */
    void (*list)(FILE *out);
} ProgramTopics;

/* Texts are paragraphs with a line end between them; they are wrapped when printed. */
typedef struct {
    const char *name, *summary;     /* "train", "pretrain a masked autoencoder" */
    const char *about;              /* printed above the options */
    const ProgramCommand *commands; /* a row without a name ends them; NULL: a program without commands */
    size_t command_offset;          /* of the int that gets the index of the command */
    const Option *options;          /* at most 64; a row without a name ends them */
    const char *notes;              /* printed below the options; may be NULL */
    const char *const *examples;    /* command lines, NULL at the end */
    const ExitCode *exits;          /* codes other than 0, which ends them */
    ProgramTopics topics;
} Program;

#endif
