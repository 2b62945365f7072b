/* SPDX-License-Identifier: Apache-2.0 */
/* The answers to questions, as outside programs rely on them: docs/pool.md has their fields. Each writes one JSON
 * value. What is not known is null.
 *
 * `caller` is who asks; NULL: the pool itself, and the simulation, which see all. That a job waits or runs, whose it is
 * and on which GPUs is for everybody to see; its name, command, reasons and folder are its owner's and the admins'. */
#ifndef FOVEA_POOL_ANSWER_ANSWER_H
#define FOVEA_POOL_ANSWER_ANSWER_H

#include "base/json.h"
#include "gauges/xid_table.h"
#include "pool/answer/answer_history.h"
#include "pool/schedule/schedule.h"

/* What the answers are made of. */
typedef struct {
    Schedule *schedule;
    Store *store;
    const Rule *rule;
    const char *const *uuids;     /* [gpus of the rule] "" for slots */
    const char *gauges_missing;   /* why there are no gauges; "" */
    const AnswerHistory *history; /* NULL: nothing is said of what lasts */
    const XidTable *xids;         /* NULL: error codes have no advice */
    double now;
} AnswerSource;

/* Whether the caller may see the name, command and reasons of that user's jobs. */
bool answer_may_read(const AnswerSource *source, const Caller *caller, uid_t owner);
/* The member "holder" of a GPU: the job that holds it, or the process that uses it without a lease (job null); null
 * when there is neither. */
Status answer_holder(const AnswerSource *source, const Caller *caller, const GpuView *view, Json *json) MUST_USE;
/* Times and numbers from 1: null for 0 and below. Sizes from 0: null below. */
void answer_time(Json *json, const char *key, double time);
void answer_number(Json *json, const char *key, int64_t number);
void answer_size(Json *json, const char *key, int64_t bytes);
/* An array of words; null for -1, which says that the GPU does not report it. */
void answer_throttle(Json *json, int throttle);

Status answer_status(const AnswerSource *source, const Caller *caller, Json *json) MUST_USE;
Status answer_clock(const AnswerSource *source, Json *json) MUST_USE;
/* EXIT_USAGE: no such GPU. */
Status answer_why_gpu(const AnswerSource *source, const Caller *caller, int64_t gpu, Json *json) MUST_USE;

#endif
