/* SPDX-License-Identifier: Apache-2.0 */
#ifdef FOVEA_CUDNN

#include "kernels/cuda/attention_graph.cuh"

#include <stdio.h>

Status attention_graph_status(const AttentionGraph *graph, const char *what, cudnnStatus_t status) {
    const AttentionShape *shape = &graph->shape;
    char subject[160];
    snprintf(subject, sizeof subject, "%s of %d x %d tokens, %d heads of %d", attention_operation(shape), shape->batch,
             shape->tokens, shape->heads, shape->head);
    return cudnn_status(graph->cudnn, subject, what, status);
}

bool graph_check(GraphBuild *b, const char *what, cudnnStatus_t status) {
    if (!b->error)
        b->error = attention_graph_status(b->graph, what, status);
    return !b->error;
}

Descriptor graph_create(GraphBuild *b, const char *what, cudnnBackendDescriptorType_t type) {
    AttentionGraph *graph = b->graph;
    Descriptor descriptor = NULL;
    if (!b->error && graph->owned_count == MAX_DESCRIPTORS)
        b->error = status_error(EXIT_INTERNAL, "%s: cuDNN's graph has more than %d parts",
                                attention_operation(&graph->shape), MAX_DESCRIPTORS);
    if (!b->error && graph_check(b, what, graph->cudnn->BackendCreateDescriptor(type, &descriptor)))
        graph->owned[graph->owned_count++] = descriptor;
    return descriptor;
}

void graph_set(GraphBuild *b, Descriptor descriptor, const char *what, cudnnBackendAttributeName_t name,
               cudnnBackendAttributeType_t type, int64_t count, const void *values) {
    if (!b->error)
        graph_check(b, what, b->graph->cudnn->BackendSetAttribute(descriptor, name, type, count, values));
}

void graph_set_part(GraphBuild *b, Descriptor descriptor, const char *what, cudnnBackendAttributeName_t name,
                    Descriptor part) {
    graph_set(b, descriptor, what, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &part);
}

void graph_finalise(GraphBuild *b, Descriptor descriptor, const char *what) {
    if (!b->error)
        graph_check(b, what, b->graph->cudnn->BackendFinalize(descriptor));
}

void attention_graph_close(AttentionGraph *graph) {
    while (graph->owned_count)
        (void)graph->cudnn->BackendDestroyDescriptor(graph->owned[--graph->owned_count]);
}

static const cudnnDataType_t FP32 = CUDNN_DATA_FLOAT, BF16 = CUDNN_DATA_BFLOAT16;

typedef struct {
    int64_t sizes[4], strides[4];
} Layout;

static Layout transposed_layout(const Layout &l) {
    return {{l.sizes[0], l.sizes[1], l.sizes[3], l.sizes[2]}, {l.strides[0], l.strides[1], l.strides[3], l.strides[2]}};
}

/* As cuDNN orders sizes: batch, heads, rows, columns. */
struct Layouts {
    Layout qkv, out, scores, column, one;
    explicit Layouts(const AttentionShape &shape) {
        const int64_t b = shape.batch, h = shape.heads, s = shape.tokens, d = shape.head;
        qkv = {{b, h, s, d}, {3 * h * d * s, d, 3 * h * d, 1}};
        out = {{b, h, s, d}, {h * d * s, d, h * d, 1}};
        scores = {{b, h, s, s}, {h * s * s, s * s, s, 1}};
        column = {{b, h, s, 1}, {h * s, s, 1, 1}};
        one = {{1, 1, 1, 1}, {1, 1, 1, 1}};
    }
};

static Descriptor describe_tensor(GraphBuild *b, int64_t id, cudnnDataType_t type, const Layout &layout,
                                  bool is_virtual, bool is_scalar) {
    static const int64_t alignment = 16;
    static const char *const what = "a tensor";
    const Descriptor t = graph_create(b, what, CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    graph_set(b, t, what, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
    graph_set(b, t, what, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, layout.sizes);
    graph_set(b, t, what, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, layout.strides);
    graph_set(b, t, what, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &id);
    graph_set(b, t, what, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &alignment);
    graph_set(b, t, what, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &is_virtual);
    graph_set(b, t, what, CUDNN_ATTR_TENSOR_IS_BY_VALUE, CUDNN_TYPE_BOOLEAN, 1, &is_scalar);
    graph_finalise(b, t, what);
    return t;
}

static Descriptor memory_tensor(GraphBuild *b, int64_t id, cudnnDataType_t type, const Layout &layout) {
    return describe_tensor(b, id, type, layout, false, false);
}

/* An FP32 value passed when the plan is run. */
static Descriptor scalar_tensor(GraphBuild *b, int64_t id, const Layout &layout) {
    return describe_tensor(b, id, FP32, layout, false, true);
}

/* A value that never reaches memory. */
static Descriptor virtual_tensor(GraphBuild *b, cudnnDataType_t type, const Layout &layout) {
    return describe_tensor(b, b->next++, type, layout, true, false);
}

static void add_operation(GraphBuild *b, Descriptor operation, const char *what) {
    graph_finalise(b, operation, what);
    if (!b->error)
        b->operations[b->count++] = operation;
}

/* to = x y; this and the following return `to`. */
static Descriptor add_product(GraphBuild *b, Descriptor x, Descriptor y, Descriptor to) {
    static const char *const what = "a matrix product";
    const Descriptor kind = graph_create(b, what, CUDNN_BACKEND_MATMUL_DESCRIPTOR);
    graph_set(b, kind, what, CUDNN_ATTR_MATMUL_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &FP32);
    graph_finalise(b, kind, what);
    const Descriptor o = graph_create(b, what, CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR);
    graph_set_part(b, o, what, CUDNN_ATTR_OPERATION_MATMUL_ADESC, x);
    graph_set_part(b, o, what, CUDNN_ATTR_OPERATION_MATMUL_BDESC, y);
    graph_set_part(b, o, what, CUDNN_ATTR_OPERATION_MATMUL_CDESC, to);
    graph_set_part(b, o, what, CUDNN_ATTR_OPERATION_MATMUL_DESC, kind);
    add_operation(b, o, what);
    return to;
}

/* y NULL: of x only. */
static Descriptor add_pointwise(GraphBuild *b, cudnnPointwiseMode_t mode, Descriptor x, Descriptor y, Descriptor to) {
    static const char *const what = "a pointwise operation";
    const Descriptor kind = graph_create(b, what, CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    graph_set(b, kind, what, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode);
    graph_set(b, kind, what, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1, &FP32);
    graph_finalise(b, kind, what);
    const Descriptor o = graph_create(b, what, CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    graph_set_part(b, o, what, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, kind);
    graph_set_part(b, o, what, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x);
    if (y)
        graph_set_part(b, o, what, CUDNN_ATTR_OPERATION_POINTWISE_BDESC, y);
    graph_set_part(b, o, what, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, to);
    add_operation(b, o, what);
    return to;
}

/* Over the columns. */
static Descriptor add_reduction(GraphBuild *b, cudnnReduceTensorOp_t reduction, Descriptor x, Descriptor to) {
    static const char *const what = "a reduction";
    const Descriptor kind = graph_create(b, what, CUDNN_BACKEND_REDUCTION_DESCRIPTOR);
    graph_set(b, kind, what, CUDNN_ATTR_REDUCTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &FP32);
    graph_set(b, kind, what, CUDNN_ATTR_REDUCTION_OPERATOR, CUDNN_TYPE_REDUCTION_OPERATOR_TYPE, 1, &reduction);
    graph_finalise(b, kind, what);
    const Descriptor o = graph_create(b, what, CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR);
    graph_set_part(b, o, what, CUDNN_ATTR_OPERATION_REDUCTION_DESC, kind);
    graph_set_part(b, o, what, CUDNN_ATTR_OPERATION_REDUCTION_XDESC, x);
    graph_set_part(b, o, what, CUDNN_ATTR_OPERATION_REDUCTION_YDESC, to);
    add_operation(b, o, what);
    return to;
}

/* The same values in the layout of `to`. */
static Descriptor add_reshape(GraphBuild *b, Descriptor x, Descriptor to) {
    static const char *const what = "a reshape";
    const Descriptor o = graph_create(b, what, CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR);
    graph_set_part(b, o, what, CUDNN_ATTR_OPERATION_RESHAPE_XDESC, x);
    graph_set_part(b, o, what, CUDNN_ATTR_OPERATION_RESHAPE_YDESC, to);
    add_operation(b, o, what);
    return to;
}

/* cuDNN recognises attention by exactly these operations, in this order and with these types. */
static void describe_forward(GraphBuild *b) {
    const Layouts l(b->graph->shape);
    const Descriptor q = memory_tensor(b, ID_Q, BF16, l.qkv),
                     k = memory_tensor(b, ID_K, BF16, transposed_layout(l.qkv));
    const Descriptor v = memory_tensor(b, ID_V, BF16, l.qkv), out = memory_tensor(b, ID_OUT, BF16, l.out);
    const Descriptor lse = memory_tensor(b, ID_LSE, FP32, l.column), scale = scalar_tensor(b, ID_SCALE, l.one);

    const Descriptor products = add_product(b, q, k, virtual_tensor(b, FP32, l.scores));
    const Descriptor scores = add_pointwise(b, CUDNN_POINTWISE_MUL, products, scale, virtual_tensor(b, FP32, l.scores));
    const Descriptor most = add_reduction(b, CUDNN_REDUCE_TENSOR_MAX, scores, virtual_tensor(b, FP32, l.column));
    const Descriptor lower = add_pointwise(b, CUDNN_POINTWISE_SUB, scores, most, virtual_tensor(b, FP32, l.scores));
    const Descriptor powers = add_pointwise(b, CUDNN_POINTWISE_EXP, lower, NULL, virtual_tensor(b, FP32, l.scores));
    const Descriptor sum = add_reduction(b, CUDNN_REDUCE_TENSOR_ADD, powers, virtual_tensor(b, FP32, l.column));
    const Descriptor logarithm = add_pointwise(b, CUDNN_POINTWISE_LOG, sum, NULL, virtual_tensor(b, FP32, l.column));
    add_pointwise(b, CUDNN_POINTWISE_ADD, most, logarithm, lse);
    const Descriptor p = add_pointwise(b, CUDNN_POINTWISE_DIV, powers, sum, virtual_tensor(b, BF16, l.scores));
    add_product(b, p, v, out);
}

/* The deterministic form: dq is one product of ds, not summed in memory in the order of arrival. */
static void describe_backward(GraphBuild *b) {
    const Layouts l(b->graph->shape);
    const Layout scores_t = transposed_layout(l.scores);
    const Descriptor q = memory_tensor(b, ID_Q, BF16, l.qkv),
                     k_t = memory_tensor(b, ID_K, BF16, transposed_layout(l.qkv));
    const Descriptor v_t = memory_tensor(b, ID_V, BF16, transposed_layout(l.qkv)),
                     out = memory_tensor(b, ID_OUT, BF16, l.out);
    const Descriptor dout = memory_tensor(b, ID_DOUT, BF16, l.out), lse = memory_tensor(b, ID_LSE, FP32, l.column);
    const Descriptor scale = scalar_tensor(b, ID_SCALE, l.one), one = scalar_tensor(b, ID_ONE, l.one);
    const Descriptor dq = memory_tensor(b, ID_DQ, BF16, l.qkv), dk = memory_tensor(b, ID_DK, BF16, l.qkv);
    const Descriptor dv = memory_tensor(b, ID_DV, BF16, l.qkv), through = memory_tensor(b, ID_THROUGH, FP32, l.column);

    /* The product by one only changes what cuDNN makes of the graph: without it, the plan needs more memory. */
    const Descriptor both = add_pointwise(b, CUDNN_POINTWISE_MUL, dout, out, virtual_tensor(b, FP32, l.out));
    const Descriptor sum = add_reduction(b, CUDNN_REDUCE_TENSOR_ADD, both, virtual_tensor(b, FP32, l.column));
    add_pointwise(b, CUDNN_POINTWISE_MUL, sum, one, through);

    const Descriptor products = add_product(b, q, k_t, virtual_tensor(b, FP32, l.scores));
    const Descriptor scores = add_pointwise(b, CUDNN_POINTWISE_MUL, products, scale, virtual_tensor(b, FP32, l.scores));
    const Descriptor lower = add_pointwise(b, CUDNN_POINTWISE_SUB, scores, lse, virtual_tensor(b, FP32, l.scores));
    const Descriptor p = add_pointwise(b, CUDNN_POINTWISE_EXP, lower, NULL, virtual_tensor(b, FP32, l.scores));
    const Descriptor p_t = add_reshape(b, p, virtual_tensor(b, BF16, scores_t));
    add_product(b, p_t, dout, dv);

    const Descriptor dp = add_product(b, dout, v_t, virtual_tensor(b, FP32, l.scores));
    const Descriptor centred = add_pointwise(b, CUDNN_POINTWISE_SUB, dp, through, virtual_tensor(b, FP32, l.scores));
    const Descriptor weighted = add_pointwise(b, CUDNN_POINTWISE_MUL, centred, p, virtual_tensor(b, FP32, l.scores));
    const Descriptor ds = add_pointwise(b, CUDNN_POINTWISE_MUL, weighted, scale, virtual_tensor(b, FP32, l.scores));
    const Descriptor ds_t = add_reshape(b, ds, virtual_tensor(b, BF16, scores_t));
    add_product(b, ds_t, q, dk);
    const Descriptor k = add_reshape(b, k_t, virtual_tensor(b, BF16, l.qkv));
    add_product(b, ds, k, dq);
}

Descriptor attention_graph_build(GraphBuild *b) {
    if (b->graph->shape.backward)
        describe_backward(b);
    else
        describe_forward(b);
    static const char *const what = "the graph";
    const Descriptor graph = graph_create(b, what, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    graph_set(b, graph, what, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, b->count, b->operations);
    if (b->graph->cudnn->handle)
        graph_set(b, graph, what, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &b->graph->cudnn->handle);
    graph_finalise(b, graph, what);
    return graph;
}

#endif
