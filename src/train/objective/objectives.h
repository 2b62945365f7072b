/* SPDX-License-Identifier: Apache-2.0 */
/* Which objective a configuration asks for. */
#ifndef FOVEA_TRAIN_OBJECTIVES_H
#define FOVEA_TRAIN_OBJECTIVES_H

#include "train/config.h"
#include "train/objective/objective.h"

const ObjectiveKind *objectives_find(const Config *config);
/* EXIT_USAGE for a key that the objective needs, or that another one would use. */
Status objectives_check(const Config *config) MUST_USE;

#endif
