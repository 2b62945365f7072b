/* SPDX-License-Identifier: Apache-2.0 */
/* The part of a model card that tells how a checkpoint was trained. */
#ifndef FOVEA_EVAL_CARD_TRAINING_H
#define FOVEA_EVAL_CARD_TRAINING_H

#include "eval/report/evaluation.h"

#include <stdio.h>

/* By the run's run.json and config.ini. A file that cannot be read is no failure: the card says so. */
Status card_training(const Evaluated *checkpoint, FILE *out) MUST_USE;

/* A row of a table of two columns; the text is escaped. */
void card_row(FILE *out, const char *what, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
