/* SPDX-License-Identifier: Apache-2.0 */
/* --help, printed from a program's table. */
#ifndef FOVEA_BASE_OPTIONS_HELP_H
#define FOVEA_BASE_OPTIONS_HELP_H

#include "base/options.h"

/* "-o, --out PACK": the left side of an option's entry. */
void options_help_entry(const Program *program, const Option *option, char *text, size_t size);
/* The sentence of an option with its default: "Pixels a side of a record (default: 256)." */
void options_help_sentence(const Program *program, const Option *option, char *text, size_t size);
/* The words after "usage: ": program, command, operands and options. */
void options_help_usage(const Program *program, int command, char *text, size_t size);
/* What an exit code means: "out of memory". */
const char *options_help_exit(ExitCode code);

/* The page of a command, or of the whole program when `command` is -1. */
void options_help_print(const Program *program, int command, FILE *out);

#endif
