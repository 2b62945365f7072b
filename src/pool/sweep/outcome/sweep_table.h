/* SPDX-License-Identifier: Apache-2.0 */
/* A sweep for people and for programs. */
#ifndef FOVEA_POOL_SWEEP_OUTCOME_SWEEP_TABLE_H
#define FOVEA_POOL_SWEEP_OUTCOME_SWEEP_TABLE_H

#include "base/json.h"
#include "pool/sweep/outcome/trial_outcome.h"
#include "pool/view/view_page.h"

/* A line of counts, then a row for each trial, best first, with the parameters that differ as columns. `rows`: at most
 * so many rows; 0: all. */
Status sweep_table_print(const Sweep *sweep, const Outcome *outcomes, int64_t rows, const ViewPage *page) MUST_USE;
/* The object of `pool sweep show NAME --json`. */
void sweep_table_json(const Sweep *sweep, const Outcome *outcomes, Json *json);
/* "ab12cd34  running on GPU 2": how a trial stands. The caller's. */
Status sweep_table_line(const Sweep *sweep, const Outcome *outcomes, int64_t trial, char **line) MUST_USE;

#endif
