/* SPDX-License-Identifier: Apache-2.0 */
/* Completion for bash, from a program's table of options. */
#ifndef MANUAL_COMPLETION_H
#define MANUAL_COMPLETION_H

#include "base/options.h"

/* EXIT_NO_MEMORY. */
Status completion_print(const Program *program, FILE *out) MUST_USE;

#endif
