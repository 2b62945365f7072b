/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of ./eval. */
#ifndef FOVEA_CLI_EVAL_OPTIONS_H
#define FOVEA_CLI_EVAL_OPTIONS_H

#include "eval/options.h"

extern const Program eval_program; /* its arguments are EvalOptions */

#endif
