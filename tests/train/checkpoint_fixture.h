/* A small table of parameters and a temporary directory, for the tests of checkpoints. */
#ifndef FOVEA_CHECKPOINT_FIXTURE_H
#define FOVEA_CHECKPOINT_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "checkpoint.h"
#include "files.h"
#include "random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    Arena arena;
    Params params;
    char dir[256];
} Fixture;

static inline void succeeds(Status status) {
    if (status)
        fail_msg("%s", status_message(status));
}

/* Frees the status: it must be a failure of this kind. */
static inline void fails(Status status, ExitCode code) {
    assert_non_null(status);
    assert_int_equal(status_code(status), code);
    status_free(status);
}

/* Another model than the plain one has one tensor more, with or without moments. */
typedef enum { PLAIN, ONE_TRAINABLE_MORE, ONE_FROZEN_MORE } Model;

/* Sizes that are no multiple of the alignment, one tensor without moments. */
static inline void add_params(Params *params, Arena *arena, Model model) {
    params_begin(params, arena, 8);
    params_add(params, "cls_token", true, 0, 3, (int64_t[]){1, 1, 7});
    params_add(params, "blocks.0.mlp.fc1.weight", true, 1, 2, (int64_t[]){5, 3});
    params_add(params, "blocks.0.mlp.fc1.bias", true, 1, 1, (int64_t[]){5});
    if (model != PLAIN)
        params_add(params, "norm.weight", model == ONE_TRAINABLE_MORE, 2, 1, (int64_t[]){5});
    params_add(params, "pos_embed", false, 0, 3, (int64_t[]){1, 2, 7});
    params_end(params, arena, device_cpu(), REAL_FP32);
}

static inline void fixture_params(Fixture *fixture, Model model) {
    Arena measure = {0};
    Params params;
    add_params(&params, &measure, model);
    succeeds(arena_open(&fixture->arena, measure.used, "a test"));
    add_params(&fixture->params, &fixture->arena, model);
}

static inline int fixture_open(void **state) {
    Fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    const char *base = getenv("TMPDIR");
    snprintf(fixture->dir, sizeof fixture->dir, "%s/fovea-checkpoint-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(fixture->dir));
    fixture_params(fixture, PLAIN);
    *state = fixture;
    return 0;
}

static inline int fixture_close(void **state) {
    Fixture *fixture = *state;
    succeeds(files_remove(fixture->dir));
    arena_close(&fixture->arena);
    free(fixture);
    return 0;
}

/* Parameters and moments as a run might have them at `step`; the seed tells runs apart. */
static inline void fill(const Params *params, uint64_t seed, int64_t step) {
    Random random;
    random_start(&random, seed, RANDOM_TEST, 0, (uint64_t)step);
    for (int i = 0; i < params->count; i++) {
        const Param *param = &params->list[i];
        for (size_t e = param->offset; e < param->offset + param->count; e++) {
            params->value[e] = (float)random_normal(&random);
            if (!param->trainable)
                continue;
            params->m[e] = (float)random_normal(&random);
            params->v[e] = random_uniform(&random);
        }
    }
}

static inline TrainState state_at(int64_t step) {
    return (TrainState){.step = step,
                        .next_batch = (uint64_t)step + 3,
                        .config_hash = 0xfedcba9876543210u,
                        .data_hash = 0xffffffffffffffffu,
                        .data_count = 123456789012,
                        .val_loss = 1.0 / 3.0,
                        .best_val_loss = 0.1 + 0.2, /* needs all 17 digits */
                        .best_step = -1,
                        .loss_mean = NAN,
                        .guard_events = 2};
}

static inline void write_step(CheckpointWriter *writer, const Params *params, uint64_t seed, int64_t step, bool best) {
    bool started;
    TrainState state = state_at(step);
    fill(params, seed, step);
    succeeds(checkpoint_writer_begin(writer, &state, best, &started));
    assert_true(started);
    succeeds(checkpoint_writer_wait(writer));
}

/* One writer's whole life. */
static inline void write_once(Fixture *fixture, uint64_t seed, int64_t step, int keep, bool best) {
    CheckpointWriter *writer;
    succeeds(checkpoint_writer_open(fixture->dir, &fixture->params, keep, &writer));
    write_step(writer, &fixture->params, seed, step, best);
    checkpoint_writer_close(writer);
}

static inline void assert_filled(const Fixture *fixture, uint64_t seed, int64_t step) {
    Fixture expected = {0};
    fixture_params(&expected, PLAIN);
    fill(&expected.params, seed, step);
    size_t all = fixture->params.total * sizeof(float), moments = fixture->params.trainable * sizeof(float);
    assert_memory_equal(fixture->params.value, expected.params.value, all);
    assert_memory_equal(fixture->params.m, expected.params.m, moments);
    assert_memory_equal(fixture->params.v, expected.params.v, moments);
    arena_close(&expected.arena);
}

/* Reads into parameters that hold something else before; the note, if any, goes to `note` and is the caller's. */
static inline void read_expecting(Fixture *fixture, uint64_t seed, int64_t step, char **note) {
    TrainState state;
    bool found;
    fill(&fixture->params, 999, 999);
    succeeds(checkpoint_read(fixture->dir, &fixture->params, &state, &found, note));
    assert_true(found);
    assert_int_equal(state.step, step);
    assert_filled(fixture, seed, step);
}

static inline void reads(Fixture *fixture, uint64_t seed, int64_t step) {
    char *note;
    read_expecting(fixture, seed, step, &note);
    if (note)
        fail_msg("passed over: %s", note);
}

static inline char *path_of(const Fixture *fixture, const char *name) {
    char *path = files_path("%s/%s", fixture->dir, name);
    assert_non_null(path);
    return path;
}

static inline bool has(const Fixture *fixture, const char *name) {
    char *path = path_of(fixture, name);
    bool exists = access(path, F_OK) == 0;
    free(path);
    return exists;
}

#endif
