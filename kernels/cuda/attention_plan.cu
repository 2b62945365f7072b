/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/attention_plan.cuh"

#ifdef FOVEA_CUDNN

#include "kernels/cuda/attention_graph.cuh"

#include <math.h>
#include <stdlib.h>

enum { MAX_CONFIGS = 16 };

struct AttentionPlan {
    AttentionGraph graph;
    Descriptor plan; /* among the graph's descriptors */
    int number;
    int64_t engine, workspace;
    float scale, one; /* read by the host when the plan is run */
};

/* The device that the descriptor is for. */
static void set_device(GraphBuild *b, Descriptor descriptor, const char *what, cudnnBackendAttributeName_t device,
                       cudnnBackendAttributeName_t handle) {
    if (b->graph->cudnn->device)
        graph_set_part(b, descriptor, what, device, b->graph->cudnn->device);
    else
        graph_set(b, descriptor, what, handle, CUDNN_TYPE_HANDLE, 1, &b->graph->cudnn->handle);
}

/* The methods that cuDNN recommends, best first. */
static int recommended_configs(GraphBuild *b, Descriptor graph, cudnnBackendHeurMode_t mode,
                               Descriptor configs[MAX_CONFIGS]) {
    static const char *const what = "advice on methods";
    const Descriptor advice = graph_create(b, what, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    graph_set_part(b, advice, what, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
    graph_set(b, advice, what, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
    if (b->graph->cudnn->device)
        graph_set_part(b, advice, what, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, b->graph->cudnn->device);
    graph_finalise(b, advice, what);
    int64_t count = 0;
    for (int i = 0; i < MAX_CONFIGS; i++)
        configs[i] = graph_create(b, what, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    if (!b->error)
        graph_check(b, what,
                    b->graph->cudnn->BackendGetAttribute(advice, CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                                         CUDNN_TYPE_BACKEND_DESCRIPTOR, MAX_CONFIGS, &count, configs));
    return b->error ? 0 : count < MAX_CONFIGS ? (int)count : (int)MAX_CONFIGS;
}

/* The properties of the plan that was compiled of `config`. */
static void read_plan(GraphBuild *b, Descriptor config, AttentionPlan *plan) {
    static const char *const what = "the plan's properties";
    int64_t count = 0;
    Descriptor engine = graph_create(b, what, CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    if (!b->error)
        graph_check(b, what,
                    b->graph->cudnn->BackendGetAttribute(config, CUDNN_ATTR_ENGINECFG_ENGINE,
                                                         CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count, &engine));
    if (!b->error)
        graph_check(b, what,
                    b->graph->cudnn->BackendGetAttribute(engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1,
                                                         &count, &plan->engine));
    if (!b->error)
        graph_check(b, what,
                    b->graph->cudnn->BackendGetAttribute(plan->plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
                                                         CUDNN_TYPE_INT64, 1, &count, &plan->workspace));
}

/* Compiles the method; true when it becomes the plan. A refusal is no error of the build: another method is tried. */
static bool compile_plan(GraphBuild *b, Descriptor config, AttentionPlan *plan, Status *refusal) {
    static const char *const what = "a plan";
    const Descriptor compiled = graph_create(b, what, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    graph_set_part(b, compiled, what, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, config);
    set_device(b, compiled, what, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, CUDNN_ATTR_EXECUTION_PLAN_HANDLE);
    graph_finalise(b, compiled, what);
    if (!b->error) {
        plan->plan = compiled;
        read_plan(b, config, plan);
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

static Status find_plan(GraphBuild *b, AttentionPlan *plan, int from) {
    static const cudnnBackendHeurMode_t modes[] = {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK};
    const Descriptor graph = attention_graph_build(b);
    if (b->error)
        return b->error;
    Status refusal = NULL; /* the first */
    int number = 0;
    for (const auto mode : modes) {
        Descriptor configs[MAX_CONFIGS];
        const int count = recommended_configs(b, graph, mode, configs);
        for (int i = 0; i < count; i++, number++)
            if (number >= from && compile_plan(b, configs[i], plan, &refusal)) {
                plan->number = number;
                status_free(refusal);
                return NULL;
            }
        if (b->error && !refusal)
            refusal = b->error;
        else
            status_free(b->error);
        b->error = NULL;
    }
    return refusal ? refusal : attention_graph_status(b->graph, "no method is recommended", CUDNN_STATUS_NOT_SUPPORTED);
}

Status attention_plan_open(const Cudnn *cudnn, const AttentionShape *shape, int from, AttentionPlan **plan) {
    *plan = (AttentionPlan *)calloc(1, sizeof **plan);
    if (!*plan)
        return status_no_memory("a plan for attention", sizeof **plan);
    (*plan)->graph.cudnn = cudnn;
    (*plan)->graph.shape = *shape;
    (*plan)->scale = 1 / sqrtf((float)shape->head);
    (*plan)->one = 1;
    GraphBuild build = {};
    build.graph = &(*plan)->graph;
    build.next = ID_BETWEEN;
    Status status = find_plan(&build, *plan, from);
    if (status) {
        attention_plan_close(*plan);
        *plan = NULL;
    }
    return status;
}

void attention_plan_close(AttentionPlan *plan) {
    if (!plan)
        return;
    attention_graph_close(&plan->graph);
    free(plan);
}

int attention_plan_number(const AttentionPlan *plan) {
    return plan->number;
}

int64_t attention_plan_engine(const AttentionPlan *plan) {
    return plan->engine;
}

size_t attention_plan_workspace(const AttentionPlan *plan) {
    return (size_t)plan->workspace;
}

static cudnnStatus_t execute_plan(const AttentionPlan *plan, Descriptor pack, int64_t count, const int64_t *ids,
                                  const void *const *pointers, void *workspace) {
    const Cudnn *cudnn = plan->graph.cudnn;
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
    const AttentionShape *shape = &plan->graph.shape;
    const Cudnn *cudnn = plan->graph.cudnn;
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
    cudnnStatus_t status = cudnn->BackendCreateDescriptor(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, &pack);
    if (status == CUDNN_STATUS_SUCCESS)
        status = execute_plan(plan, pack, count, ids, pointers, workspace);
    Status failure = attention_graph_status(&plan->graph, "running its plan", status);
    if (pack)
        (void)cudnn->BackendDestroyDescriptor(pack);
    return failure;
}

#else

Status attention_plan_open(const Cudnn *, const AttentionShape *, int, AttentionPlan **plan) {
    *plan = NULL;
    return status_error(EXIT_MISSING, "this build has no cuDNN");
}

void attention_plan_close(AttentionPlan *) {
}

int attention_plan_number(const AttentionPlan *) {
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
