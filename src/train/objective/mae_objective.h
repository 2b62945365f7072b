/* SPDX-License-Identifier: Apache-2.0 */
/* Pretraining as a masked autoencoder: the patches that a sample hides are keyed by (seed, epoch, record). */
#ifndef FOVEA_TRAIN_MAE_OBJECTIVE_H
#define FOVEA_TRAIN_MAE_OBJECTIVE_H

#include "model/mae.h"
#include "train/objective/objective.h"

extern const ObjectiveKind mae_objective;

/* The model of an objective that mae_objective opened. */
Mae *mae_objective_model(const Objective *objective);

#endif
