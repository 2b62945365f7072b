/* SPDX-License-Identifier: Apache-2.0 */
/* cuDNN's graphs of attention, for attention_plan.cu: descriptors of tensors and operations, and how a failure of cuDNN
 * is told. Only where there is cuDNN's header (FOVEA_CUDNN). */
#ifndef FOVEA_ATTENTION_GRAPH_CUH
#define FOVEA_ATTENTION_GRAPH_CUH

#include "kernels/cuda/attention_plan.cuh"

#include <cudnn.h>

/* cuDNN is opened when it is first wanted and not linked: what is called of it. */
#define FUNCTIONS(X)                                                                                                   \
    X(Create)                                                                                                          \
    X(Destroy)                                                                                                         \
    X(GetVersion)                                                                                                      \
    X(SetStream)                                                                                                       \
    X(GetErrorString)                                                                                                  \
    X(GetLastErrorString)                                                                                              \
    X(BackendCreateDescriptor)                                                                                         \
    X(BackendDestroyDescriptor)                                                                                        \
    X(BackendSetAttribute)                                                                                             \
    X(BackendGetAttribute)                                                                                             \
    X(BackendFinalize)                                                                                                 \
    X(BackendExecute)

typedef cudnnBackendDescriptor_t Descriptor;

struct Cudnn {
    void *library;
    cudnnHandle_t handle; /* NULL: plans cannot be run */
    Descriptor device;    /* NULL: the handle's */
#define DECLARE(name) decltype(&cudnn##name) name;
    FUNCTIONS(DECLARE)
#undef DECLARE
};

/* What the graphs name; the values between two operations are numbered from ID_BETWEEN. */
enum { ID_Q = 1, ID_K, ID_V, ID_OUT, ID_LSE, ID_SCALE, ID_ONE, ID_DOUT, ID_THROUGH, ID_DQ, ID_DK, ID_DV, ID_BETWEEN };

enum { OPERATIONS_MOST = 20, CONFIGS_MOST = 16, OWNED_MOST = 192 };

struct AttentionPlan {
    const Cudnn *cudnn;
    AttentionShape shape;
    Descriptor plan;
    int place;
    int64_t engine, workspace;
    float scale, one; /* read by the host when the plan is run */
    /* Kept as long as the plan, since it refers to them; the plan is among them. */
    Descriptor owned[OWNED_MOST];
    int owned_count;
};

namespace attention_graph {

/* A graph in the making. After a failure nothing more is asked of cuDNN. */
struct Build {
    const Cudnn *cudnn;
    AttentionPlan *plan;
    Status error;
    Descriptor operations[OPERATIONS_MOST];
    int count;
    int64_t next;
};

/* The status of a call of cuDNN for `shape` (NULL: for none); to be asked for before the next call. */
Status cudnn_status(const Cudnn *cudnn, const AttentionShape *shape, const char *what, cudnnStatus_t status);

/* True when the call, and all before it, went well. */
bool check(Build *b, const char *what, cudnnStatus_t status);
/* A descriptor of the plan's, and what it is made of; NULL after a failure. */
Descriptor create(Build *b, const char *what, cudnnBackendDescriptorType_t type);
void set(Build *b, Descriptor descriptor, const char *what, cudnnBackendAttributeName_t name,
         cudnnBackendAttributeType_t type, int64_t count, const void *values);
void set_part(Build *b, Descriptor descriptor, const char *what, cudnnBackendAttributeName_t name, Descriptor part);
void finalise(Build *b, Descriptor descriptor, const char *what);

/* The graph of the plan's shape and direction. */
Descriptor graph_of(Build *b);

} // namespace attention_graph

#endif
