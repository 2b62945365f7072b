/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines. A program describes its commands, operands and options in one table; options_parse() reads argv by it,
 * and --help, the man page and shell completion are printed from it.
 *
 * What the parser accepts: --name VALUE, --name=VALUE, -n VALUE, -nVALUE, flags in one word (-ab), operands before,
 * between and after options, and `--`, behind which every word is an operand. A negative number is an operand or a
 * value, never an option. An option given twice has its last value, unless it collects texts. Every program has --help
 * (-h) and
 * --version. */
#ifndef FOVEA_BASE_OPTIONS_H
#define FOVEA_BASE_OPTIONS_H

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
    const char *name;  /* "--out"; an operand has a name without dashes, as "ROOT" */
    const char *value; /* what help calls the value, as "PACK"; a choice shows its choices instead */
    OptionType type;
    size_t offset;              /* of the target in the program's arguments */
    char letter;                /* the short name; 0: none */
    bool required;              /* an operand of one value always is unless `optional` says otherwise */
    bool optional;              /* an operand that may be left out */
    bool after_dashes;          /* an operand that collects every word behind `--` */
    bool above;                 /* `min` itself is not allowed */
    bool topic;                 /* a value starts with one of the program's topics: section.key=value */
    double min, max;            /* of numbers, both allowed */
    const char *const *choices; /* names, NULL at the end */
    const char *fallback;       /* the default, read as a value before argv; NULL: the target stays as it was */
    const char *unset;          /* what help gives as the default where that is no value, as "all cores" */
    const char *commands;       /* that take it, separated by blanks; NULL: every command */
    const char *renamed;        /* this is the former name of that option: hidden, and each use prints a warning */
    const char *help;           /* one sentence or two, as "Overrides a key of CONFIG; later ones win." */
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
    const ExitCode *exits;          /* codes beside 0, which ends them */
    ProgramTopics topics;
} Program;

typedef enum { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_VERSION } OptionsRequest;

/* What a command line asks for. */
typedef struct {
    OptionsRequest request;
    int command; /* index; -1: none was given, which a program with commands takes with --help and --version alone */
    const char *topic; /* of --help TOPIC; NULL: none */
} OptionsCall;

/* Sets defaults and reads argv[1..] into `arguments`. Warnings about former names go to `warnings`. EXIT_USAGE naming
 * the word and what to do: an unknown command or option (with the nearest), a missing or malformed value, a missing or
 * surplus operand. --help and --version end the reading; nothing is missing then. Free with options_free() either way.
 */
Status options_parse(const Program *program, int argc, char **argv, void *arguments, FILE *warnings,
                     OptionsCall *call) MUST_USE;

/* Frees the lists that options_parse() made. */
void options_free(const Program *program, void *arguments);

/* --help and --version; a row without a name ends them. */
extern const Option options_common[];

/* Whether `command` (an index, or -1 in a program without commands) takes `option`. */
bool options_taken_by(const Program *program, const Option *option, int command);
bool options_is_operand(const Option *option);

#endif
