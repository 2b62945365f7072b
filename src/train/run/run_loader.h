/* SPDX-License-Identifier: Apache-2.0 */
/* What a run reads its images with. */
#ifndef FOVEA_TRAIN_RUN_LOADER_H
#define FOVEA_TRAIN_RUN_LOADER_H

#include "train/run/run.h"

/* The training images' loader. */
Status run_loader_open(Run *run) MUST_USE;
/* The images for validation and reconstructions, in memory. */
Status run_loader_open_images(Run *run) MUST_USE;

#endif
