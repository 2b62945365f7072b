#include "attention_plan.cuh"

#ifdef FOVEA_CUDNN

#include <cudnn.h>
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cuDNN is opened when it is first wanted and not linked, so that the backend works where it is missing. */
#define LIBRARY_NAME_(major) "libcudnn.so." #major
#define LIBRARY_NAME(major) LIBRARY_NAME_(major)
static const char *const LIBRARY = LIBRARY_NAME(CUDNN_MAJOR);

#define FUNCTIONS(X)                                                                                                   \
    X(Create)                                                                                                          \
    X(Destroy)                                                                                                         \
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
    int64_t engine, workspace;
    float scale, one; /* read by the host when the plan is run */
    /* Kept as long as the plan, since it refers to them; the plan is among them. */
    Descriptor owned[OWNED_MOST];
    int owned_count;
};

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

/* The status of a call of cuDNN for `shape` (NULL: for none); to be asked for before the next call. */
static Status cudnn_status(const Cudnn *cudnn, const AttentionShape *shape, const char *what, cudnnStatus_t status) {
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

/* --- The library ---------------------------------------------------------------------------------------------------
 */

static Status load(Cudnn *cudnn) {
    cudnn->library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!cudnn->library)
        return status_error(EXIT_MISSING,
                            "cuDNN cannot be opened: %s; install it, or name its folder in "
                            "LD_LIBRARY_PATH",
                            dlerror());
#define LOAD(name)                                                                                                     \
    cudnn->name = (decltype(cudnn->name))dlsym(cudnn->library, "cudnn" #name);                                         \
    if (!cudnn->name)                                                                                                  \
        return status_error(EXIT_MISSING, "%s has no cudnn" #name ": install cuDNN %d.%d or later", LIBRARY,           \
                            CUDNN_MAJOR, CUDNN_MINOR);
    FUNCTIONS(LOAD)
#undef LOAD
    return NULL;
}

static Status describe_device(Cudnn *cudnn, const char *properties) {
    TRY(cudnn_status(cudnn, NULL, "a device's properties",
                     cudnn->BackendCreateDescriptor(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, &cudnn->device)));
    TRY(cudnn_status(cudnn, NULL, "a device's properties",
                     cudnn->BackendSetAttribute(cudnn->device, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION,
                                                CUDNN_TYPE_CHAR, (int64_t)strlen(properties) + 1, properties)));
    return cudnn_status(cudnn, NULL, "a device's properties", cudnn->BackendFinalize(cudnn->device));
}

static Status begin(Cudnn *cudnn, const char *properties, cudaStream_t stream) {
    TRY(load(cudnn));
    if (properties)
        return describe_device(cudnn, properties);
    TRY(cudnn_status(cudnn, NULL, "opening it", cudnn->Create(&cudnn->handle)));
    return cudnn_status(cudnn, NULL, "taking the stream", cudnn->SetStream(cudnn->handle, stream));
}

Status cudnn_open(const char *properties, cudaStream_t stream, Cudnn **cudnn) {
    *cudnn = (Cudnn *)calloc(1, sizeof **cudnn);
    if (!*cudnn)
        return status_no_memory("cuDNN's state", sizeof **cudnn);
    Status status = begin(*cudnn, properties, stream);
    if (status) {
        cudnn_close(*cudnn);
        *cudnn = NULL;
    }
    return status;
}

void cudnn_close(Cudnn *cudnn) {
    if (!cudnn)
        return;
    if (cudnn->device)
        (void)cudnn->BackendDestroyDescriptor(cudnn->device);
    if (cudnn->handle)
        (void)cudnn->Destroy(cudnn->handle);
    /* The library stays loaded: what it registered with CUDA may outlive its handle. */
    free(cudnn);
}

/* --- Descriptors ----------------------------------------------------------------------------------------------------
 */

/* A graph in the making. After a failure nothing more is asked of cuDNN. */
struct Build {
    const Cudnn *cudnn;
    AttentionPlan *plan;
    Status error;
    Descriptor operations[OPERATIONS_MOST];
    int count;
    int64_t next;
};

static bool check(Build *b, const char *what, cudnnStatus_t status) {
    if (!b->error)
        b->error = cudnn_status(b->cudnn, &b->plan->shape, what, status);
    return !b->error;
}

static Descriptor create(Build *b, const char *what, cudnnBackendDescriptorType_t type) {
    AttentionPlan *plan = b->plan;
    Descriptor descriptor = NULL;
    if (!b->error && plan->owned_count == OWNED_MOST)
        b->error = status_error(EXIT_INTERNAL, "%s: cuDNN's graph has more than %d parts", operation_of(&plan->shape),
                                OWNED_MOST);
    if (!b->error && check(b, what, b->cudnn->BackendCreateDescriptor(type, &descriptor)))
        plan->owned[plan->owned_count++] = descriptor;
    return descriptor;
}

static void set(Build *b, Descriptor descriptor, const char *what, cudnnBackendAttributeName_t name,
                cudnnBackendAttributeType_t type, int64_t count, const void *values) {
    if (!b->error)
        check(b, what, b->cudnn->BackendSetAttribute(descriptor, name, type, count, values));
}

static void set_part(Build *b, Descriptor descriptor, const char *what, cudnnBackendAttributeName_t name,
                     Descriptor part) {
    set(b, descriptor, what, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &part);
}

static void finalise(Build *b, Descriptor descriptor, const char *what) {
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

/* --- The graphs -----------------------------------------------------------------------------------------------------
 */

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

/* --- Plans ----------------------------------------------------------------------------------------------------------
 */

/* Which device it is for. */
static void set_device(Build *b, Descriptor descriptor, const char *what, cudnnBackendAttributeName_t device,
                       cudnnBackendAttributeName_t handle) {
    if (b->cudnn->device)
        set_part(b, descriptor, what, device, b->cudnn->device);
    else
        set(b, descriptor, what, handle, CUDNN_TYPE_HANDLE, 1, &b->cudnn->handle);
}

static Descriptor graph_of(Build *b) {
    static const char *const what = "the graph";
    const Descriptor graph = create(b, what, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    set(b, graph, what, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, b->count, b->operations);
    if (b->cudnn->handle)
        set(b, graph, what, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &b->cudnn->handle);
    finalise(b, graph, what);
    return graph;
}

/* Which methods cuDNN advises, best first. */
static int advised(Build *b, Descriptor graph, cudnnBackendHeurMode_t mode, Descriptor configs[CONFIGS_MOST]) {
    static const char *const what = "advice on methods";
    const Descriptor advice = create(b, what, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    set_part(b, advice, what, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
    set(b, advice, what, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
    if (b->cudnn->device)
        set_part(b, advice, what, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, b->cudnn->device);
    finalise(b, advice, what);
    int64_t count = 0;
    for (int i = 0; i < CONFIGS_MOST; i++)
        configs[i] = create(b, what, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    if (!b->error)
        check(b, what,
              b->cudnn->BackendGetAttribute(advice, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                                            CONFIGS_MOST, &count, configs));
    return b->error ? 0 : count < CONFIGS_MOST ? (int)count : (int)CONFIGS_MOST;
}

static void read_plan(Build *b, Descriptor config) {
    static const char *const what = "the plan's properties";
    int64_t count = 0;
    Descriptor engine = create(b, what, CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    if (!b->error)
        check(b, what,
              b->cudnn->BackendGetAttribute(config, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1,
                                            &count, &engine));
    if (!b->error)
        check(b, what,
              b->cudnn->BackendGetAttribute(engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &count,
                                            &b->plan->engine));
    if (!b->error)
        check(b, what,
              b->cudnn->BackendGetAttribute(b->plan->plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64,
                                            1, &count, &b->plan->workspace));
}

/* Compiles the method; true when that is the plan. A refusal is no error of the build: another method is asked. */
static bool compile(Build *b, Descriptor config, Status *refusal) {
    static const char *const what = "a plan";
    const Descriptor plan = create(b, what, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    set_part(b, plan, what, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, config);
    set_device(b, plan, what, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, CUDNN_ATTR_EXECUTION_PLAN_HANDLE);
    finalise(b, plan, what);
    if (!b->error) {
        b->plan->plan = plan;
        read_plan(b, config);
    }
    if (!b->error)
        return true;
    if (*refusal)
        status_free(b->error);
    else
        *refusal = b->error;
    b->error = NULL;
    return false;
}

static Status plan_of(Build *b) {
    static const cudnnBackendHeurMode_t modes[] = {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK};
    const Descriptor graph = graph_of(b);
    if (b->error)
        return b->error;
    Status refusal = NULL; /* the first */
    for (const auto mode : modes) {
        Descriptor configs[CONFIGS_MOST];
        const int count = advised(b, graph, mode, configs);
        for (int i = 0; i < count; i++)
            if (compile(b, configs[i], &refusal)) {
                status_free(refusal);
                return NULL;
            }
        if (b->error && !refusal)
            refusal = b->error;
        else
            status_free(b->error);
        b->error = NULL;
    }
    return refusal ? refusal
                   : cudnn_status(b->cudnn, &b->plan->shape, "no method is advised", CUDNN_STATUS_NOT_SUPPORTED);
}

Status attention_plan_open(const Cudnn *cudnn, const AttentionShape *shape, AttentionPlan **plan) {
    *plan = (AttentionPlan *)calloc(1, sizeof **plan);
    if (!*plan)
        return status_no_memory("a plan for attention", sizeof **plan);
    (*plan)->cudnn = cudnn;
    (*plan)->shape = *shape;
    (*plan)->scale = 1 / sqrtf((float)shape->head);
    (*plan)->one = 1;
    Build build = {};
    build.cudnn = cudnn;
    build.plan = *plan;
    build.next = ID_BETWEEN;
    if (shape->backward)
        describe_backward(&build);
    else
        describe_forward(&build);
    Status status = plan_of(&build);
    if (status) {
        attention_plan_close(*plan);
        *plan = NULL;
    }
    return status;
}

void attention_plan_close(AttentionPlan *plan) {
    if (!plan)
        return;
    while (plan->owned_count)
        (void)plan->cudnn->BackendDestroyDescriptor(plan->owned[--plan->owned_count]);
    free(plan);
}

int64_t attention_plan_engine(const AttentionPlan *plan) {
    return plan->engine;
}

size_t attention_plan_workspace(const AttentionPlan *plan) {
    return (size_t)plan->workspace;
}

/* --- Running --------------------------------------------------------------------------------------------------------
 */

static cudnnStatus_t execute(const AttentionPlan *plan, Descriptor pack, int64_t count, const int64_t *ids,
                             const void *const *pointers, void *workspace) {
    const Cudnn *cudnn = plan->cudnn;
    cudnnStatus_t status =
        cudnn->BackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, count, ids);
    if (status == CUDNN_STATUS_SUCCESS)
        status = cudnn->BackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, count,
                                            pointers);
    if (status == CUDNN_STATUS_SUCCESS)
        status =
            cudnn->BackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace);
    if (status == CUDNN_STATUS_SUCCESS)
        status = cudnn->BackendFinalize(pack);
    return status == CUDNN_STATUS_SUCCESS ? cudnn->BackendExecute(cudnn->handle, plan->plan, pack) : status;
}

Status attention_plan_run(const AttentionPlan *plan, const AttentionTensors *tensors, void *workspace) {
    const AttentionShape *shape = &plan->shape;
    const size_t width = (size_t)shape->heads * shape->head; /* from q to k, from k to v */
    const uint16_t *const qkv = (const uint16_t *)tensors->qkv;
    uint16_t *const dqkv = (uint16_t *)tensors->dqkv;
    static const int64_t ids[] = {ID_Q,   ID_K,    ID_V,       ID_OUT, ID_LSE, ID_SCALE,
                                  ID_ONE, ID_DOUT, ID_THROUGH, ID_DQ,  ID_DK,  ID_DV};
    const void *const pointers[] = {qkv,          qkv + width,     qkv + 2 * width, tensors->out,     tensors->lse,
                                    &plan->scale, &plan->one,      tensors->dout,   tensors->through, dqkv,
                                    dqkv + width, dqkv + 2 * width};
    const int64_t count = shape->backward ? sizeof ids / sizeof *ids : 6;
    Descriptor pack = NULL;
    cudnnStatus_t status = plan->cudnn->BackendCreateDescriptor(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, &pack);
    if (status == CUDNN_STATUS_SUCCESS)
        status = execute(plan, pack, count, ids, pointers, workspace);
    Status failure = cudnn_status(plan->cudnn, shape, "running its plan", status);
    if (pack)
        (void)plan->cudnn->BackendDestroyDescriptor(pack);
    return failure;
}

#else

Status cudnn_open(const char *, cudaStream_t, Cudnn **cudnn) {
    *cudnn = NULL;
    return status_error(EXIT_MISSING, "this build has no cuDNN");
}

void cudnn_close(Cudnn *) {
}

Status attention_plan_open(const Cudnn *, const AttentionShape *, AttentionPlan **plan) {
    *plan = NULL;
    return status_error(EXIT_MISSING, "this build has no cuDNN");
}

void attention_plan_close(AttentionPlan *) {
}

int64_t attention_plan_engine(const AttentionPlan *) {
    return 0;
}

size_t attention_plan_workspace(const AttentionPlan *) {
    return 0;
}

Status attention_plan_run(const AttentionPlan *, const AttentionTensors *, void *) {
    return status_error(EXIT_INTERNAL, "this build has no cuDNN");
}

#endif
