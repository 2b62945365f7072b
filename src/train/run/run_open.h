/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing a run. */
#ifndef FOVEA_TRAIN_RUN_OPEN_H
#define FOVEA_TRAIN_RUN_OPEN_H

#include "train/run/run.h"

#include <stdio.h>

/* Opens everything in an order that detects mistakes before anything on disk changes, and prints the summary. On
 * failure run_close() still has to be called. */
Status run_open(Run *run, const Config *config, const TrainOptions *options) MUST_USE;
void run_close(Run *run);

/* The same for steps that leave nothing behind: no directory, record, checkpoint or image. run_open_bare() opens images
 * and device. Once run->ops is as the caller needs it, run_open_parts() opens model, optimizer and loader. Last comes
 * run_open_step(), which may be called again. run_close() as after run_open(). */
Status run_open_bare(Run *run, const Config *config, const TrainOptions *options) MUST_USE;
Status run_open_parts(Run *run) MUST_USE;
Status run_open_step(Run *run, bool capture) MUST_USE;

/* Whether a key for images names something that exists, or several packs. */
bool run_has_images(const char *text);
/* Opens data.train with data.weights; a message about a weight names the key. */
Status run_open_training_records(const Config *config, Records *records) MUST_USE;
/* Opens the device that `config` asks for. When it looked for a GPU and found none, prints the reason to `notes`. */
Status run_open_device(const Config *config, FILE *notes, Device **device) MUST_USE;

#endif
