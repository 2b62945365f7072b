/* SPDX-License-Identifier: Apache-2.0 */
/* Training a ViT towards labels (targets.h). The numbers beside a sample are its labels, what drop-path
 * multiplies its branches by, and its look. */
#ifndef FOVEA_TRAIN_SUPERVISED_H
#define FOVEA_TRAIN_SUPERVISED_H

#include "train/objective/objective.h"

extern const ObjectiveKind supervised_objective;

#endif
