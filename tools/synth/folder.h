/* SPDX-License-Identifier: Apache-2.0 */
/* The folder that is drawn into: made ready before, labelled after. */
#ifndef SYNTH_FOLDER_H
#define SYNTH_FOLDER_H

#include "tools/synth/photograph.h"

/* Makes OUT and the folders of the splits. EXIT_USAGE where OUT holds anything and --force was not given; with it, the
 * photographs that OUT/labels.csv lists are removed, so that none of an earlier run's people stay behind in another
 * split. */
Status folder_prepare(const Arguments *arguments) MUST_USE;

/* Writes OUT/labels.csv: last, so that a folder that has one is complete. */
Status folder_label(const Arguments *arguments, const Photograph *photographs, int64_t count) MUST_USE;

#endif
