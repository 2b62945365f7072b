/* SPDX-License-Identifier: Apache-2.0 */
/* The test images that a report's page shows, in it as PNG: neither file nor person is named. */
#ifndef FOVEA_EVAL_HTML_EXAMPLES_H
#define FOVEA_EVAL_HTML_EXAMPLES_H

#include "eval/report/evaluation.h"

#include <stdio.h>

/* Those that are right, then those that are wrong, each beside its attention rollout; or why there are none. */
void html_examples(const Evaluation *ev, FILE *out);

#endif
