/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands send: members of a call, made of words of the command line. */
#ifndef FOVEA_POOL_COMMAND_ARGUMENTS_H
#define FOVEA_POOL_COMMAND_ARGUMENTS_H

#include "base/json.h"

/* The number that a word is; EXIT_USAGE "'x' is no WHAT". */
Status arguments_number(const char *word, const char *what, int64_t *number) MUST_USE;
/* Takes the next number off a list separated by commas: *at moves behind it, and is NULL at its end. */
Status arguments_next_number(const char **at, const char *what, int64_t *number) MUST_USE;
/* Ends the object that `json` writes to memory, and hands it over as a value, the caller's. */
Status arguments_end(Json *json, cJSON **arguments) MUST_USE;
/* An object of one whole number. */
Status arguments_of_number(const char *name, int64_t number, cJSON **arguments) MUST_USE;

#endif
