/* SPDX-License-Identifier: Apache-2.0 */
/* The second half of attention_backward()'s plain form: the gradients of keys and values. In a file of its own, since
 * these kernels take the compiler about as long as all others of attention.cu. */
#ifndef FOVEA_ATTENTION_KEYS_CUH
#define FOVEA_ATTENTION_KEYS_CUH

#include "kernels/cuda/cuda.cuh"

/* `through`: dout . out, [batch][heads][tokens]. */
void attention_keys_backward(Ops *ops, const AttentionBackward *a, const float *through);

#endif
