/* SPDX-License-Identifier: Apache-2.0 */
/* What ./train's keys require of each other. */
#ifndef FOVEA_TRAIN_CONFIG_CHECK_H
#define FOVEA_TRAIN_CONFIG_CHECK_H

#include "base/status.h"

/* Checks a Config whose sizes are filled. EXIT_USAGE; messages start with `path`. */
Status check_config(const void *config, const char *path) MUST_USE;

#endif
