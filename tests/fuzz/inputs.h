/* SPDX-License-Identifier: Apache-2.0 */
/* What reads files from outside, each from bytes: a fuzzer's and the kept corpus'. Nothing may happen but a status; the
 * sanitizers and the fuzzer watch for the rest. */
#ifndef FOVEA_TESTS_FUZZ_INPUTS_H
#define FOVEA_TESTS_FUZZ_INPUTS_H

#include "base/config.h"
#include "base/files.h"
#include "checkpoint/export/zip_write.h"
#include "checkpoint/state.h"
#include "checkpoint/weights.h"
#include "pack/manifest.h"
#include "pool/request.h"
#include "pool/rule/rule.h"
#include "pool/rule/rule_words.h"
#include "pool/sim/sim_script.h"
#include "pool/sweep/trials/expand.h"
#include "pool/sweep/trials/trial_config.h"
#include "rundir/run_summary.h"
#include "train/config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef void (*FuzzInput)(const char *folder, const uint8_t *data, size_t size);

/* A file of these bytes in `folder`, whose path is put into `path`. */
static inline void fuzz_file(const char *folder, const char *name, const uint8_t *data, size_t size, char path[512]) {
    int descriptor;
    snprintf(path, 512, "%s/%s", folder, name);
    Status status = files_new_open(path, &descriptor);
    if (status || files_write_all(descriptor, path, data, size))
        abort(); /* the disk is full: no finding */
    close(descriptor);
}

/* Reads every byte of every tensor, so that a sanitizer sees the first that is not there. */
static inline void fuzz_weights(const char *path) {
    Weights *weights;
    Status status = weights_open(path, NULL, &weights);
    /* EXIT_IO: of a shard that is not there. */
    if (status && status_code(status) != EXIT_DATA && status_code(status) != EXIT_IO)
        abort();
    status_free(status);
    uint64_t bytes;
    volatile uint8_t sum = 0;
    for (int i = 0; weights && i < weights_count(weights); i++) {
        const Tensor *tensor = weights_at(weights, i);
        if (!tensor_type_bytes(tensor->type, (uint64_t)tensor->count, &bytes))
            abort();
        for (uint64_t j = 0; j < bytes; j++)
            sum = (uint8_t)(sum + ((const uint8_t *)tensor->data)[j]);
    }
    if (weights)
        status_free(weights_check_parts(weights));
    weights_close(weights);
}

/* The first byte says what the rest is: an archive (odd), or the pickle of one (even), which needs no checksum then. */
static inline void fuzz_pth(const char *folder, const uint8_t *data, size_t size) {
    char path[512];
    uint8_t floats[48], bytes[16];
    if (size == 0)
        return;
    if (data[0] & 1) {
        fuzz_file(folder, "input.pth", data + 1, size - 1, path);
    } else {
        fuzz_file(folder, "input.pth", data, 0, path);
        for (size_t i = 0; i < sizeof floats; i++)
            bytes[i % sizeof bytes] = floats[i] = (uint8_t)i;
        ZipWriter zip = {.path = path};
        if (files_new_open(path, &zip.descriptor) || zip_write_entry(&zip, "a/data.pkl", data + 1, size - 1) ||
            zip_write_entry(&zip, "a/data/0", floats, sizeof floats) ||
            zip_write_entry(&zip, "a/data/1", bytes, sizeof bytes) || zip_write_directory(&zip))
            abort();
        close(zip.descriptor);
        zip_write_close(&zip);
    }
    fuzz_weights(path);
}

static inline void fuzz_safetensors(const char *folder, const uint8_t *data, size_t size) {
    char path[512];
    fuzz_file(folder, "input.safetensors", data, size, path);
    fuzz_weights(path);
}

/* A script of a simulation. */
static inline void fuzz_script(const char *folder, const uint8_t *data, size_t size) {
    char path[512];
    Script script;
    fuzz_file(folder, "script.json", data, size, path);
    Status status = script_open(path, &script);
    if (status && status_code(status) != EXIT_DATA)
        abort();
    status_free(status);
    script_close(&script);
}

/* The first byte says which file of ours or of others it is. */
static inline void fuzz_json(const char *folder, const uint8_t *data, size_t size) {
    char path[512];
    if (size == 0)
        return;
    char *text = calloc(size, 1);
    if (!text)
        abort();
    memcpy(text, data + 1, size - 1);
    if (data[0] == 'S') {
        fuzz_script(folder, data + 1, size - 1);
        free(text);
        return;
    }
    switch (data[0] % 4) {
    case 0: {
        TrainState state;
        status_free(checkpoint_state_parse(text, "state.json", &state));
        break;
    }
    case 1: {
        RunSummary summary;
        fuzz_file(folder, "run.json", data + 1, size - 1, path);
        status_free(run_summary_read(path, &summary));
        run_summary_close(&summary);
        break;
    }
    case 2: {
        PackManifest manifest;
        fuzz_file(folder, "pack.json", data + 1, size - 1, path);
        Status status = pack_manifest_read(folder, &manifest);
        if (!status)
            pack_manifest_close(&manifest);
        status_free(status);
        break;
    }
    default:
        fuzz_file(folder, "model.safetensors.index.json", data + 1, size - 1, path);
        fuzz_weights(path);
    }
    free(text);
}

/* A sweep's file, and a base that a trial's values are put into. */
static inline void fuzz_sweep(const char *path, const char *base) {
    static const char *const pairs[][2] = {{"optim.base_lr", "1"}, {"new.key", "x"}};
    SweepFile *file = calloc(1, sizeof *file);
    Sweep sweep = {.base = strdup("base.ini")};
    Trial *trial;
    char *text = NULL;
    if (!file || !sweep.base || sweep_add_trial(&sweep, &trial))
        abort();
    for (int i = 0; i < 2; i++)
        if (trial_add_param(trial, pairs[i][0], pairs[i][1]))
            abort();
    if (trial_name(&sweep, trial) || trial_config_text(&sweep, trial, base, true, &text) ||
        !strstr(text, "base_lr = 1\n") || !strstr(text, "dir = runs/sweeps/"))
        abort();
    free(text);
    sweep_free(&sweep);
    Status status = sweep_file_load(path, file);
    if (!status) {
        status = expand_sweep(path, file, &sweep);
        sweep_free(&sweep);
        sweep_file_free(file);
    }
    status_free(status);
    free(file);
}

static inline void fuzz_ini(const char *folder, const uint8_t *data, size_t size) {
    char path[512];
    Config config;
    FILE *nowhere = fopen("/dev/null", "w");
    if (!nowhere)
        abort();
    char *text = calloc(size + 1, 1);
    if (!text)
        abort();
    memcpy(text, data, size);
    fuzz_file(folder, "input.ini", data, size, path);
    fuzz_sweep(path, text);
    free(text);
    status_free(config_load(&train_config, &config, path, NULL, 0, nowhere));
    fclose(nowhere);
}

/* What a user sends to the pool's daemon. */
static inline void fuzz_request(const char *folder, const uint8_t *data, size_t size) {
    (void)folder;
    char *text = calloc(size + 1, 1), *command = NULL;
    Request request;
    if (!text)
        abort();
    memcpy(text, data, size);
    Status status = request_parse(text, &request);
    if (!status)
        status = request_command(&request, &command);
    status_free(status);
    request_free(&request);
    free(command);
    free(text);
}

/* A rule of the pool, by a user's own daemon or of a script for the simulation. */
static inline void fuzz_rule(const char *folder, const uint8_t *data, size_t size) {
    (void)folder;
    char *text = calloc(size + 1, 1);
    FILE *nowhere = fopen("/dev/null", "w");
    Rule rule;
    if (!text || !nowhere)
        abort();
    memcpy(text, data, size);
    Status status = rule_parse(text, "node.ini", nowhere, &rule);
    if (!status)
        rule_print(&rule, 1000, "ann", nowhere);
    else if (status_code(status) != EXIT_DATA)
        abort();
    status_free(status);
    fclose(nowhere);
    free(text);
}

#endif
