/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles attention's plans for GPUs that are only described: `plans PROPERTIES.json...`. Prints TAP without numbers.
 * Each plan takes over half a second, so the heads of 32 and 80 wait for FOVEA_LONG, but for one of each. Needs the
 * stand-in driver as libcuda.so.1, see driver.c. */
#include "kernels/cuda/attention_library.cuh"
#include "ops/gpu_scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADS = 16 };

struct Gpu {
    char name[64];
    char properties[4096];
};

static int failed;

static void result(bool good, const Gpu *gpu, const AttentionShape *shape, const char *text) {
    printf("%sok - %s %s %d x %d, batch %d: %s\n", good ? "" : "not ", gpu->name,
           shape->backward ? "backward" : "forward", shape->tokens, shape->head, shape->batch, text);
    fflush(stdout);
    failed += !good;
}

/* There is a plan, whose workspace is no more than a plan of a run's memory expects. */
static void check_plan(const Gpu *gpu, const Cudnn *cudnn, AttentionShape shape) {
    AttentionPlan *made;
    char text[200];
    Status status = attention_plan_open(cudnn, &shape, 0, &made);
    if (status) {
        result(false, gpu, &shape, status_message(status));
        status_free(status);
        return;
    }
    const size_t workspace = attention_plan_workspace(made);
    const size_t planned = gpu_attention_workspace(shape.batch, shape.heads, shape.tokens);
    snprintf(text, sizeof text, "engine %lld, workspace %zu of %zu bytes", (long long)attention_plan_engine(made),
             workspace, planned);
    result(workspace <= planned, gpu, &shape, text);
    attention_plan_close(made);
}

/* cuDNN names the shape that it has no plan for. */
static void check_refused(const Gpu *gpu, const Cudnn *cudnn, AttentionShape shape) {
    AttentionPlan *made;
    char name[100];
    Status status = attention_plan_open(cudnn, &shape, 0, &made);
    snprintf(name, sizeof name, "attention_%s of %d x %d tokens, %d heads of %d: cuDNN",
             shape.backward ? "backward" : "forward", shape.batch, shape.tokens, shape.heads, shape.head);
    const bool named =
        status && strstr(status_message(status), name) && strstr(status_message(status), "NOT_SUPPORTED");
    char text[700];
    snprintf(text, sizeof text, "refused: %s", status ? status_message(status) : "it was not");
    result(named && !made, gpu, &shape, text);
    attention_plan_close(made);
    status_free(status);
}

/* Whether cuDNN or the plain kernels compute a shape. */
static void check_has(const Gpu *gpu, Ops *ops, RealType type, AttentionShape shape, bool expected,
                      const char *reason) {
    ops->type = type;
    const bool there = attention_library_has(ops, &shape), again = attention_library_has(ops, &shape);
    const char *note = attention_library_note(cuda_context(ops));
    char text[700];
    const bool noted = reason ? note && strstr(note, reason) : !note;
    snprintf(text, sizeof text, "%s: the %s: %s", type == REAL_BF16 ? "BF16" : "FP32",
             there ? "library" : "plain kernels", note ? note : "nothing to report");
    result(there == expected && again == there && noted && !ops->error, gpu, &shape, text);
}

static void check_choices(const Gpu *gpu) {
    Cuda cuda = {};
    Device device = {};
    Ops ops = {};
    device.context = &cuda;
    ops.device = &device;
    Status status = attention_library_open(&cuda, gpu->properties);
    check_has(gpu, &ops, REAL_FP32, {false, 4, 197, HEADS, 64}, false, NULL);
    check_has(gpu, &ops, REAL_BF16, {false, 4, 197, HEADS, 64}, true, NULL);
    check_has(gpu, &ops, REAL_BF16, {false, 4, 197, HEADS, 20}, false, "197 tokens, heads of 20");
    check_has(gpu, &ops, REAL_BF16, {true, 4, 197, HEADS, 136}, false, "heads of 20"); /* the first reason stays */
    attention_library_close(&cuda);

    status_free(status);
    status = attention_library_open(&cuda, gpu->properties);
    check_has(gpu, &ops, REAL_BF16, {true, 4, 1, HEADS, 64}, false, "1 tokens, heads of 64");
    cuda.capturing = true;
    const AttentionShape late = {true, 4, 197, HEADS, 64};
    const bool there = attention_library_has(&ops, &late);
    result(!there && ops.error && strstr(status_message(ops.error), "run the operation once before"), gpu, &late,
           "no plan is made while work is captured");
    attention_library_close(&cuda);
    status_free(ops.error);
    status_free(status);
}

static bool read_gpu(const char *path, Gpu *gpu) {
    const char *name = strrchr(path, '/');
    snprintf(gpu->name, sizeof gpu->name, "%.4s", name ? name + 1 : path);
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    const size_t length = fread(gpu->properties, 1, sizeof gpu->properties - 1, file);
    gpu->properties[length] = '\0';
    fclose(file);
    return length > 0;
}

int main(int argc, char **argv) {
    static const int heads[] = {32, 64, 80}, tokens[] = {50, 65, 197, 257};
    const bool all = getenv("FOVEA_LONG");
    for (int i = 1; i < argc; i++) {
        Gpu gpu;
        Cudnn *cudnn;
        Status status = NULL;
        if (!read_gpu(argv[i], &gpu))
            status = status_error(EXIT_DATA, "%s cannot be read", argv[i]);
        if (!status)
            status = cudnn_open(gpu.properties, NULL, &cudnn);
        if (status) {
            printf("not ok - %s: %s\n", argv[i], status_message(status));
            status_free(status);
            return EXIT_FAILURE;
        }
        for (const int head : heads)
            for (const int count : tokens)
                for (const bool backward : {false, true}) {
                    if (all || head == 64 || count == 65)
                        check_plan(&gpu, cudnn, {backward, 256, count, HEADS, head});
                    if (head == 64 && count == 197)
                        check_plan(&gpu, cudnn, {backward, 1, count, HEADS, head});
                }
        check_refused(&gpu, cudnn, {false, 4, 197, HEADS, 20});
        check_refused(&gpu, cudnn, {true, 4, 197, HEADS, 20});
        cudnn_close(cudnn);
        check_choices(&gpu);
    }
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
