/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines. A program describes its commands, operands and options in one table; options_parse() reads argv by it,
 * and --help, the man page and shell completion are printed from it.
 *
 * What the parser accepts: --name VALUE, --name=VALUE, -n VALUE, -nVALUE, flags in one word (-ab), operands before,
 * between and after options, and `--`, after which every word is an operand. A negative number is an operand or a
 * value, never an option. An option given twice has its last value, unless it collects texts. Every program has --help
 * (-h) and --version. */
#ifndef FOVEA_BASE_OPTIONS_H
#define FOVEA_BASE_OPTIONS_H

#include "base/option_table.h"

typedef enum { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_VERSION } OptionsRequest;

/* What a command line asks for. */
typedef struct {
    OptionsRequest request;
    int command; /* index; -1: none was given, which a program with commands allows only for --help and --version */
    const char *topic; /* of --help TOPIC; NULL: none */
} OptionsCall;

/* Sets defaults and reads argv[1..] into `arguments`. Warnings about former names go to `warnings`. EXIT_USAGE naming
 * the word and what to do: an unknown command or option (with the nearest), a missing or malformed value, a missing or
 * surplus operand. --help and --version end the reading, and missing words are no error then. Free with options_free()
 * either way.
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
