/* SPDX-License-Identifier: Apache-2.0 */
/* The ring: order and content for any number of workers, failures, and closing at any moment. Run under the thread
 * sanitizer too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "data/prefetch.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

enum { SAMPLE_BYTES = 40, BATCH_SIZE = 5, MASK = 3, NOWHERE = -1 };

typedef struct {
    int depth;
    int fail_batch, fail_place[2]; /* NOWHERE: does not fail */
    bool slow;                     /* sleeps up to a millisecond, to mix up who is done first */
    uint64_t first_batch;
    atomic_ullong given_back; /* batches */
    atomic_bool too_far_ahead, takes_signals;
    atomic_int calls;
} Source;

static void nap(uint32_t microseconds) {
    nanosleep(&(struct timespec){.tv_nsec = (long)microseconds * 1000}, NULL);
}

static void expected_sample(uint64_t batch, int place, uint8_t out[SAMPLE_BYTES]) {
    Random random;
    random_start(&random, 3, RANDOM_TEST, (uint32_t)batch, (uint64_t)place);
    for (int i = 0; i < SAMPLE_BYTES; i++)
        out[i] = (uint8_t)random_u32(&random);
}

static Status fill(void *context, uint64_t batch, int place, void *out, int64_t *record, Crop *crop, int32_t *extra) {
    Source *source = context;
    if (crop)
        *crop = (Crop){.top = (int)batch, .left = place};
    for (int i = 0; extra && i < MASK; i++)
        extra[i] = (int)batch * 1000 + place * 10 + i;
    atomic_fetch_add(&source->calls, 1);
    if (batch >= source->first_batch + atomic_load(&source->given_back) + (uint64_t)source->depth)
        atomic_store(&source->too_far_ahead, true);
    sigset_t blocked;
    pthread_sigmask(SIG_BLOCK, NULL, &blocked);
    if (!sigismember(&blocked, SIGTERM) || !sigismember(&blocked, SIGUSR1))
        atomic_store(&source->takes_signals, true);
    if (source->slow) {
        Random random;
        random_start(&random, 4, RANDOM_TEST, (uint32_t)batch, (uint64_t)place);
        nap(random_below(&random, 1000));
    }
    for (int i = 0; i < 2; i++)
        if ((int64_t)batch == source->fail_batch && place == source->fail_place[i]) {
            nap(i ? 3000 : 0); /* the second, lower one fails later */
            return status_error(EXIT_DATA, "batch %d place %d failed", (int)batch, place);
        }
    if (out)
        expected_sample(batch, place, out);
    *record = (int64_t)batch * 100 + place;
    return NULL;
}

static Source good_source(uint64_t first_batch, int depth, bool slow) {
    return (Source){.depth = depth,
                    .fail_batch = NOWHERE,
                    .fail_place = {NOWHERE, NOWHERE},
                    .slow = slow,
                    .first_batch = first_batch};
}

static Prefetch *open_ring(Source *source, int workers) {
    PrefetchOptions options = {.fill = fill,
                               .context = source,
                               .first_batch = source->first_batch,
                               .batch_size = BATCH_SIZE,
                               .sample_bytes = SAMPLE_BYTES,
                               .device = device_cpu(),
                               .depth = source->depth,
                               .workers = workers};
    Prefetch *ring;
    Status status = prefetch_open(&options, &ring);
    if (status)
        fail_msg("%s", status_message(status));
    return ring;
}

static void check_batch(const PrefetchBatch *batch, uint64_t number) {
    assert_int_equal(batch->number, number);
    for (int place = 0; place < BATCH_SIZE; place++) {
        uint8_t expected[SAMPLE_BYTES];
        expected_sample(number, place, expected);
        assert_memory_equal((const uint8_t *)batch->samples + place * SAMPLE_BYTES, expected, SAMPLE_BYTES);
        assert_int_equal(batch->records[place], (int64_t)number * 100 + place);
    }
}

static void give_back(Source *source, Prefetch *ring) {
    atomic_fetch_add(&source->given_back, 1);
    prefetch_done(ring);
}

static void take(Source *source, Prefetch *ring, uint64_t number) {
    PrefetchBatch batch;
    Status status = prefetch_next(ring, &batch);
    if (status)
        fail_msg("%s", status_message(status));
    check_batch(&batch, number);
    give_back(source, ring);
}

static void batches_come_in_order_whoever_fills_them(void **state) {
    (void)state;
    static const int workers[] = {1, 2, 5}, depths[] = {1, 2, 7};
    for (int w = 0; w < 3; w++)
        for (int d = 0; d < 3; d++)
            for (int slow = 0; slow < 2; slow++) {
                Source source = good_source(w == 1 ? 1000000 : 0, depths[d], slow);
                Prefetch *ring = open_ring(&source, workers[w]);
                for (uint64_t i = 0; i < 20; i++)
                    take(&source, ring, source.first_batch + i);
                prefetch_close(ring);
                assert_false(source.too_far_ahead);
                assert_false(source.takes_signals);
            }
}

/* Workers that could overwrite the batch at hand have all the time to do so. */
static void a_batch_stays_until_it_is_given_back(void **state) {
    (void)state;
    for (int depth = 1; depth <= 2; depth++) {
        Source source = good_source(0, depth, false);
        Prefetch *ring = open_ring(&source, 3);
        for (uint64_t i = 0; i < 5; i++) {
            PrefetchBatch batch;
            assert_null(prefetch_next(ring, &batch));
            nap(5000);
            check_batch(&batch, i);
            give_back(&source, ring);
        }
        prefetch_close(ring);
        assert_false(source.too_far_ahead);
    }
}

/* The batches before the failure, then the failure of the lowest sample, on every further call. */
static void a_failure_reaches_the_consumer(void **state) {
    (void)state;
    for (int workers = 1; workers <= 4; workers++)
        for (int depth = 1; depth <= 4; depth++) {
            Source source = good_source(0, depth, workers % 2);
            source.fail_batch = 3;
            source.fail_place[0] = 4;
            source.fail_place[1] = 2;
            Prefetch *ring = open_ring(&source, workers);
            for (uint64_t i = 0; i < 3; i++)
                take(&source, ring, i);
            for (int again = 0; again < 3; again++) {
                PrefetchBatch batch;
                Status status = prefetch_next(ring, &batch);
                assert_int_equal(status_code(status), EXIT_DATA);
                assert_string_equal(status_message(status), "batch 3 place 2 failed");
                status_free(status);
            }
            int calls = atomic_load(&source.calls);
            nap(2000);
            assert_int_equal(atomic_load(&source.calls), calls); /* no worker continues */
            prefetch_close(ring);
        }
}

static void a_ring_closes_at_any_moment(void **state) {
    (void)state;
    prefetch_close(NULL);
    for (int round = 0; round < 60; round++) {
        Source source = good_source(0, 1 + round % 3, round % 2);
        if (round % 5 == 0) {
            source.fail_batch = round % 4;
            source.fail_place[0] = round % BATCH_SIZE;
        }
        Prefetch *ring = open_ring(&source, 1 + round % 5);
        if (round % 7 == 0)
            nap(3000); /* the ring is full, its workers wait; or it failed */
        PrefetchBatch batch;
        for (int i = 0; i < round % 6; i++) {
            Status status = prefetch_next(ring, &batch);
            bool failed = status;
            status_free(status);
            if (failed)
                break;
            give_back(&source, ring);
        }
        if (round % 3 == 0)
            status_free(prefetch_next(ring, &batch)); /* closed with the batch in hand */
        prefetch_close(ring);
        int calls = atomic_load(&source.calls);
        assert_int_equal(atomic_load(&source.calls), calls);
    }
}

/* Two at a time, given back and taken again: the same images in the same order. */
static void several_batches_are_held_at_a_time(void **state) {
    (void)state;
    Source source = good_source(7, 3, false);
    Prefetch *ring = open_ring(&source, 2);
    prefetch_done(ring); /* nothing to give back: nothing happens */
    PrefetchBatch first, second, third;
    assert_null(prefetch_next(ring, &first));
    assert_null(prefetch_next(ring, &second));
    nap(3000); /* workers have all the time to overwrite them */
    check_batch(&first, 7);
    check_batch(&second, 8);
    give_back(&source, ring);
    assert_null(prefetch_next(ring, &third));
    check_batch(&second, 8);
    check_batch(&third, 9);
    prefetch_rewind(ring);
    take(&source, ring, 8);
    take(&source, ring, 9);
    take(&source, ring, 10);
    prefetch_close(ring);
    assert_false(source.too_far_ahead);
}

static void no_more_batches_are_held_than_there_are(void **state) {
    (void)state;
    for (int depth = 1; depth <= 3; depth++) {
        Source source = good_source(0, depth, false);
        Prefetch *ring = open_ring(&source, 1);
        PrefetchBatch batch;
        for (int i = 0; i < depth; i++)
            assert_null(prefetch_next(ring, &batch));
        Status status = prefetch_next(ring, &batch);
        assert_int_equal(status_code(status), EXIT_INTERNAL);
        status_free(status);
        check_batch(&batch, (uint64_t)depth - 1);
        for (int i = 0; i < depth; i++)
            give_back(&source, ring);
        take(&source, ring, (uint64_t)depth);
        prefetch_close(ring);
    }
}

/* With the records in a device's memory. */
static void samples_may_be_numbers_crops_and_masks_alone(void **state) {
    (void)state;
    Source source = good_source(0, 2, false);
    const PrefetchOptions options = {.fill = fill,
                                     .context = &source,
                                     .batch_size = 3,
                                     .crops = true,
                                     .extra = MASK,
                                     .device = device_cpu(),
                                     .depth = 2,
                                     .workers = 2};
    Prefetch *ring;
    assert_null(prefetch_open(&options, &ring));
    for (int b = 0; b < 5; b++) {
        PrefetchBatch batch;
        assert_null(prefetch_next(ring, &batch));
        assert_null(batch.samples);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(batch.records[i], 100 * b + i);
            assert_int_equal(batch.crops[i].top, b);
            assert_int_equal(batch.crops[i].left, i);
            for (int m = 0; m < MASK; m++)
                assert_int_equal(batch.extras[i * MASK + m], 1000 * b + 10 * i + m);
        }
        give_back(&source, ring);
    }
    prefetch_close(ring);
}

static void expect_no_ring(int batch_size, size_t sample_bytes, int depth, int workers, ExitCode code) {
    Source source = good_source(0, 1, false);
    PrefetchOptions options = {.fill = fill,
                               .context = &source,
                               .batch_size = batch_size,
                               .sample_bytes = sample_bytes,
                               .device = device_cpu(),
                               .depth = depth,
                               .workers = workers};
    Prefetch *ring;
    Status status = prefetch_open(&options, &ring);
    assert_int_equal(status_code(status), code);
    assert_null(ring);
    status_free(status);
}

static void impossible_rings_are_refused(void **state) {
    (void)state;
    expect_no_ring(0, 1, 1, 1, EXIT_INTERNAL);
    expect_no_ring(1, 1, 0, 1, EXIT_INTERNAL);
    expect_no_ring(1, 1, 1, 0, EXIT_INTERNAL);
    expect_no_ring(1 << 30, SIZE_MAX / 4, 1, 1, EXIT_NO_MEMORY); /* bytes a batch overflow */
    expect_no_ring(1, SIZE_MAX / 4, 8, 1, EXIT_NO_MEMORY);       /* bytes a ring overflow */
    expect_no_ring(1, SIZE_MAX - 8, 1, 1, EXIT_NO_MEMORY);       /* alignment overflows */
}

/* The caller's own signal mask is as before. */
static void the_main_thread_keeps_its_signals(void **state) {
    (void)state;
    Source source = good_source(0, 1, false);
    Prefetch *ring = open_ring(&source, 1);
    sigset_t blocked;
    pthread_sigmask(SIG_BLOCK, NULL, &blocked);
    assert_false(sigismember(&blocked, SIGTERM));
    prefetch_close(ring);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_come_in_order_whoever_fills_them),
        cmocka_unit_test(a_batch_stays_until_it_is_given_back),
        cmocka_unit_test(a_failure_reaches_the_consumer),
        cmocka_unit_test(a_ring_closes_at_any_moment),
        cmocka_unit_test(several_batches_are_held_at_a_time),
        cmocka_unit_test(no_more_batches_are_held_than_there_are),
        cmocka_unit_test(samples_may_be_numbers_crops_and_masks_alone),
        cmocka_unit_test(impossible_rings_are_refused),
        cmocka_unit_test(the_main_thread_keeps_its_signals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
