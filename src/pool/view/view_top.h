/* SPDX-License-Identifier: Apache-2.0 */
/* The answers "top", "ghosts" and "clock" for people. */
#ifndef FOVEA_POOL_VIEW_VIEW_TOP_H
#define FOVEA_POOL_VIEW_VIEW_TOP_H

#include "pool/view/view_page.h"

#include <cJSON.h>

Status view_top(const ViewPage *page, const cJSON *answer) MUST_USE;
Status view_ghosts(const ViewPage *page, const cJSON *answer) MUST_USE;
Status view_clock(const ViewPage *page, const cJSON *answer) MUST_USE;

#endif
