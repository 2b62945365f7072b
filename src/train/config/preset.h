/* SPDX-License-Identifier: Apache-2.0 */
/* The published model sizes. */
#ifndef FOVEA_TRAIN_CONFIG_PRESET_H
#define FOVEA_TRAIN_CONFIG_PRESET_H

/* Sets each size of a Config's model that is not given to that of model.preset. */
void preset_fill(void *config);

#endif
