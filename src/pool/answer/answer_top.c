/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/answer/answer_top.h"

#include "gauges/warnings.h"
#include "pool/answer/answer_speed.h"
#include "pool/process.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double LONG_WAIT = 0.2; /* of the time: a fifth of the GPU is not used */

/* The GPUs with their jobs and these jobs' speeds. */
typedef struct {
    GpuView view;
    const Job *job; /* NULL: none */
    JobSpeed speed;
} TopGpu;

static void read_gpus(const AnswerSource *source, TopGpu *gpus, int count) {
    for (int i = 0; i < count; i++) {
        TopGpu *gpu = &gpus[i];
        schedule_gpu_view(source->schedule, i, &gpu->view);
        gpu->job = gpu->view.job ? schedule_find(source->schedule, gpu->view.job) : NULL;
        if (gpu->job)
            answer_read_speed(gpu->job, &gpu->speed);
        else
            gpu->speed = (JobSpeed){.images_per_s = NAN, .mfu = NAN, .data_wait = NAN};
    }
}

static bool is_sibling(const TopGpu *a, const TopGpu *b) {
    return a->speed.known && b->speed.known && a->job->sweep && b->job->sweep && a->job->sweep[0] &&
           strcmp(a->job->sweep, b->job->sweep) == 0 && a->job->uid == b->job->uid &&
           a->job->micro_batch == b->job->micro_batch && a->job->wants.gpus == 1 && b->job->wants.gpus == 1;
}

static double others_per_s(const TopGpu *gpus, int count, int own) {
    JobSpeed speeds[POOL_GPUS];
    int siblings = 0, mine = 0;
    for (int i = 0; i < count; i++) {
        if (!is_sibling(&gpus[own], &gpus[i]))
            continue;
        mine = i == own ? siblings : mine;
        speeds[siblings++] = gpus[i].speed;
    }
    return answer_others_per_s(speeds, siblings, mine);
}

static void put_warnings(const AnswerSource *source, const TopGpu *gpus, int count, int own, Json *json) {
    const TopGpu *gpu = &gpus[own];
    const AnswerSamples *before = source->history ? &source->history->gpus[own] : NULL;
    const Attempt *attempt = gpu->job ? schedule_attempt(source->schedule, gpu->job->id) : NULL;
    Warnings warnings;
    WarningsOf of = {.sample = &gpu->view.seen.sample,
                     .before = before ? before->list : NULL,
                     .before_count = before ? before->count : 0,
                     .warn_celsius = source->rule->warn_celsius,
                     .xids = source->xids,
                     .works = attempt && before && before->count && attempt->from <= answer_samples_from(before),
                     .images_per_s = gpu->speed.images_per_s,
                     .others_per_s = others_per_s(gpus, count, own)};
    json_array(json, "warnings", JSON_LINE);
    if (source->uuids[own][0]) { /* a slot has nothing to warn of */
        warnings_find(&of, &warnings);
        for (int i = 0; i < warnings.count; i++)
            json_string(json, NULL, warnings.text[i]);
    }
    if (gpu->speed.data_wait >= LONG_WAIT) {
        char text[128];
        snprintf(text, sizeof text, "waits for data %.0f %% of its job's time: give it more cores or a faster disk",
                 100 * gpu->speed.data_wait);
        json_string(json, NULL, text);
    }
    json_end(json);
}

static void put_gauges_in_full(const GaugeSample *sample, Json *json) {
    bool known = sample->known;
    json_object(json, "gauges", JSON_LINE);
    json_real(json, "util", known ? sample->util : NAN);
    answer_size(json, "memory_used", known ? sample->memory_used : -1);
    answer_size(json, "memory_total", known ? sample->memory_total : -1);
    answer_size(json, "processes", known ? sample->process_count : -1);
    json_real(json, "celsius", known ? sample->celsius : NAN);
    json_real(json, "memory_celsius", known ? sample->memory_celsius : NAN);
    json_null(json, "vrm_celsius"); /* NVML does not report it */
    json_real(json, "celsius_limit", known ? sample->celsius_limit : NAN);
    json_real(json, "watts", known ? sample->watts : NAN);
    json_real(json, "watts_cap", known ? sample->watts_cap : NAN);
    json_real(json, "pcie_to_gpu", known ? sample->pcie_to_gpu : NAN);
    json_real(json, "pcie_from_gpu", known ? sample->pcie_from_gpu : NAN);
    answer_throttle(json, known ? sample->throttle : -1);
    answer_size(json, "ecc_corrected", known ? sample->ecc_corrected : -1);
    answer_size(json, "ecc_uncorrected", known ? sample->ecc_uncorrected : -1);
    answer_size(json, "remapped_rows", known ? sample->remapped_rows : -1);
    json_bool(json, "remap_pending", known && sample->remap_pending);
    json_bool(json, "remap_failed", known && sample->remap_failed);
    json_double(json, "joules", known ? sample->joules : NAN);
    json_array(json, "xids", JSON_LINE);
    for (int i = 0; i < sample->xid_count; i++)
        json_integer(json, NULL, sample->xids[i]);
    json_end(json);
    json_end(json);
}

static void put_top_gpu(const AnswerSource *source, const TopGpu *gpus, int count, int own, Json *json) {
    const TopGpu *gpu = &gpus[own];
    json_object(json, NULL, JSON_LINE);
    json_integer(json, "gpu", gpu->view.gpu);
    if (source->uuids[own][0])
        json_string(json, "uuid", source->uuids[own]);
    else
        json_null(json, "uuid");
    json_string(json, "state", gpu_state_name(gpu->view.state));
    if (gpu->job)
        json_string(json, "user", gpu->job->user);
    else
        json_null(json, "user");
    answer_number(json, "job", gpu->view.job);
    put_gauges_in_full(&gpu->view.seen.sample, json);
    answer_speed(&gpu->speed, json);
    put_warnings(source, gpus, count, own, json);
    json_end(json);
}

Status answer_top(const AnswerSource *source, Json *json) {
    int count = schedule_gpu_count(source->schedule);
    TopGpu *gpus = calloc((size_t)count + 1, sizeof *gpus);
    if (!gpus)
        return status_no_memory("the gauges", (size_t)count * sizeof *gpus);
    read_gpus(source, gpus, count);
    json_object(json, NULL, JSON_LINE);
    json_double(json, "time", source->now);
    json_string(json, "node", source->rule->node);
    if (source->gauges_missing[0])
        json_string(json, "no_gauges", source->gauges_missing);
    else
        json_null(json, "no_gauges");
    json_array(json, "gpus", JSON_LINE);
    for (int i = 0; i < count; i++)
        put_top_gpu(source, gpus, count, i, json);
    json_end(json);
    json_end(json);
    free(gpus);
    return NULL;
}
