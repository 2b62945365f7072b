/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that no process explains, and the processes that have GPUs' device nodes open. */
#ifndef FOVEA_POOL_ANSWER_ANSWER_GHOSTS_H
#define FOVEA_POOL_ANSWER_ANSWER_GHOSTS_H

#include "pool/answer/answer.h"

/* Whether a process belongs to a job: its number, 0 for none. The daemon's, who knows the keepers. */
typedef int64_t (*AnswerOwner)(void *context, int64_t pid);

/* `nodes` is the beginning of the device nodes' paths: "/dev/nvidia". */
Status answer_ghosts(const AnswerSource *source, const char *nodes, AnswerOwner owner, void *context,
                     Json *json) MUST_USE;

#endif
