/* SPDX-License-Identifier: Apache-2.0 */
/* A model card in Markdown: what a checkpoint is, what it was trained on, and what was found of it. */
#ifndef FOVEA_EVAL_CARD_H
#define FOVEA_EVAL_CARD_H

#include "eval/report/evaluation.h"

/* Of evaluation_shown(). The recipe is that of the run that its weights are of; where there is none, or its files
 * cannot be read, the card says that this is not known. EXIT_IO when `path` cannot be written. */
Status report_write_card(const Evaluation *evaluation, const char *path) MUST_USE;

#endif
