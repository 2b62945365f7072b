/* SPDX-License-Identifier: Apache-2.0 */
#ifdef FOVEA_CUDNN

#include "kernels/cuda/attention_graph.cuh"

#include <stdio.h>
#include <string.h>

namespace attention_graph {

static const char *operation_of(const AttentionShape *shape) {
    return shape->backward ? "attention_backward" : "attention_forward";
}

static ExitCode code_of(cudnnStatus_t status) {
    switch (status) {
    case CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED:
    case CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED:
        return EXIT_NO_MEMORY;
    case CUDNN_STATUS_NOT_INITIALIZED:
    case CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH:
    case CUDNN_STATUS_NOT_SUPPORTED_INCOMPATIBLE_CUDA_DRIVER:
    case CUDNN_STATUS_NOT_SUPPORTED_INCOMPATIBLE_CUDART:
    case CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED:
    case CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH:
        return EXIT_MISSING;
    default:
        return EXIT_INTERNAL;
    }
}

Status cudnn_status(const Cudnn *cudnn, const AttentionShape *shape, const char *what, cudnnStatus_t status) {
    if (status == CUDNN_STATUS_SUCCESS)
        return NULL;
    char text[400] = "", of[160] = "";
    cudnn->GetLastErrorString(text, sizeof text);
    text[sizeof text - 1] = '\0';
    for (char *at = text; *at; at++)
        if (*at == '\n')
            *at = ' ';
    if (shape)
        snprintf(of, sizeof of, "%s of %d x %d tokens, %d heads of %d: ", operation_of(shape), shape->batch,
                 shape->tokens, shape->heads, shape->head);
    return status_error(code_of(status), "%scuDNN, %s: %s: %s", of, what, cudnn->GetErrorString(status), text);
}

bool check(Build *b, const char *what, cudnnStatus_t status) {
    if (!b->error)
        b->error = cudnn_status(b->cudnn, &b->plan->shape, what, status);
    return !b->error;
}

Descriptor create(Build *b, const char *what, cudnnBackendDescriptorType_t type) {
    AttentionPlan *plan = b->plan;
    Descriptor descriptor = NULL;
    if (!b->error && plan->owned_count == OWNED_MOST)
        b->error = status_error(EXIT_INTERNAL, "%s: cuDNN's graph has more than %d parts", operation_of(&plan->shape),
                                OWNED_MOST);
    if (!b->error && check(b, what, b->cudnn->BackendCreateDescriptor(type, &descriptor)))
        plan->owned[plan->owned_count++] = descriptor;
    return descriptor;
}

void set(Build *b, Descriptor descriptor, const char *what, cudnnBackendAttributeName_t name,
         cudnnBackendAttributeType_t type, int64_t count, const void *values) {
    if (!b->error)
        check(b, what, b->cudnn->BackendSetAttribute(descriptor, name, type, count, values));
}

void set_part(Build *b, Descriptor descriptor, const char *what, cudnnBackendAttributeName_t name, Descriptor part) {
    set(b, descriptor, what, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &part);
}

void finalise(Build *b, Descriptor descriptor, const char *what) {
    if (!b->error)
        check(b, what, b->cudnn->BackendFinalize(descriptor));
}

static const cudnnDataType_t FP32 = CUDNN_DATA_FLOAT, BF16 = CUDNN_DATA_BFLOAT16;

typedef struct {
    int64_t sizes[4], strides[4];
} Layout;

static Layout transposed(const Layout &l) {
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

static Descriptor tensor(Build *b, int64_t id, cudnnDataType_t type, const Layout &layout, bool between, bool scalar) {
    static const int64_t alignment = 16;
    static const char *const what = "a tensor";
    const Descriptor t = create(b, what, CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    set(b, t, what, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
    set(b, t, what, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, layout.sizes);
    set(b, t, what, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, layout.strides);
    set(b, t, what, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &id);
    set(b, t, what, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &alignment);
    set(b, t, what, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &between);
    set(b, t, what, CUDNN_ATTR_TENSOR_IS_BY_VALUE, CUDNN_TYPE_BOOLEAN, 1, &scalar);
    finalise(b, t, what);
    return t;
}

static Descriptor given(Build *b, int64_t id, cudnnDataType_t type, const Layout &layout) {
    return tensor(b, id, type, layout, false, false);
}

/* An FP32 that is handed over when the plan is run. */
static Descriptor scalar(Build *b, int64_t id, const Layout &layout) {
    return tensor(b, id, FP32, layout, false, true);
}

/* A value that never reaches memory. */
static Descriptor between(Build *b, cudnnDataType_t type, const Layout &layout) {
    return tensor(b, b->next++, type, layout, true, false);
}

static void add(Build *b, Descriptor operation, const char *what) {
    finalise(b, operation, what);
    if (!b->error)
        b->operations[b->count++] = operation;
}

/* to = x y; each of these returns `to`. */
static Descriptor product(Build *b, Descriptor x, Descriptor y, Descriptor to) {
    static const char *const what = "a matrix product";
    const Descriptor kind = create(b, what, CUDNN_BACKEND_MATMUL_DESCRIPTOR);
    set(b, kind, what, CUDNN_ATTR_MATMUL_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &FP32);
    finalise(b, kind, what);
    const Descriptor o = create(b, what, CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR);
    set_part(b, o, what, CUDNN_ATTR_OPERATION_MATMUL_ADESC, x);
    set_part(b, o, what, CUDNN_ATTR_OPERATION_MATMUL_BDESC, y);
    set_part(b, o, what, CUDNN_ATTR_OPERATION_MATMUL_CDESC, to);
    set_part(b, o, what, CUDNN_ATTR_OPERATION_MATMUL_DESC, kind);
    add(b, o, what);
    return to;
}

/* y NULL: of x alone. */
static Descriptor each(Build *b, cudnnPointwiseMode_t mode, Descriptor x, Descriptor y, Descriptor to) {
    static const char *const what = "a pointwise operation";
    const Descriptor kind = create(b, what, CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    set(b, kind, what, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode);
    set(b, kind, what, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1, &FP32);
    finalise(b, kind, what);
    const Descriptor o = create(b, what, CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    set_part(b, o, what, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, kind);
    set_part(b, o, what, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x);
    if (y)
        set_part(b, o, what, CUDNN_ATTR_OPERATION_POINTWISE_BDESC, y);
    set_part(b, o, what, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, to);
    add(b, o, what);
    return to;
}

/* Over the columns. */
static Descriptor reduced(Build *b, cudnnReduceTensorOp_t how, Descriptor x, Descriptor to) {
    static const char *const what = "a reduction";
    const Descriptor kind = create(b, what, CUDNN_BACKEND_REDUCTION_DESCRIPTOR);
    set(b, kind, what, CUDNN_ATTR_REDUCTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &FP32);
    set(b, kind, what, CUDNN_ATTR_REDUCTION_OPERATOR, CUDNN_TYPE_REDUCTION_OPERATOR_TYPE, 1, &how);
    finalise(b, kind, what);
    const Descriptor o = create(b, what, CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR);
    set_part(b, o, what, CUDNN_ATTR_OPERATION_REDUCTION_DESC, kind);
    set_part(b, o, what, CUDNN_ATTR_OPERATION_REDUCTION_XDESC, x);
    set_part(b, o, what, CUDNN_ATTR_OPERATION_REDUCTION_YDESC, to);
    add(b, o, what);
    return to;
}

/* The same values as `to` is laid out. */
static Descriptor reshaped(Build *b, Descriptor x, Descriptor to) {
    static const char *const what = "a reshape";
    const Descriptor o = create(b, what, CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR);
    set_part(b, o, what, CUDNN_ATTR_OPERATION_RESHAPE_XDESC, x);
    set_part(b, o, what, CUDNN_ATTR_OPERATION_RESHAPE_YDESC, to);
    add(b, o, what);
    return to;
}

/* cuDNN knows attention by these very operations in this order and with these types. */
static void describe_forward(Build *b) {
    const Layouts l(b->plan->shape);
    const Descriptor q = given(b, ID_Q, BF16, l.qkv), k = given(b, ID_K, BF16, transposed(l.qkv));
    const Descriptor v = given(b, ID_V, BF16, l.qkv), out = given(b, ID_OUT, BF16, l.out);
    const Descriptor lse = given(b, ID_LSE, FP32, l.column), scale = scalar(b, ID_SCALE, l.one);

    const Descriptor products = product(b, q, k, between(b, FP32, l.scores));
    const Descriptor scores = each(b, CUDNN_POINTWISE_MUL, products, scale, between(b, FP32, l.scores));
    const Descriptor most = reduced(b, CUDNN_REDUCE_TENSOR_MAX, scores, between(b, FP32, l.column));
    const Descriptor lower = each(b, CUDNN_POINTWISE_SUB, scores, most, between(b, FP32, l.scores));
    const Descriptor powers = each(b, CUDNN_POINTWISE_EXP, lower, NULL, between(b, FP32, l.scores));
    const Descriptor sum = reduced(b, CUDNN_REDUCE_TENSOR_ADD, powers, between(b, FP32, l.column));
    const Descriptor logarithm = each(b, CUDNN_POINTWISE_LOG, sum, NULL, between(b, FP32, l.column));
    each(b, CUDNN_POINTWISE_ADD, most, logarithm, lse);
    const Descriptor p = each(b, CUDNN_POINTWISE_DIV, powers, sum, between(b, BF16, l.scores));
    product(b, p, v, out);
}

/* The form that is the same from run to run: dq is one product of ds, not summed in memory by whoever comes. */
static void describe_backward(Build *b) {
    const Layouts l(b->plan->shape);
    const Layout scores_t = transposed(l.scores);
    const Descriptor q = given(b, ID_Q, BF16, l.qkv), k_t = given(b, ID_K, BF16, transposed(l.qkv));
    const Descriptor v_t = given(b, ID_V, BF16, transposed(l.qkv)), out = given(b, ID_OUT, BF16, l.out);
    const Descriptor dout = given(b, ID_DOUT, BF16, l.out), lse = given(b, ID_LSE, FP32, l.column);
    const Descriptor scale = scalar(b, ID_SCALE, l.one), one = scalar(b, ID_ONE, l.one);
    const Descriptor dq = given(b, ID_DQ, BF16, l.qkv), dk = given(b, ID_DK, BF16, l.qkv);
    const Descriptor dv = given(b, ID_DV, BF16, l.qkv), through = given(b, ID_THROUGH, FP32, l.column);

    /* The product by one changes nothing but what cuDNN makes of the graph: without it, it asks for more memory. */
    const Descriptor both = each(b, CUDNN_POINTWISE_MUL, dout, out, between(b, FP32, l.out));
    const Descriptor sum = reduced(b, CUDNN_REDUCE_TENSOR_ADD, both, between(b, FP32, l.column));
    each(b, CUDNN_POINTWISE_MUL, sum, one, through);

    const Descriptor products = product(b, q, k_t, between(b, FP32, l.scores));
    const Descriptor scores = each(b, CUDNN_POINTWISE_MUL, products, scale, between(b, FP32, l.scores));
    const Descriptor lower = each(b, CUDNN_POINTWISE_SUB, scores, lse, between(b, FP32, l.scores));
    const Descriptor p = each(b, CUDNN_POINTWISE_EXP, lower, NULL, between(b, FP32, l.scores));
    const Descriptor p_t = reshaped(b, p, between(b, BF16, scores_t));
    product(b, p_t, dout, dv);

    const Descriptor dp = product(b, dout, v_t, between(b, FP32, l.scores));
    const Descriptor centred = each(b, CUDNN_POINTWISE_SUB, dp, through, between(b, FP32, l.scores));
    const Descriptor weighted = each(b, CUDNN_POINTWISE_MUL, centred, p, between(b, FP32, l.scores));
    const Descriptor ds = each(b, CUDNN_POINTWISE_MUL, weighted, scale, between(b, FP32, l.scores));
    const Descriptor ds_t = reshaped(b, ds, between(b, BF16, scores_t));
    product(b, ds_t, q, dk);
    const Descriptor k = reshaped(b, k_t, between(b, BF16, l.qkv));
    product(b, ds, k, dq);
}

Descriptor graph_of(Build *b) {
    if (b->plan->shape.backward)
        describe_backward(b);
    else
        describe_forward(b);
    static const char *const what = "the graph";
    const Descriptor graph = create(b, what, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    set(b, graph, what, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, b->count, b->operations);
    if (b->cudnn->handle)
        set(b, graph, what, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &b->cudnn->handle);
    finalise(b, graph, what);
    return graph;
}

} // namespace attention_graph

#endif
