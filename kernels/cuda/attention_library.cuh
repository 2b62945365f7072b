/* SPDX-License-Identifier: Apache-2.0 */
/* Attention by cuDNN, in BF16 with heads of a multiple of 8 up to 128, for shapes that it has a plan for. Plans are
 * compiled on first use and kept, as are refusals, with their reasons. */
#ifndef FOVEA_ATTENTION_LIBRARY_CUH
#define FOVEA_ATTENTION_LIBRARY_CUH

#include "kernels/cuda/attention_plan.cuh"

/* Opens and closes what it needs for a device; cuDNN itself is opened on first use. `properties`: for cudnn_open();
 * referenced, not copied. */
Status attention_library_open(Cuda *cuda, const char *properties) MUST_USE;
void attention_library_close(Cuda *cuda);

/* Whether there is a plan. Always the same for the same shape; false after a failure, too. `quiet`: a kernel that is as
 * good serves where there is none, and no note is needed. */
bool attention_library_has(Ops *ops, const AttentionShape *shape, bool quiet = false);

/* Runs the plan; where choices are made by timing, the fastest of the first few. Failures go to the table. */
void attention_library_run(Ops *ops, const AttentionShape *shape, AttentionTensors tensors);

/* Why the plain kernels compute a shape that cuDNN should: the first reason found, NULL when there was none. */
const char *attention_library_note(const Cuda *cuda);
/* As cuDNN reports it, 91900 for 9.19.0; 0: it has not been opened. */
size_t attention_library_version(const Cuda *cuda);

#endif
