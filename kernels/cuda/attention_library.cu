#include "attention_library.cuh"

#include <stdlib.h>

/* cuDNN makes plans for a single token, but its own front end asks for none. */
enum { HEAD_STEP = 8, HEAD_MOST = 128, TOKENS_LEAST = 2 };

/* cudaMalloc's alignment, which cuDNN wants of its workspace. */
static const size_t ALIGNMENT = 256;

struct Known {
    AttentionShape shape;
    AttentionPlan *plan; /* NULL: there is none */
    Known *next;
};

struct AttentionLibrary {
    const char *properties;
    Cudnn *cudnn;
    bool missing; /* cuDNN could not be opened */
    Known *known;
    Status refusal; /* the first */
};

Status attention_library_open(Cuda *cuda, const char *properties) {
    cuda->attention = (AttentionLibrary *)calloc(1, sizeof *cuda->attention);
    if (!cuda->attention)
        return status_no_memory("the plans for attention", sizeof *cuda->attention);
    cuda->attention->properties = properties;
    return NULL;
}

void attention_library_close(Cuda *cuda) {
    AttentionLibrary *library = cuda->attention;
    if (!library)
        return;
    while (library->known) {
        Known *next = library->known->next;
        attention_plan_close(library->known->plan);
        free(library->known);
        library->known = next;
    }
    cudnn_close(library->cudnn);
    status_free(library->refusal);
    free(library);
    cuda->attention = NULL;
}

static const char *operation_of(const AttentionShape *shape) {
    return shape->backward ? "attention_backward" : "attention_forward";
}

static void refuse(AttentionLibrary *library, Status refusal) {
    if (!library->refusal)
        library->refusal = status_error(status_code(refusal), "attention by our plain kernels, not by cuDNN: %s",
                                        status_message(refusal));
    status_free(refusal);
}

/* The plan for a shape not met before, NULL when there is none. */
static AttentionPlan *made(const Cuda *cuda, const AttentionShape *shape) {
    AttentionLibrary *library = cuda->attention;
    AttentionPlan *plan = NULL;
    if (shape->head % HEAD_STEP || shape->head > HEAD_MOST || shape->tokens < TOKENS_LEAST) {
        refuse(library,
               status_error(EXIT_MISSING,
                            "%s of %d tokens, heads of %d: asked of cuDNN only for %d tokens or more and "
                            "heads of a multiple of %d up to %d",
                            operation_of(shape), shape->tokens, shape->head, TOKENS_LEAST, HEAD_STEP, HEAD_MOST));
        return NULL;
    }
    if (!library->cudnn && !library->missing) {
        Status status = cudnn_open(library->properties, cuda->stream, &library->cudnn);
        library->missing = status != NULL;
        if (status)
            refuse(library, status);
    }
    if (library->missing)
        return NULL;
    Status status = attention_plan_open(library->cudnn, shape, &plan);
    if (status)
        refuse(library, status);
    return plan;
}

static bool same(const AttentionShape *a, const AttentionShape *b) {
    return a->backward == b->backward && a->batch == b->batch && a->tokens == b->tokens && a->heads == b->heads &&
           a->head == b->head;
}

/* NULL when there is none. */
static const AttentionPlan *plan_of(Ops *ops, const AttentionShape *shape) {
    const Cuda *cuda = cuda_context(ops);
    if (ops->error)
        return NULL;
    for (Known *known = cuda->attention->known; known; known = known->next)
        if (same(&known->shape, shape))
            return known->plan;
    if (cuda->capturing) {
        cuda_fail(ops, status_error(EXIT_INTERNAL,
                                    "%s: %d x %d tokens, %d heads of %d, are met first while work is captured; run it "
                                    "once before",
                                    operation_of(shape), shape->batch, shape->tokens, shape->heads, shape->head));
        return NULL;
    }
    Known *known = (Known *)calloc(1, sizeof *known);
    if (!known) {
        cuda_fail(ops, status_no_memory("a plan for attention", sizeof *known));
        return NULL;
    }
    *known = Known{*shape, made(cuda, shape), cuda->attention->known};
    cuda->attention->known = known;
    return known->plan;
}

bool attention_library_has(Ops *ops, const AttentionShape *shape) {
    return ops->type == REAL_BF16 && shape->batch > 0 && plan_of(ops, shape);
}

void attention_library_run(Ops *ops, const AttentionShape *shape, AttentionTensors tensors) {
    const AttentionPlan *plan = plan_of(ops, shape);
    if (!plan)
        return;
    const char *operation = operation_of(shape);
    const size_t rows = (size_t)shape->batch * shape->heads * shape->tokens;
    const size_t through = shape->backward ? (rows * sizeof(float) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT : 0;
    char *scratch = (char *)cuda_scratch(ops, operation, through + attention_plan_workspace(plan));
    if (!scratch)
        return;
    tensors.through = (float *)scratch;
    cuda_context(ops)->last = operation;
    Status status = attention_plan_run(plan, &tensors, scratch + through);
    if (status)
        cuda_fail(ops, status);
}

const char *attention_library_note(const Cuda *cuda) {
    return cuda->attention->refusal ? status_message(cuda->attention->refusal) : NULL;
}
