/* SPDX-License-Identifier: Apache-2.0 */
/* The answers to questions, as outside programs rely on them: docs/pool.md has their fields. Each writes one JSON
 * value, or for ledger, looks and audit one line each. */
#ifndef FOVEA_POOL_ANSWER_ANSWER_H
#define FOVEA_POOL_ANSWER_ANSWER_H

#include "base/json.h"
#include "pool/schedule/schedule.h"

/* What the answers are made of. */
typedef struct {
    Schedule *schedule;
    Store *store;
    const Rule *rule;
    const char *const *uuids;   /* [gpus of the rule] "" for slots */
    const char *gauges_missing; /* why there are no gauges; "" */
    double now;
} AnswerSource;

Status answer_status(const AnswerSource *source, Json *json) MUST_USE;
/* `all`: ended ones too. A member sees command and reason of own jobs alone. */
Status answer_jobs(const AnswerSource *source, const Caller *caller, bool all, Json *json) MUST_USE;
Status answer_job(const AnswerSource *source, const Caller *caller, int64_t job, Json *json) MUST_USE;
Status answer_why_job(const AnswerSource *source, const Caller *caller, int64_t job, Json *json) MUST_USE;
Status answer_why_gpu(const AnswerSource *source, int64_t gpu, Json *json) MUST_USE;
Status answer_clock(const AnswerSource *source, Json *json) MUST_USE;
Status answer_top(const AnswerSource *source, Json *json) MUST_USE;

/* Lines, oldest first. */
Status answer_ledger(Store *store, double now, FILE *out) MUST_USE;
Status answer_looks(Store *store, FILE *out) MUST_USE;
Status answer_audit(Store *store, FILE *out) MUST_USE;

#endif
