/* SPDX-License-Identifier: Apache-2.0 */
/* A man page in roff, from a program's table of options. */
#ifndef MANUAL_MAN_H
#define MANUAL_MAN_H

#include "base/options.h"

/* `others`: the programs for SEE ALSO, NULL at the end. EXIT_NO_MEMORY, or what the program's topics return. */
Status man_print(const Program *program, const Program *const *others, FILE *out) MUST_USE;

#endif
