/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include <assert.h>
#include <math.h>

/* Multipliers and key increments of the paper's Philox4x32. */
enum { ROUNDS = 10 };
static const uint32_t MULTIPLY_0 = 0xD2511F53u, MULTIPLY_1 = 0xCD9E8D57u;
static const uint32_t WEYL_0 = 0x9E3779B9u, WEYL_1 = 0xBB67AE85u;

void random_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t p0 = (uint64_t)MULTIPLY_0 * c0, p1 = (uint64_t)MULTIPLY_1 * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        k0 += WEYL_0;
        k1 += WEYL_1;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* The counter is {block, sample's low half, epoch, sample's upper 16 bits and purpose}. */
void random_start(Random *random, uint64_t seed, RandomPurpose purpose, uint32_t epoch, uint64_t sample) {
    *random = (Random){.key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
                       .counter = {0, (uint32_t)sample, epoch, (uint32_t)(sample >> 32) << 16 | (uint32_t)purpose}};
}

uint32_t random_u32(Random *random) {
    if (!random->left) {
        random_philox(random->counter, random->key, random->block);
        random->counter[0]++;
        random->left = 4;
    }
    return random->block[4 - random->left--];
}

float random_uniform(Random *random) {
    return (float)(random_u32(random) >> 8) * 0x1p-24f;
}

double random_between(Random *random, double low, double high) {
    uint64_t upper = random_u32(random), lower = random_u32(random);
    double uniform = (double)((upper << 32 | lower) >> 11) * 0x1p-53;
    return low + (high - low) * uniform;
}

/* Lemire's multiplication with rejection (arXiv 1805.10941). */
uint32_t random_below(Random *random, uint32_t n) {
    uint64_t product = (uint64_t)random_u32(random) * n;
    if ((uint32_t)product < n) {
        uint32_t threshold = -n % n;
        while ((uint32_t)product < threshold)
            product = (uint64_t)random_u32(random) * n;
    }
    return (uint32_t)(product >> 32);
}

/* The second value that Box-Muller gives is dropped: two draws a call, always, and no state beside the counter. */
double random_normal(Random *random) {
    double radius = (random_u32(random) + 1.0) * 0x1p-32; /* (0, 1]: the logarithm is finite */
    double angle = random_u32(random) * 0x1p-32;
    return sqrt(-2 * log(radius)) * cos(2 * M_PI * angle);
}

uint64_t random_permute(uint64_t seed, uint32_t epoch, uint64_t n, uint64_t position) {
    assert(position < n);
    /* Four rounds make a strong permutation of a large domain (Luby and Rackoff); two more for the tiny ones. */
    enum { FEISTEL_ROUNDS = 6 };
    int half = 1;
    while (half < 32 && (uint64_t)1 << 2 * half < n)
        half++;
    uint32_t mask = (uint32_t)(((uint64_t)1 << half) - 1);
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    do {
        uint32_t left = (uint32_t)(position >> half), right = (uint32_t)position & mask;
        for (uint32_t round = 0; round < FEISTEL_ROUNDS; round++) {
            uint32_t mixed[4];
            random_philox((const uint32_t[4]){round, right, epoch, RANDOM_ORDER}, key, mixed);
            uint32_t next = left ^ (mixed[0] & mask);
            left = right;
            right = next;
        }
        position = (uint64_t)left << half | right;
    } while (position >= n);
    return position;
}
