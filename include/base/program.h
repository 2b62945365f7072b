/* SPDX-License-Identifier: Apache-2.0 */
/* What every main() does before and after its work. */
#ifndef FOVEA_BASE_PROGRAM_H
#define FOVEA_BASE_PROGRAM_H

#include "base/options.h"

/* Opens those of the descriptors 0 to 2 that are closed on the null device, ignores SIGXFSZ, reads argv into
 * `arguments`, then prints help or the version, or calls `run`. A failure is printed on standard error as "NAME:
 * message", one line. Returns the exit code. */
int program_main(const Program *program, int argc, char **argv, void *arguments, Status (*run)(void *arguments));

#endif
