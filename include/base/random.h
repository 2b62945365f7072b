/* SPDX-License-Identifier: Apache-2.0 */
/* Counter-based random numbers (Philox4x32-10; Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011),
 * keyed by (seed, purpose, epoch, sample): a stream depends on nothing else, so neither threads, ranks nor restarts
 * change what a sample gets. */
#ifndef FOVEA_BASE_RANDOM_H
#define FOVEA_BASE_RANDOM_H

#include <stdint.h>

typedef enum {
    RANDOM_INIT = 1,  /* weights at the start */
    RANDOM_ORDER,     /* order of records within an epoch */
    RANDOM_CROP,      /* crop box and flip of a record */
    RANDOM_MASK,      /* which patches a record hides */
    RANDOM_DRAW,      /* drawn photographs */
    RANDOM_TEST,      /* inputs of tests and benchmarks */
    RANDOM_BOOTSTRAP, /* people of a bootstrap's replicate */
    RANDOM_DROP_PATH, /* which branches a record skips */
    RANDOM_LOOK,      /* colours and erased part of a record */
    RANDOM_SCRAMBLE,  /* whose labels a person gets in a control's replicate */
    RANDOM_SWEEP      /* values of a sweep's draws */
} RandomPurpose;

typedef struct {
    uint32_t key[2];
    uint32_t counter[4];
    uint32_t block[4];
    int left; /* values of `block` not yet used */
} Random;

/* Ten Philox rounds over one counter; `out` gets four independent 32-bit values. */
void random_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* Starts the stream of (seed, purpose, epoch, sample). sample < 2^48. */
void random_start(Random *random, uint64_t seed, RandomPurpose purpose, uint32_t epoch, uint64_t sample);

uint32_t random_u32(Random *random);
float random_uniform(Random *random); /* [0, 1), 24 bits */
double random_between(Random *random, double low, double high);
uint32_t random_below(Random *random, uint32_t n); /* 0 .. n-1, unbiased; n > 0 */
double random_normal(Random *random);              /* mean 0, standard deviation 1; Box-Muller */

/* The record at `position` of `epoch`: a keyed bijection of 0 .. n-1 (a Feistel network over the next even power of
 * two, walked until it lands below n), so that no list of n entries is kept and any position costs the same. */
uint64_t random_permute(uint64_t seed, uint32_t epoch, uint64_t n, uint64_t position);

#endif
