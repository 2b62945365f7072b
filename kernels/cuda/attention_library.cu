/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/attention_library.cuh"
#include "kernels/cuda/autotune.cuh"
#include "kernels/cuda/stopwatch.cuh"
#include "ops/gpu_scratch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cuDNN compiles plans for a single token, but its own front end requests none. */
enum { HEAD_STEP = 8, MAX_HEAD = 128, MIN_TOKENS = 2 };

/* Plans of a shape that are timed; each takes some tenths of a second to compile. */
enum { CANDIDATES = 4 };

/* A shape that has occurred. */
struct KnownShape {
    AttentionShape shape;
    AttentionPlan *plan; /* NULL: there is none */
    bool settled;        /* it stays */
    KnownShape *next;
};

struct AttentionLibrary {
    const char *properties;
    Cudnn *cudnn;
    Status missing; /* why cuDNN could not be opened */
    KnownShape *known;
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
        KnownShape *next = library->known->next;
        attention_plan_close(library->known->plan);
        free(library->known);
        library->known = next;
    }
    cudnn_close(library->cudnn);
    status_free(library->missing);
    status_free(library->refusal);
    free(library);
    cuda->attention = NULL;
}

/* Notes why there is no plan, unless `quiet`. */
static void note_refusal(AttentionLibrary *library, bool quiet, Status refusal) {
    if (!library->refusal && !quiet)
        library->refusal = status_error(status_code(refusal), "attention by our plain kernels, not by cuDNN: %s",
                                        status_message(refusal));
    status_free(refusal);
}

/* The key of a choice, and its text below: both are kept in a run's tune.json. */
static void describe_choice(const AttentionLibrary *library, const AttentionShape *shape, char key[200]) {
    snprintf(key, 200, "%s of %d x %d tokens, %d heads of %d, BF16, by cuDNN %zu", attention_operation(shape),
             shape->batch, shape->tokens, shape->heads, shape->head, cudnn_version(library->cudnn));
}

static void describe_plan(const AttentionPlan *plan, char text[64]) {
    snprintf(text, 64, "plan %d, engine %lld", attention_plan_number(plan), (long long)attention_plan_engine(plan));
}

/* The plan chosen before, if it still has its number; NULL when there is none. */
static AttentionPlan *open_chosen_plan(const Ops *ops, const AttentionShape *shape) {
    const AttentionLibrary *library = cuda_context(ops)->attention;
    char key[200], text[64] = "";
    describe_choice(library, shape, key);
    const char *choice = autotune_choice(ops, key);
    int number;
    if (!choice || sscanf(choice, "plan %d,", &number) != 1)
        return NULL;
    AttentionPlan *plan;
    status_free(attention_plan_open(library->cudnn, shape, number, &plan));
    if (plan)
        describe_plan(plan, text);
    if (!strcmp(text, choice))
        return plan;
    attention_plan_close(plan);
    return NULL;
}

/* The plan for a new shape, NULL when there is none. */
static AttentionPlan *open_plan(const Ops *ops, const AttentionShape *shape, bool quiet, bool *settled) {
    const Cuda *cuda = cuda_context(ops);
    AttentionLibrary *library = cuda->attention;
    *settled = true;
    if (shape->head % HEAD_STEP || shape->head > MAX_HEAD || shape->tokens < MIN_TOKENS) {
        note_refusal(library, quiet,
                     status_error(EXIT_MISSING,
                                  "%s of %d tokens, heads of %d: cuDNN is used only for %d tokens or more and "
                                  "heads of a multiple of %d up to %d",
                                  attention_operation(shape), shape->tokens, shape->head, MIN_TOKENS, HEAD_STEP,
                                  MAX_HEAD));
        return NULL;
    }
    if (!library->cudnn && !library->missing)
        library->missing = cudnn_open(library->properties, cuda->stream, &library->cudnn);
    if (library->missing) {
        note_refusal(library, quiet,
                     status_error(status_code(library->missing), "%s", status_message(library->missing)));
        return NULL;
    }
    AttentionPlan *plan = open_chosen_plan(ops, shape);
    if (plan)
        return plan;
    *settled = !autotune_is_timed(ops);
    Status status = attention_plan_open(library->cudnn, shape, 0, &plan);
    if (status)
        note_refusal(library, quiet, status);
    return plan;
}

static bool same_shape(const AttentionShape *a, const AttentionShape *b) {
    return a->backward == b->backward && a->batch == b->batch && a->tokens == b->tokens && a->heads == b->heads &&
           a->head == b->head;
}

/* The shape, with its plan if there is one; NULL after a failure. */
static KnownShape *find_shape(Ops *ops, const AttentionShape *shape, bool quiet) {
    const Cuda *cuda = cuda_context(ops);
    if (ops->error)
        return NULL;
    for (KnownShape *known = cuda->attention->known; known; known = known->next)
        if (same_shape(&known->shape, shape))
            return known;
    if (cuda->capturing) {
        cuda_fail(ops,
                  status_error(EXIT_INTERNAL,
                               "%s: %d x %d tokens, %d heads of %d, occur first while work is captured; run the "
                               "operation once before",
                               attention_operation(shape), shape->batch, shape->tokens, shape->heads, shape->head));
        return NULL;
    }
    KnownShape *known = (KnownShape *)calloc(1, sizeof *known);
    if (!known) {
        cuda_fail(ops, status_no_memory("a plan for attention", sizeof *known));
        return NULL;
    }
    bool settled;
    AttentionPlan *plan = open_plan(ops, shape, quiet, &settled);
    *known = KnownShape{*shape, plan, settled, cuda->attention->known};
    return cuda->attention->known = known;
}

bool attention_library_has(Ops *ops, const AttentionShape *shape, bool quiet) {
    if (ops->type != REAL_BF16 || shape->batch <= 0)
        return false;
    const KnownShape *known = find_shape(ops, shape, quiet);
    return known && known->plan;
}

/* NULL on success, or when the table has the failure. */
static Status run_plan(Ops *ops, const AttentionPlan *plan, const AttentionShape *shape, AttentionTensors tensors) {
    const char *operation = attention_operation(shape);
    const size_t sums = shape->backward ? gpu_attention_sums(shape->batch, shape->heads, shape->tokens) : 0;
    const size_t through = gpu_round_up(sums, GPU_ALIGNMENT);
    char *scratch = (char *)cuda_scratch(ops, operation, through + attention_plan_workspace(plan));
    if (!scratch)
        return NULL;
    tensors.through = (float *)scratch;
    cuda_context(ops)->last = operation;
    return attention_plan_run(plan, &tensors, scratch + through);
}

/* Times the first plans that cuDNN recommends, on these tensors, and keeps the fastest. One that needs more memory than
 * the first is left out: memory was planned for the first. */
static void time_plans(Ops *ops, KnownShape *known, const AttentionTensors *tensors) {
    const AttentionLibrary *library = cuda_context(ops)->attention;
    const size_t most = attention_plan_workspace(known->plan);
    double best = INFINITY;
    AttentionPlan *plan = known->plan;
    char key[200], choice[64];
    describe_choice(library, &known->shape, key);
    for (int tried = 1; plan && !ops->error; tried++) {
        const int number = attention_plan_number(plan);
        const auto work = [=] {
            Status status = run_plan(ops, plan, &known->shape, *tensors);
            const bool fine = !status && !ops->error;
            status_free(status);
            return fine;
        };
        AttentionPlan *loser = plan;
        double seconds = best;
        if (attention_plan_workspace(plan) <= most && stopwatch(ops, key, number, work, &seconds) && seconds < best) {
            best = seconds;
            loser = known->plan;
            known->plan = plan;
        }
        if (loser != known->plan)
            attention_plan_close(loser);
        plan = NULL;
        if (tried < CANDIDATES)
            status_free(attention_plan_open(library->cudnn, &known->shape, number + 1, &plan));
    }
    if (plan != known->plan)
        attention_plan_close(plan);
    /* Also when none could be timed: captured work may launch this plan from now on. */
    known->settled = true;
    if (best == INFINITY || ops->error)
        return;
    describe_plan(known->plan, choice);
    autotune_record(ops, key, choice, best);
}

void attention_library_run(Ops *ops, const AttentionShape *shape, AttentionTensors tensors) {
    KnownShape *known = find_shape(ops, shape, true);
    if (!known || !known->plan)
        return;
    if (!known->settled && autotune_may_time(ops))
        time_plans(ops, known, &tensors);
    Status status = ops->error ? NULL : run_plan(ops, known->plan, shape, tensors);
    if (status)
        cuda_fail(ops, status);
}

const char *attention_library_note(const Cuda *cuda) {
    return cuda->attention->refusal ? status_message(cuda->attention->refusal) : NULL;
}

size_t attention_library_version(const Cuda *cuda) {
    return cuda->attention->cudnn ? cudnn_version(cuda->attention->cudnn) : 0;
}
