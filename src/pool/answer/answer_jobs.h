/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of jobs. */
#ifndef FOVEA_POOL_ANSWER_ANSWER_JOBS_H
#define FOVEA_POOL_ANSWER_ANSWER_JOBS_H

#include "pool/answer/answer.h"

/* An array of live jobs in the order in which they start, running ones first; `all`: of all jobs by number. */
Status answer_jobs(const AnswerSource *source, const Caller *caller, bool all, Json *json) MUST_USE;
/* One of that array's objects. EXIT_USAGE: no such job. */
Status answer_job(const AnswerSource *source, const Caller *caller, int64_t job, Json *json) MUST_USE;
/* Why it waits, or how it ended. EXIT_USAGE: no such job; EXIT_REFUSED: it is another's. */
Status answer_why_job(const AnswerSource *source, const Caller *caller, int64_t job, Json *json) MUST_USE;

#endif
