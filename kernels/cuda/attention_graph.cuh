/* SPDX-License-Identifier: Apache-2.0 */
/* cuDNN's graphs of attention: descriptors of tensors and operations. Only where there is cuDNN's header (FOVEA_CUDNN).
 */
#ifndef FOVEA_ATTENTION_GRAPH_CUH
#define FOVEA_ATTENTION_GRAPH_CUH

#include "kernels/cuda/attention_shape.cuh"
#include "kernels/cuda/cudnn.cuh"

/* What the graphs name; the values between two operations are numbered from ID_BETWEEN. */
enum { ID_Q = 1, ID_K, ID_V, ID_OUT, ID_LSE, ID_SCALE, ID_ONE, ID_DOUT, ID_THROUGH, ID_DQ, ID_DK, ID_DV, ID_BETWEEN };

enum { MAX_OPERATIONS = 20, MAX_DESCRIPTORS = 192 };

struct AttentionGraph {
    const Cudnn *cudnn;
    AttentionShape shape;
    /* All descriptors of the graph and of the plan made of it, which refer to each other. */
    Descriptor owned[MAX_DESCRIPTORS];
    int owned_count;
};

/* A graph that is being made. After a failure nothing more is asked of cuDNN. */
struct GraphBuild {
    AttentionGraph *graph;
    Status error;
    Descriptor operations[MAX_OPERATIONS];
    int count;
    int64_t next;
};

/* The graph of its shape and direction; NULL after a failure. */
Descriptor attention_graph_build(GraphBuild *b);
void attention_graph_close(AttentionGraph *graph);
/* The status of a call of cuDNN for this graph; to be called before the next call. */
Status attention_graph_status(const AttentionGraph *graph, const char *what, cudnnStatus_t status);

/* True when the call, and all before it, succeeded. */
bool graph_check(GraphBuild *b, const char *what, cudnnStatus_t status);
/* A descriptor of the graph's and its attributes; NULL after a failure. */
Descriptor graph_create(GraphBuild *b, const char *what, cudnnBackendDescriptorType_t type);
void graph_set(GraphBuild *b, Descriptor descriptor, const char *what, cudnnBackendAttributeName_t name,
               cudnnBackendAttributeType_t type, int64_t count, const void *values);
void graph_set_part(GraphBuild *b, Descriptor descriptor, const char *what, cudnnBackendAttributeName_t name,
                    Descriptor part);
void graph_finalise(GraphBuild *b, Descriptor descriptor, const char *what);

#endif
