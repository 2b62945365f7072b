/* SPDX-License-Identifier: Apache-2.0 */
/* The answers "jobs" and "why" for people. */
#ifndef FOVEA_POOL_VIEW_VIEW_JOBS_H
#define FOVEA_POOL_VIEW_VIEW_JOBS_H

#include "pool/view/view_page.h"

#include <cJSON.h>

Status view_jobs(const ViewPage *page, const cJSON *answer) MUST_USE;
Status view_why_job(const ViewPage *page, const cJSON *answer) MUST_USE;
Status view_why_gpu(const ViewPage *page, const cJSON *answer) MUST_USE;

#endif
