/* SPDX-License-Identifier: Apache-2.0 */
/* checkops: holds each operation of every backend against a naive reference and the CPU. Output in TAP. */
#include "base/program.h"
#include "tests/checkops/checkops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    CheckFunction function;
    bool once; /* the same for every round */
} checks[] = {
    {"linear_forward", check_linear_forward, false},
    {"linear_backward_input", check_linear_backward_input, false},
    {"linear_backward_weight", check_linear_backward_weight, false},
    {"gemm", check_gemm, false},
    {"exp2", check_exp2, true},
    {"erf", check_erf, true},
    {"gelu_everywhere", check_gelu_everywhere, true},
    {"gelu_forward", check_gelu_forward, false},
    {"gelu_backward", check_gelu_backward, false},
    {"norm_forward", check_norm_forward, false},
    {"norm_backward", check_norm_backward, false},
    {"attention_forward", check_attention_forward, false},
    {"attention_backward", check_attention_backward, false},
    {"resize_pixels", check_resize_pixels, false},
    {"resize_facts", check_resize_facts, true},
    {"pixels_to_patches", check_pixels_to_patches, false},
    {"image_to_patches", check_image_to_patches, false},
    {"embed_forward", check_embed_forward, false},
    {"embed_backward", check_embed_backward, false},
    {"restore_forward", check_restore_forward, false},
    {"restore_backward", check_restore_backward, false},
    {"pool_forward", check_pool_forward, false},
    {"pool_backward", check_pool_backward, false},
    {"masked_pixel_loss", check_masked_pixel_loss, false},
    {"cross_entropy_loss", check_cross_entropy_loss, false},
    {"regression_loss", check_regression_loss, false},
    {"global_norm", check_global_norm, false},
    {"find_nonfinite", check_find_nonfinite, false},
    {"judge_step", check_judge_step, false},
    {"adamw", check_adamw, false},
    {"cast_to_bf16", check_cast_to_bf16, true},
    {"cast_from_bf16", check_cast_from_bf16, true},
    {"begin_fp8", check_begin_fp8, false},
    {"update_fp8", check_update_fp8, false},
    {"measure_fp8", check_measure_fp8, false},
    {"quantise_fp8", check_quantise_fp8, true},
    {"linear_forward_fp8", check_linear_forward_fp8, false},
    {"linear_backward_input_fp8", check_linear_backward_input_fp8, false},
    {"errors", check_errors, true},
    {"linear_forward_timed", check_linear_forward_timed, false},
    {"linear_backward_input_timed", check_linear_backward_input_timed, false},
    {"linear_backward_weight_timed", check_linear_backward_weight_timed, false},
    {"resize_box", check_resize_box, false},
    {"resize_box_facts", check_resize_box_facts, true},
};
enum { CHECKS = sizeof checks / sizeof *checks };

/* The whole run: what was asked for, and the tests counted so far. */
typedef struct {
    Backends backends;
    const char *only; /* operation; NULL: all */
    int rounds, number;
    bool passed;
} Run;

static void report(Run *run, bool passed, const char *name, const char *why) {
    printf("%sok %d - %s\n", passed ? "" : "not ", ++run->number, name);
    if (!passed)
        printf("# %s\n", why);
    fflush(stdout);
    run->passed &= passed;
}

static void run_check(Run *run, int which) {
    Check check = {
        .backends = &run->backends, .rounds = checks[which].once ? 1 : run->rounds, .group = -1, .shown = -1};
    for (check.round = 0; check.round < check.rounds && !check.failed; check.round++) {
        random_start(&check.random, 1, RANDOM_TEST, (uint32_t)which, (uint64_t)check.round);
        random_start(&check.places, 2, RANDOM_TEST, (uint32_t)which, (uint64_t)check.round);
        check.shape[0] = '\0';
        check.host_only = check.fp32_only = check.cpu_fp32 = check.timed = false;
        ops_cpu(&check.ops, 1);
        checks[which].function(&check);
        check_free(&check);
    }
    report(run, !check.failed, checks[which].name, check.why);
}

/* What was asked for and is not there: no GPU is no failure, but said; the emulator is always built. */
static void report_absent(Run *run) {
    const Backend *cuda = &run->backends.of[BACKEND_CUDA], *emu = &run->backends.of[BACKEND_EMU];
    if (emu->wanted && !emu->device)
        report(run, false, "emu", emu->reason);
    if (cuda->wanted && !cuda->device)
        printf("ok %d - cuda # SKIP %s\n", ++run->number, cuda->reason);
}

/* That every kernel the library launches anywhere has run. */
static void report_kernels(Run *run) {
    const Backend *emu = &run->backends.of[BACKEND_EMU];
    const size_t count = backend_kernels(emu);
    char missing[2000] = "the emulator's library has no kernels";
    int used = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned long executions;
        const char *name = backend_kernel(emu, i, &executions);
        if (!executions && used < (int)sizeof missing)
            used += snprintf(missing + used, sizeof missing - used, "%s %s", used ? ";" : "not executed:", name);
    }
    report(run, count && !used, "every kernel was executed", missing);
}

/* Their names, one a line. */
static int list_kernels(void) {
    Backends backends;
    backends_open(&backends, "emu");
    const Backend *emu = &backends.of[BACKEND_EMU];
    if (!emu->device)
        fprintf(stderr, "checkops: %s\n", emu->reason);
    unsigned long executions;
    for (size_t i = 0; emu->device && i < backend_kernels(emu); i++)
        puts(backend_kernel(emu, i, &executions));
    const int code = emu->device ? 0 : EXIT_MISSING;
    backends_close(&backends);
    return code;
}

static int count_tests(const Run *run) {
    const Backend *cuda = &run->backends.of[BACKEND_CUDA], *emu = &run->backends.of[BACKEND_EMU];
    int count = (cuda->wanted && !cuda->device) + (emu->wanted && (!emu->device || !run->only));
    for (int i = 0; i < CHECKS; i++)
        count += !run->only || !strcmp(run->only, checks[i].name);
    return count;
}

static bool known_check(const char *name) {
    for (int i = 0; i < CHECKS; i++)
        if (!strcmp(name, checks[i].name))
            return true;
    fprintf(stderr, "checkops: no check named %s; --list names them\n", name);
    return false;
}

static void run_checks(Run *run) {
    printf("1..%d\n", count_tests(run));
    report_absent(run);
    for (int i = 0; i < CHECKS; i++)
        if (!run->only || !strcmp(run->only, checks[i].name))
            run_check(run, i);
    if (!run->only && run->backends.of[BACKEND_EMU].device)
        report_kernels(run);
}

typedef struct {
    bool list, kernels, timing;
    const char *only, *backend;
    int rounds, threads;
    int code; /* what a run of checks ends with */
} Arguments;

static const Option options[] = {
    {.name = "--operation",
     .letter = 'o',
     .value = "OPERATION",
     .type = OPTION_TEXT,
     .offset = offsetof(Arguments, only),
     .unset = "all",
     .help = "The check to run, or the operation to time."},
    {.name = "--rounds",
     .value = "N",
     .type = OPTION_INT,
     .offset = offsetof(Arguments, rounds),
     .min = 1,
     .max = OPTION_NO_LIMIT,
     .fallback = "20",
     .help = "Random shapes for each check."},
    {.name = "--backend",
     .value = "cpu|emu|cuda",
     .type = OPTION_TEXT,
     .offset = offsetof(Arguments, backend),
     .unset = "all",
     .help = "The backend to check against the CPU."},
    {.name = "--bench",
     .type = OPTION_FLAG,
     .offset = offsetof(Arguments, timing),
     .help = "Times the operations instead."},
    {.name = "--threads",
     .value = "T",
     .type = OPTION_INT,
     .offset = offsetof(Arguments, threads),
     .min = 1,
     .max = 1024,
     .fallback = "2",
     .help = "With --bench: threads of the CPU."},
    {.name = "--list",
     .type = OPTION_FLAG,
     .offset = offsetof(Arguments, list),
     .help = "Prints the names of the checks."},
    {.name = "--kernels",
     .type = OPTION_FLAG,
     .offset = offsetof(Arguments, kernels),
     .help = "Prints the names of the CUDA kernels."},
    {0},
};
static const ExitCode exits[] = {EXIT_USAGE, EXIT_MISSING, EXIT_INTERNAL, EXIT_OK};
static const Program program = {
    .name = "checkops",
    .about = "Checks each operation of every backend against a naive reference and the CPU. Prints TAP.",
    .options = options,
    .exits = exits,
};

static Status run_all(void *context) {
    Arguments *a = context;
    Run run = {.only = a->only, .rounds = a->rounds, .passed = true};
    for (int i = 0; a->list && i < CHECKS; i++)
        puts(checks[i].name);
    if (a->list)
        return NULL;
    if (a->kernels || a->timing) {
        a->code = a->kernels ? list_kernels() : bench(a->backend, a->threads, a->only);
        return NULL;
    }
    if (run.only && !known_check(run.only)) {
        a->code = EXIT_USAGE;
        return NULL;
    }
    if (!backends_open(&run.backends, a->backend))
        return status_error(EXIT_USAGE, "no backend is called %s; known: cpu, emu, cuda", a->backend);
    run_checks(&run);
    backends_close(&run.backends);
    a->code = run.passed ? 0 : EXIT_INTERNAL;
    return NULL;
}

int main(int argc, char **argv) {
    Arguments arguments = {0};
    const int code = program_main(&program, argc, argv, &arguments, run_all);
    return code ? code : arguments.code;
}
