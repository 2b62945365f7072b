/* SPDX-License-Identifier: Apache-2.0 */
#include "train/objective/objectives.h"

#include "train/objective/mae_objective.h"

const ObjectiveKind *objectives_find(const Config *config) {
    (void)config;
    return &mae_objective;
}
