/* SPDX-License-Identifier: Apache-2.0 */
/* Attention over at most SHORT_TOKENS tokens on tensor cores, in BF16. */
#ifndef FOVEA_ATTENTION_SHORT_CUH
#define FOVEA_ATTENTION_SHORT_CUH

#include "kernels/cuda/cuda.cuh"

enum { SHORT_TOKENS = 64 };

/* Whether the functions below apply: BF16, at most SHORT_TOKENS tokens, a head of 32 or 64. */
bool attention_is_short(const Ops *ops, int tokens, int head);

/* As the table's attention_forward and attention_backward; the gradient of the softmax comes from the probabilities
 * alone, so that `out` is not needed. */
void attention_short_forward(Ops *ops, const Real *qkv, Real *out, float *lse, int batch, int tokens, int heads,
                             int head);
void attention_short_backward(Ops *ops, const Real *dout, const Real *qkv, const float *lse, Real *dqkv, int batch,
                              int tokens, int heads, int head);

#endif
