/* SPDX-License-Identifier: Apache-2.0 */
/* Attention by plans that cuDNN compiles for the graph of a shape and direction (attention_graph.cuh). Only running a
 * plan needs a GPU. Without cuDNN there is no plan for anything. */
#ifndef FOVEA_ATTENTION_PLAN_CUH
#define FOVEA_ATTENTION_PLAN_CUH

#include "kernels/cuda/attention_shape.cuh"
#include "kernels/cuda/cudnn.cuh"

struct AttentionPlan;

/* cuDNN recommends plans, numbered from 0, best first: opens the first from number `from` on that it can compile. A
 * failure names the shape and cuDNN's reason. */
Status attention_plan_open(const Cudnn *cudnn, const AttentionShape *shape, int from, AttentionPlan **plan) MUST_USE;
void attention_plan_close(AttentionPlan *plan);

/* The plan's number, see above. */
int attention_plan_number(const AttentionPlan *plan);
/* cuDNN's number of the method, and the bytes it needs beside the tensors, 256-byte aligned. */
int64_t attention_plan_engine(const AttentionPlan *plan);
size_t attention_plan_workspace(const AttentionPlan *plan);

/* Forward: qkv, out, lse. Backward: all; `through` [batch][heads][tokens] is written. */
typedef struct {
    const Real *qkv, *dout;
    Real *out, *dqkv;
    float *lse, *through;
} AttentionTensors;

Status attention_plan_run(const AttentionPlan *plan, const AttentionTensors *tensors, void *workspace) MUST_USE;

#endif
