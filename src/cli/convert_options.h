/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of ./convert. */
#ifndef FOVEA_CLI_CONVERT_OPTIONS_H
#define FOVEA_CLI_CONVERT_OPTIONS_H

#include "base/options.h"

typedef struct {
    const char *in, *out; /* out: NULL with --list */
    const char *key;
    bool encoder, list;
} ConvertArguments;

extern const Program convert_program;

#endif
