/* SPDX-License-Identifier: Apache-2.0 */
/* Attention rollout (Abnar and Zuidema, arXiv 2005.00928): how much of each patch would be in an encoder's output if
 * attention alone passed it on. A block passes on half of its input and half of what it attends to, averaged over
 * heads: it is 0.5 A + 0.5 I, whose rows sum to 1, and the rollout is the product over blocks. */
#ifndef FOVEA_EVAL_ROLLOUT_H
#define FOVEA_EVAL_ROLLOUT_H

#include "eval/features/encoder.h"

/* Of one image, `pixels` [image_size][image_size][3] of the host's memory, into `shares` [patches]: what the patches
 * are of the tokens that the features are made of: the class token, the mean of the patches' tokens, or the mean of
 * the two. With the class token's own share they sum to 1. Softmax and products are in double precision. */
Status rollout_run(const Encoder *encoder, TaskFeatures tokens, const uint8_t *pixels, int threads,
                   double *shares) MUST_USE;

#endif
