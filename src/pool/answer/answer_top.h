/* SPDX-License-Identifier: Apache-2.0 */
/* Every gauge of every GPU, the speed of the job on it, and what is wrong in words. All of it is for everybody. */
#ifndef FOVEA_POOL_ANSWER_ANSWER_TOP_H
#define FOVEA_POOL_ANSWER_ANSWER_TOP_H

#include "pool/answer/answer.h"

Status answer_top(const AnswerSource *source, Json *json) MUST_USE;

#endif
