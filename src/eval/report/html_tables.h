/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of a report's page. */
#ifndef FOVEA_EVAL_HTML_TABLES_H
#define FOVEA_EVAL_HTML_TABLES_H

#include "eval/report/evaluation.h"
#include "eval/report/splits.h"

#include <stdio.h>

/* A line a checkpoint, intervals as bars. */
void html_checkpoints(const Evaluation *ev, FILE *out);
/* Who is in each split. */
void html_splits(const Evaluation *ev, const Split splits[SPLITS], FILE *out);
/* Of evaluation_shown(): what val's thresholds are worth on test; subgroups; confusion matrices; the other figures.
 * Each only where there is something. */
void html_thresholds(const Evaluation *ev, FILE *out);
void html_subgroups(const Evaluation *ev, FILE *out);
void html_confusions(const Evaluation *ev, FILE *out);
void html_figures(const Evaluation *ev, FILE *out);
/* Which weights, images, labels and task these were. */
void html_hashes(const Evaluation *ev, FILE *out);

#endif
