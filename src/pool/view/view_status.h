/* SPDX-License-Identifier: Apache-2.0 */
/* The GPUs of a node: the answer "status" for people. */
#ifndef FOVEA_POOL_VIEW_VIEW_STATUS_H
#define FOVEA_POOL_VIEW_VIEW_STATUS_H

#include "pool/view/view_page.h"
#include "pool/view/view_words.h"

#include <cJSON.h>

Status view_status(const ViewPage *page, const cJSON *answer) MUST_USE;
/* Green for what works, yellow for what passes, red for what a person has to do something about. */
ViewStyle view_state_style(const char *state);
/* Yellow where new leases pause by default, red where jobs stop. */
ViewStyle view_heat_style(double celsius);
/* "61.4G/80.0G" of an answer's gauges; one of both where only that is known. */
ViewWord view_memory(const cJSON *gauges);

#endif
