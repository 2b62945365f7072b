/* checkops: holds each operation of the CPU backend against a naive reference. Output in TAP. */
#include "checkops.h"

#include <getopt.h>
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
    {"adamw", check_adamw, false},
    {"cast_to_bf16", check_cast_to_bf16, true},
    {"cast_from_bf16", check_cast_from_bf16, true},
    {"quantise_fp8", check_quantise_fp8, true},
    {"errors", check_errors, true},
};
enum { CHECKS = sizeof checks / sizeof *checks };

static void free_round(Check *check) {
    for (int i = 0; i < check->buffer_count; i++) {
        free(check->buffers[i].block);
        free(check->buffers[i].first);
        free(check->buffers[i].result);
    }
    for (int i = 0; i < check->scratch_count; i++)
        free(check->scratch[i]);
    check->buffer_count = check->scratch_count = 0;
}

static bool run(int number, int which, int rounds) {
    Check check = {.rounds = checks[which].once ? 1 : rounds};
    ops_cpu(&check.ops, 1);
    for (check.round = 0; check.round < check.rounds && !check.failed; check.round++) {
        random_start(&check.random, 1, RANDOM_TEST, (uint32_t)which, (uint64_t)check.round);
        check.shape[0] = '\0';
        checks[which].function(&check);
        free_round(&check);
    }
    printf("%sok %d - %s\n", check.failed ? "not " : "", number, checks[which].name);
    if (check.failed)
        printf("# %s\n", check.why);
    fflush(stdout);
    return !check.failed;
}

static int usage(void) {
    fputs("usage: checkops [--list] [-o OPERATION] [--rounds N] [--bench [--threads N]]\n", stderr);
    return EXIT_USAGE;
}

int main(int argc, char **argv) {
    static const struct option options[] = {{"list", no_argument, NULL, 'l'},
                                            {"rounds", required_argument, NULL, 'r'},
                                            {"bench", no_argument, NULL, 'b'},
                                            {"threads", required_argument, NULL, 't'},
                                            {NULL, 0, NULL, 0}};
    const char *only = NULL;
    int rounds = 20, threads = 2, option;
    bool timing = false;
    while ((option = getopt_long(argc, argv, "o:", options, NULL)) != -1)
        switch (option) {
        case 'l':
            for (int i = 0; i < CHECKS; i++)
                puts(checks[i].name);
            return 0;
        case 'o':
            only = optarg;
            break;
        case 'r':
            rounds = atoi(optarg);
            break;
        case 't':
            threads = atoi(optarg);
            break;
        case 'b':
            timing = true;
            break;
        default:
            return usage();
        }
    if (optind < argc || rounds < 1 || threads < 1)
        return usage();
    if (timing)
        return bench(threads, only);
    int wanted = 0, number = 0;
    for (int i = 0; i < CHECKS; i++)
        wanted += !only || !strcmp(only, checks[i].name);
    if (!wanted) {
        fprintf(stderr, "checkops: no check named %s; --list names them\n", only);
        return EXIT_USAGE;
    }
    printf("1..%d\n", wanted);
    bool passed = true;
    for (int i = 0; i < CHECKS; i++)
        if (!only || !strcmp(only, checks[i].name))
            passed &= run(++number, i, rounds);
    return passed ? 0 : EXIT_INTERNAL;
}
