/* SPDX-License-Identifier: Apache-2.0 */
/* --predict: what an adapted checkpoint says of images of which nothing is known. */
#ifndef FOVEA_EVAL_PREDICT_H
#define FOVEA_EVAL_PREDICT_H

#include "eval/run/subject.h"

/* Opens `evaluated` by its name, learns the train rows of the task, chooses by the val rows, and predicts every image
 * of the folder options->predict into the CSV file options->out, whole or not at all: `file`, then p_LABEL, p_CLASS for
 * each class, or the label's name for numbers. Cells of an image that cannot be read are empty. The task's test rows
 * are not looked at. EXIT_USAGE without a file to write or for a pack; EXIT_DATA as subject_adapt() and for a folder
 * without an image that can be read. */
Status predict_folder(const Setting *setting, const MainMetric *metric, Evaluated *evaluated,
                      Subject *subject) MUST_USE;

#endif
