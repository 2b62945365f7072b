/* SPDX-License-Identifier: Apache-2.0 */
/* checkops: compares each operation of every backend with a naive reference and the CPU. Output in TAP. */
#include "base/program.h"
#include "tests/checkops/checkops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each operation's own check, and the facts beyond it. */
static const struct {
    const char *name;
    CheckFunction function;
} checks[] = {
#define CHECK_OPERATION(operation, Arguments) {#operation, check_##operation},
    OPERATIONS(CHECK_OPERATION)
#undef CHECK_OPERATION
#define CHECK_FACT(fact) {#fact, check_##fact},
        FACTS(CHECK_FACT)
#undef CHECK_FACT
};
enum { CHECKS = sizeof checks / sizeof *checks };

/* The whole run: its options, and the tests counted so far. */
typedef struct {
    Backends backends;
    const char *only; /* operation; NULL: all */
    int rounds, number;
    bool passed;
} Run;

static void report_test(Run *run, bool passed, const char *name, const char *why) {
    printf("%sok %d - %s\n", passed ? "" : "not ", ++run->number, name);
    if (!passed)
        printf("# %s\n", why);
    fflush(stdout);
    run->passed &= passed;
}

/* FNV-1a. */
static uint32_t hash_name(const char *name) {
    uint32_t hash = 2166136261u;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return hash;
}

/* The name seeds the draws, so that a row can stand anywhere in the list. */
static void run_check(Run *run, int which) {
    const uint32_t seed = hash_name(checks[which].name);
    Check check = {
        .backends = &run->backends, .rounds = run->rounds, .brief = run->rounds < ROUNDS, .group = -1, .shown = -1};
    for (check.round = 0; check.round < check.rounds && !check.failed; check.round++) {
        random_start(&check.random, 1, RANDOM_TEST, seed, (uint64_t)check.round);
        random_start(&check.places, 2, RANDOM_TEST, seed, (uint64_t)check.round);
        check.shape[0] = '\0';
        check.host_only = check.fp32_only = check.cpu_fp32 = check.timed = false;
        ops_cpu(&check.ops, 1);
        checks[which].function(&check);
        check_free(&check);
    }
    if (check.skipped)
        printf("ok %d - %s # SKIP %s\n", ++run->number, checks[which].name, check.skipped);
    else
        report_test(run, !check.failed, checks[which].name, check.why);
}

/* Reports backends that are absent: a missing GPU is reported and no failure; the emulator is always built. */
static void report_absent(Run *run) {
    const Backend *cuda = &run->backends.of[BACKEND_CUDA], *emu = &run->backends.of[BACKEND_EMU];
    if (emu->wanted && !emu->device)
        report_test(run, false, "emu", emu->reason);
    if (cuda->wanted && !cuda->device)
        printf("ok %d - cuda # SKIP %s\n", ++run->number, cuda->reason);
}

/* Whether this run is to reach every kernel: fewer rounds than usual leave out some sizes. */
static bool reaches_every_kernel(const Run *run) {
    return run->backends.of[BACKEND_EMU].device && !run->only && run->rounds >= ROUNDS;
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
    report_test(run, count && !used, "every kernel was executed", missing);
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
    int count = (cuda->wanted && !cuda->device) + (emu->wanted && !emu->device) + reaches_every_kernel(run);
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
    if (reaches_every_kernel(run))
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
     .fallback = "20", /* ROUNDS */
     .help = "Random shapes for each check. Fewer than usual do not reach every kernel, which is not checked then."},
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
