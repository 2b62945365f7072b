/* SPDX-License-Identifier: Apache-2.0 */
/* The search for near duplicates among drawn hashes, a tenth of which are an earlier one with up to 12 bits flipped. */
#include "pack/near_duplicates.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/program.h"
#include "base/random.h"
#include "pack/phash.h"

#include <stdlib.h>
#include <sys/resource.h>

typedef struct {
    int count;
} Arguments;

static const Option options[] = {
    {.name = "COUNT",
     .type = OPTION_INT,
     .offset = offsetof(Arguments, count),
     .min = 1,
     .max = OPTION_NO_LIMIT,
     .help = "Hashes."},
    {0},
};
static const ExitCode exits[] = {EXIT_USAGE, EXIT_NO_MEMORY, EXIT_OK};
static const Program program = {
    .name = "near_duplicates",
    .about = "Searches drawn hashes for near duplicates and prints the time, what it found and the process's largest "
             "memory as JSON.",
    .options = options,
    .exits = exits,
};

static void draw_hashes(uint64_t *hashes, int64_t count) {
    Random random;
    random_start(&random, 1, RANDOM_TEST, 0, 0);
    for (int64_t i = 0; i < count; i++) {
        const bool copy = i && !random_below(&random, 10);
        hashes[i] = copy ? hashes[random_below(&random, (uint32_t)i)]
                         : (uint64_t)random_u32(&random) << 32 | random_u32(&random);
        for (uint32_t flips = copy ? random_below(&random, 13) : 0; flips; flips--)
            hashes[i] ^= (uint64_t)1 << random_below(&random, 64);
    }
}

static Status run(void *context) {
    const int64_t count = ((const Arguments *)context)->count;
    uint64_t *hashes = malloc((size_t)count * sizeof *hashes);
    int64_t *nearest = malloc((size_t)count * sizeof *nearest), found = 0;
    Status status = hashes && nearest ? NULL : status_no_memory("the hashes", (unsigned long long)count * 16);
    double seconds = 0;
    if (!status) {
        draw_hashes(hashes, count);
        const double start = clock_now();
        status = near_duplicates_find(hashes, count, PHASH_NEAR, nearest);
        seconds = clock_now() - start;
    }
    for (int64_t i = 0; i < count && !status; i++)
        found += nearest[i] >= 0;
    free(nearest);
    free(hashes);
    TRY(status);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    Json json;
    json_open(&json, stdout);
    json_object(&json, NULL, JSON_LINE);
    json_integer(&json, "hashes", count);
    json_real(&json, "seconds", seconds);
    json_integer(&json, "found", found);
    json_integer(&json, "peak_bytes", usage.ru_maxrss * 1024);
    json_end(&json);
    json_newline(&json);
    return NULL;
}

int main(int count, char **arguments) {
    Arguments a = {0};
    return program_main(&program, count, arguments, &a, run);
}
