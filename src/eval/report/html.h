/* SPDX-License-Identifier: Apache-2.0 */
/* An evaluation as one page that needs nothing beside it: HTML that is well-formed XML, its style and its drawings in
 * it, no script, no row of a person; images of the data only as html_examples() shows them. */
#ifndef FOVEA_EVAL_HTML_H
#define FOVEA_EVAL_HTML_H

#include "eval/report/evaluation.h"

/* EXIT_IO when `path` cannot be written. */
Status report_write_html(const Evaluation *evaluation, const char *path) MUST_USE;

#endif
