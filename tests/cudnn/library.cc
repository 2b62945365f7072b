/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for cuDNN, as libcudnn.so.9 in a folder of its own: attention's graphs are computed on the host, one
 * operation after the other as the graph describes them, so that strides, offsets, scales and the order of operations
 * are tested without a GPU. A plan's pointers are host memory.
 *
 * It recommends engine 3, which has no plan for anything, engines 4 and 5, which differ only in that 5 needs more
 * memory for heads of 40, and as a fallback 3 and 4. Heads of 48 find engine 4 only as a fallback, heads of 56 have a
 * plan that cannot be run, and 72 have none. */
#include <cudnn.h>

#include <map>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <vector>

enum { WORKSPACE = 1000, BAD_ENGINE = 3, OTHER_ENGINE = 5 };

struct Object {
    cudnnBackendDescriptorType_t type;
    bool final;
    int64_t engine;
    std::map<int, std::vector<char>> attributes;
    std::vector<double> values; /* of a tensor between operations */
};

static char failure[200];

static cudnnStatus_t fail(cudnnStatus_t status, const char *text) {
    snprintf(failure, sizeof failure, "%s", text);
    return status;
}

template <typename T> static T get(const Object *object, int name, size_t at = 0) {
    T value = {};
    const auto found = object->attributes.find(name);
    if (found != object->attributes.end() && (at + 1) * sizeof(T) <= found->second.size())
        memcpy(&value, found->second.data() + at * sizeof(T), sizeof(T));
    return value;
}

static Object *part(const Object *object, int name, size_t at = 0) {
    return get<Object *>(object, name, at);
}

static size_t count_of(const Object *object, int name, size_t size) {
    const auto found = object->attributes.find(name);
    return found == object->attributes.end() ? 0 : found->second.size() / size;
}

/* --- Tensors --------------------------------------------------------------------------------------------------------
 */

struct Tensor {
    Object *object;
    int64_t sizes[4], strides[4];
    bool bf16, between, scalar;
    int64_t id;

    explicit Tensor(Object *of) : object(of) {
        for (size_t i = 0; i < 4; i++) {
            sizes[i] = get<int64_t>(of, CUDNN_ATTR_TENSOR_DIMENSIONS, i);
            strides[i] = get<int64_t>(of, CUDNN_ATTR_TENSOR_STRIDES, i);
        }
        bf16 = get<cudnnDataType_t>(of, CUDNN_ATTR_TENSOR_DATA_TYPE) == CUDNN_DATA_BFLOAT16;
        between = get<bool>(of, CUDNN_ATTR_TENSOR_IS_VIRTUAL);
        scalar = get<bool>(of, CUDNN_ATTR_TENSOR_IS_BY_VALUE);
        id = get<int64_t>(of, CUDNN_ATTR_TENSOR_UNIQUE_ID);
    }
    size_t count() const {
        return (size_t)(sizes[0] * sizes[1] * sizes[2] * sizes[3]);
    }
    /* The offset of the i-th element in row-major order. */
    size_t offset(size_t i) const {
        size_t at = 0;
        for (int d = 3; d >= 0; i /= (size_t)sizes[d], d--)
            at += i % (size_t)sizes[d] * (size_t)strides[d];
        return at;
    }
    /* The element for the i-th of `other`; of each size this has the same, or one that stands for all. */
    size_t broadcast(size_t i, const Tensor &other) const {
        size_t at = 0, step = 1;
        for (int d = 3; d >= 0; i /= (size_t)other.sizes[d], d--) {
            at += sizes[d] == 1 ? 0 : i % (size_t)other.sizes[d] * step;
            step *= (size_t)sizes[d];
        }
        return at;
    }
};

struct Run {
    std::map<int64_t, char *> pointers;
    unsigned char *workspace;
};

static uint16_t rounded(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static float widened(uint16_t bits) {
    const uint32_t all = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &all, sizeof value);
    return value;
}

static std::vector<double> read(const Run &run, const Tensor &t) {
    if (t.between)
        return t.object->values;
    std::vector<double> values(t.count());
    const char *memory = run.pointers.at(t.id);
    for (size_t i = 0; i < values.size(); i++)
        values[i] = t.bf16 ? (double)widened(((const uint16_t *)memory)[t.offset(i)])
                           : (double)((const float *)memory)[t.offset(i)];
    return values;
}

static void write(const Run &run, const Tensor &t, std::vector<double> values) {
    for (double &value : values)
        value = t.bf16 ? (double)widened(rounded((float)value)) : (double)(float)value;
    if (t.between) {
        t.object->values = values;
        return;
    }
    char *memory = run.pointers.at(t.id);
    for (size_t i = 0; i < values.size(); i++)
        if (t.bf16)
            ((uint16_t *)memory)[t.offset(i)] = rounded((float)values[i]);
        else
            ((float *)memory)[t.offset(i)] = (float)values[i];
}

/* --- Operations -----------------------------------------------------------------------------------------------------
 */

static bool multiply(const Run &run, const Object *o) {
    const Tensor a(part(o, CUDNN_ATTR_OPERATION_MATMUL_ADESC)), b(part(o, CUDNN_ATTR_OPERATION_MATMUL_BDESC));
    const Tensor c(part(o, CUDNN_ATTR_OPERATION_MATMUL_CDESC));
    const size_t rows = (size_t)a.sizes[2], depth = (size_t)a.sizes[3], columns = (size_t)b.sizes[3];
    if (b.sizes[2] != a.sizes[3] || c.sizes[2] != a.sizes[2] || c.sizes[3] != b.sizes[3])
        return false;
    const std::vector<double> x = read(run, a), y = read(run, b);
    std::vector<double> z(c.count());
    for (size_t i = 0; i < z.size(); i++) {
        const size_t matrix = i / (rows * columns), row = i / columns % rows, column = i % columns;
        for (size_t k = 0; k < depth; k++)
            z[i] += x[(matrix * rows + row) * depth + k] * y[(matrix * depth + k) * columns + column];
    }
    write(run, c, z);
    return true;
}

static bool pointwise(const Run &run, const Object *o) {
    const Object *kind = part(o, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR);
    const Tensor a(part(o, CUDNN_ATTR_OPERATION_POINTWISE_XDESC)), c(part(o, CUDNN_ATTR_OPERATION_POINTWISE_YDESC));
    Object *second = part(o, CUDNN_ATTR_OPERATION_POINTWISE_BDESC);
    const Tensor b(second ? second : a.object);
    const std::vector<double> x = read(run, a), y = read(run, b);
    std::vector<double> z(c.count());
    for (size_t i = 0; i < z.size(); i++) {
        const double left = x[a.broadcast(i, c)], right = y[b.broadcast(i, c)];
        switch (get<cudnnPointwiseMode_t>(kind, CUDNN_ATTR_POINTWISE_MODE)) {
        case CUDNN_POINTWISE_MUL:
            z[i] = left * right;
            break;
        case CUDNN_POINTWISE_ADD:
            z[i] = left + right;
            break;
        case CUDNN_POINTWISE_SUB:
            z[i] = left - right;
            break;
        case CUDNN_POINTWISE_DIV:
            z[i] = left / right;
            break;
        case CUDNN_POINTWISE_EXP:
            z[i] = exp(left);
            break;
        case CUDNN_POINTWISE_LOG:
            z[i] = log(left);
            break;
        default:
            return false;
        }
    }
    write(run, c, z);
    return true;
}

static bool reduce(const Run &run, const Object *o) {
    const Object *kind = part(o, CUDNN_ATTR_OPERATION_REDUCTION_DESC);
    const bool most = get<cudnnReduceTensorOp_t>(kind, CUDNN_ATTR_REDUCTION_OPERATOR) == CUDNN_REDUCE_TENSOR_MAX;
    const Tensor a(part(o, CUDNN_ATTR_OPERATION_REDUCTION_XDESC)), c(part(o, CUDNN_ATTR_OPERATION_REDUCTION_YDESC));
    const std::vector<double> x = read(run, a);
    std::vector<double> z(c.count(), most ? -INFINITY : 0);
    for (size_t i = 0; i < x.size(); i++) {
        double &to = z[c.broadcast(i, a)];
        to = most ? fmax(to, x[i]) : to + x[i];
    }
    write(run, c, z);
    return true;
}

/* The same memory seen with other strides. */
static bool reshape(const Run &run, const Object *o) {
    const Tensor a(part(o, CUDNN_ATTR_OPERATION_RESHAPE_XDESC)), c(part(o, CUDNN_ATTR_OPERATION_RESHAPE_YDESC));
    const std::vector<double> x = read(run, a);
    std::map<size_t, double> memory;
    for (size_t i = 0; i < x.size(); i++)
        memory[a.offset(i)] = x[i];
    std::vector<double> z(c.count());
    for (size_t i = 0; i < z.size(); i++)
        z[i] = memory.at(c.offset(i));
    write(run, c, z);
    return true;
}

static bool operate(const Run &run, const Object *o) {
    switch (o->type) {
    case CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR:
        return multiply(run, o);
    case CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR:
        return pointwise(run, o);
    case CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR:
        return reduce(run, o);
    case CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR:
        return reshape(run, o);
    default:
        return false;
    }
}

/* --- The library's functions ----------------------------------------------------------------------------------------
 */

static size_t size_of(cudnnBackendAttributeType_t type) {
    switch (type) {
    case CUDNN_TYPE_INT64:
    case CUDNN_TYPE_BACKEND_DESCRIPTOR:
    case CUDNN_TYPE_HANDLE:
    case CUDNN_TYPE_VOID_PTR:
        return 8;
    case CUDNN_TYPE_BOOLEAN:
    case CUDNN_TYPE_CHAR:
        return 1;
    default:
        return 4;
    }
}

/* The head size: the depth of the graph's first matrix product, or the columns of what it multiplies. */
static int64_t head_of(const Object *graph) {
    const Object *first = part(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS);
    const bool product = first->type == CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR;
    return Tensor(part(first, product ? CUDNN_ATTR_OPERATION_MATMUL_ADESC : CUDNN_ATTR_OPERATION_POINTWISE_XDESC))
        .sizes[3];
}

static Object *graph_of(const Object *plan) {
    return part(part(plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG), CUDNN_ATTR_ENGINE_OPERATION_GRAPH);
}

extern "C" {

cudnnStatus_t cudnnCreate(cudnnHandle_t *handle) {
    static char anything;
    *handle = (cudnnHandle_t)&anything;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t) {
    return CUDNN_STATUS_SUCCESS;
}

size_t cudnnGetVersion(void) {
    return CUDNN_VERSION;
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t, cudaStream_t) {
    return CUDNN_STATUS_SUCCESS;
}

const char *cudnnGetErrorString(cudnnStatus_t status) {
    return status == CUDNN_STATUS_SUCCESS ? "CUDNN_STATUS_SUCCESS" : "CUDNN_STATUS_OF_THE_STAND_IN";
}

void cudnnGetLastErrorString(char *message, size_t size) {
    snprintf(message, size, "%s", failure);
}

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t *descriptor) {
    Object *object = new Object();
    object->type = type;
    *descriptor = object;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor) {
    delete (Object *)descriptor;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t count, const void *values) {
    Object *object = (Object *)descriptor;
    if (object->final)
        return fail(CUDNN_STATUS_BAD_PARAM, "an attribute was set after the end");
    const char *bytes = (const char *)values;
    object->attributes[name] = std::vector<char>(bytes, bytes + (size_t)count * size_of(type));
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor) {
    Object *object = (Object *)descriptor;
    if (object->final)
        return fail(CUDNN_STATUS_BAD_PARAM, "finalised twice");
    if (object->type == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR) {
        if (!get<void *>(object, CUDNN_ATTR_EXECUTION_PLAN_HANDLE))
            return fail(CUDNN_STATUS_BAD_PARAM, "a plan without a handle");
        if (part(object, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG)->engine == BAD_ENGINE)
            return fail(CUDNN_STATUS_NOT_SUPPORTED, "engine 3\nis good for nothing");
    }
    object->final = true;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t, int64_t most, int64_t *count, void *values) {
    Object *object = (Object *)descriptor;
    *count = 1;
    switch (name) {
    case CUDNN_ATTR_ENGINEHEUR_RESULTS: {
        Object *graph = part(object, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
        const bool fallback =
            get<cudnnBackendHeurMode_t>(object, CUDNN_ATTR_ENGINEHEUR_MODE) == CUDNN_HEUR_MODE_FALLBACK;
        const int64_t head = head_of(graph);
        *count = head == 72 || (head == 48 && !fallback) ? 1 : fallback ? 2 : 3;
        for (int64_t i = 0; i < *count && i < most; i++) {
            Object *config = ((Object **)values)[i];
            config->engine = BAD_ENGINE + i;
            config->attributes[CUDNN_ATTR_ENGINE_OPERATION_GRAPH] =
                std::vector<char>((char *)&graph, (char *)&graph + sizeof graph);
        }
        return CUDNN_STATUS_SUCCESS;
    }
    case CUDNN_ATTR_ENGINECFG_ENGINE:
        (*(Object **)values)->engine = object->engine;
        return CUDNN_STATUS_SUCCESS;
    case CUDNN_ATTR_ENGINE_GLOBAL_INDEX:
        *(int64_t *)values = object->engine;
        return CUDNN_STATUS_SUCCESS;
    case CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE:
        *(int64_t *)values =
            WORKSPACE + (part(object, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG)->engine == OTHER_ENGINE &&
                         head_of(graph_of(object)) == 40);
        return CUDNN_STATUS_SUCCESS;
    default:
        return fail(CUDNN_STATUS_BAD_PARAM, "an attribute that the stand-in does not know");
    }
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t, cudnnBackendDescriptor_t descriptor,
                                  cudnnBackendDescriptor_t variant_pack) {
    const Object *graph = graph_of((Object *)descriptor), *pack = (Object *)variant_pack;
    if (!pack->final || head_of(graph) == 56)
        return fail(CUDNN_STATUS_EXECUTION_FAILED, "the stand-in fails on purpose");
    Run run;
    run.workspace = get<unsigned char *>(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE);
    if ((uintptr_t)run.workspace % 256)
        return fail(CUDNN_STATUS_BAD_PARAM, "the workspace does not lie on a multiple of 256");
    for (size_t i = 0; i < count_of(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, sizeof(int64_t)); i++)
        run.pointers[get<int64_t>(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, i)] =
            get<char *>(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, i);
    for (size_t i = 0; i < count_of(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, sizeof(Object *)); i++) {
        memset(run.workspace, 0xff, WORKSPACE); /* anything else there would be lost */
        if (!operate(run, part(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, i)))
            return fail(CUDNN_STATUS_BAD_PARAM,
                        "an operation that the stand-in does not know, or sizes that do not fit");
    }
    return CUDNN_STATUS_SUCCESS;
}
}
