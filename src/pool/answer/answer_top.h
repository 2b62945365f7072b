/* SPDX-License-Identifier: Apache-2.0 */
/* Every gauge of every GPU, the speed of the job on it, and what is wrong in words; memory that no process explains. */
#ifndef FOVEA_POOL_ANSWER_ANSWER_TOP_H
#define FOVEA_POOL_ANSWER_ANSWER_TOP_H

#include "pool/answer/answer.h"

Status answer_top(const AnswerSource *source, const Caller *caller, Json *json) MUST_USE;
/* GPUs whose memory is used by no process that shows, and processes that have GPUs' device nodes open. */
Status answer_ghosts(const AnswerSource *source, Json *json) MUST_USE;

#endif
