/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/attention_plan.cuh"

#ifdef FOVEA_CUDNN

#include "kernels/cuda/attention_graph.cuh"

#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

using namespace attention_graph;

/* cuDNN is opened when it is first wanted and not linked, so that the backend works where it is missing. */
#define LIBRARY_NAME_(major) "libcudnn.so." #major
#define LIBRARY_NAME(major) LIBRARY_NAME_(major)
static const char *const LIBRARY = LIBRARY_NAME(CUDNN_MAJOR);

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

static Status plan_of(Build *b, int from) {
    static const cudnnBackendHeurMode_t modes[] = {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK};
    const Descriptor graph = graph_of(b);
    if (b->error)
        return b->error;
    Status refusal = NULL; /* the first */
    int place = 0;
    for (const auto mode : modes) {
        Descriptor configs[CONFIGS_MOST];
        const int count = advised(b, graph, mode, configs);
        for (int i = 0; i < count; i++, place++)
            if (place >= from && compile(b, configs[i], &refusal)) {
                b->plan->place = place;
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

Status attention_plan_open(const Cudnn *cudnn, const AttentionShape *shape, int from, AttentionPlan **plan) {
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
    Status status = plan_of(&build, from);
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

size_t cudnn_version(const Cudnn *cudnn) {
    return cudnn->GetVersion();
}

int attention_plan_place(const AttentionPlan *plan) {
    return plan->place;
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

Status attention_plan_open(const Cudnn *, const AttentionShape *, int, AttentionPlan **plan) {
    *plan = NULL;
    return status_error(EXIT_MISSING, "this build has no cuDNN");
}

void attention_plan_close(AttentionPlan *) {
}

size_t cudnn_version(const Cudnn *) {
    return 0;
}

int attention_plan_place(const AttentionPlan *) {
    return 0;
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
