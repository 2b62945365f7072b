/* SPDX-License-Identifier: Apache-2.0 */
/* Attention by the library, for BF16 and heads of a multiple of 8 up to 128 that cuDNN has a plan for. Plans are made
 * when first wanted and kept; so is what was refused, with the reason. */
#ifndef FOVEA_ATTENTION_LIBRARY_CUH
#define FOVEA_ATTENTION_LIBRARY_CUH

#include "kernels/cuda/attention_plan.cuh"

/* Opens and closes what it needs for a device; cuDNN itself is opened when it is first wanted. `properties`: for
 * cudnn_open(); kept, not copied. */
Status attention_library_open(Cuda *cuda, const char *properties) MUST_USE;
void attention_library_close(Cuda *cuda);

/* Whether there is a plan. Always the same for the same shape; false after a failure, too. `quiet`: where there is none
 * a kernel is there that is as good, and nothing has to be said. */
bool attention_library_has(Ops *ops, const AttentionShape *shape, bool quiet = false);

/* Runs the plan that there is; where choices are made by timing, the fastest of the first few that there are. Failures
 * go to the table. */
void attention_library_run(Ops *ops, const AttentionShape *shape, AttentionTensors tensors);

/* Why the plain kernels compute a shape that the library should: the first reason met, NULL when there was none. */
const char *attention_library_note(const Cuda *cuda);
/* cuDNN's number of itself, 91900 for 9.19.0; 0: it has not been opened. */
size_t attention_library_version(const Cuda *cuda);

#endif
