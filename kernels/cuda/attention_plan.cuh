/* SPDX-License-Identifier: Apache-2.0 */
/* Attention by cuDNN's graphs: attention_graph.cu describes the graph of a shape and direction, attention_plan.cu lets
 * cuDNN compile a plan for it, and runs plans; only these two know cuDNN. Nothing but running needs a GPU.
 *
 * Built without cuDNN's header (FOVEA_CUDNN not defined), and so under emulation, there is no plan for anything: the
 * plain kernels are what the emulator is there to execute. */
#ifndef FOVEA_ATTENTION_PLAN_CUH
#define FOVEA_ATTENTION_PLAN_CUH

#include "kernels/cuda/cuda.cuh"

/* BF16, tensors laid out as in ops.h. */
typedef struct {
    bool backward;
    int batch, tokens, heads, head;
} AttentionShape;

/* The library, loaded, and the device that plans are made for. */
struct Cudnn;

/* For the current device, plans running on `stream`; or with `properties`, cuDNN's description of a device in JSON, for
 * one that need not be there, whose plans cannot be run. A failure says why there will be no plans. */
Status cudnn_open(const char *properties, cudaStream_t stream, Cudnn **cudnn) MUST_USE;
void cudnn_close(Cudnn *cudnn);

struct AttentionPlan;

/* Of the plans that cuDNN advises, numbered from 0, best first, the first from number `from` on that can be had. A
 * failure names the shape and cuDNN's reason. */
Status attention_plan_open(const Cudnn *cudnn, const AttentionShape *shape, int from, AttentionPlan **plan) MUST_USE;
void attention_plan_close(AttentionPlan *plan);

/* cuDNN's version. */
size_t cudnn_version(const Cudnn *cudnn);

/* The plan's number, see above. */
int attention_plan_place(const AttentionPlan *plan);
/* cuDNN's number of the method, and the bytes it wants beside the tensors, 256-byte aligned. */
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
