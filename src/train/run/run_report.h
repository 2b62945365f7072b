/* SPDX-License-Identifier: Apache-2.0 */
/* A run's record: run.json follows the run's state. */
#ifndef FOVEA_TRAIN_RUN_REPORT_H
#define FOVEA_TRAIN_RUN_REPORT_H

#include "train/run/run.h"

/* Fills in what is known when the run is open. */
Status run_begin_record(Run *run) MUST_USE;
/* Updates the record from the run's state and writes run.json. */
Status run_write_record(Run *run) MUST_USE;
/* Adds newly found unreadable images to the record, and writes run.json when there are any. */
Status run_note_unreadable(Run *run) MUST_USE;
/* The path of image `index` of the last batch whose outcome is known, for messages. */
const char *run_image_path(const Run *run, int index);

#endif
