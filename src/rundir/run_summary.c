/* SPDX-License-Identifier: Apache-2.0 */
#include "rundir/run_summary.h"

#include "base/files.h"
#include "base/json.h"

#include <cJSON.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const status_names[] = {"", "running", "finished", "until", "max_hours", "stopped", "failed"};

const char *run_status_name(RunStatus status) {
    return status_names[status];
}

static const char *get_text(const cJSON *object, const char *key) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text ? text : "";
}

static double get_real(const cJSON *object, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
}

/* `otherwise` also for numbers that are not whole or beyond what a double counts exactly. */
static int64_t get_integer(const cJSON *object, const char *key, int64_t otherwise) {
    const double value = get_real(object, key);
    return fabs(value) <= 0x1p53 && value == floor(value) ? (int64_t)value : otherwise;
}

static int get_int(const cJSON *object, const char *key, int otherwise) {
    const int64_t value = get_integer(object, key, otherwise);
    return value >= INT_MIN && value <= INT_MAX ? (int)value : otherwise;
}

static uint64_t get_hash(const cJSON *object, const char *key) {
    const char *text = get_text(object, key);
    return strlen(text) == 16 && strspn(text, "0123456789abcdef") == 16 ? strtoull(text, NULL, 16) : 0;
}

static uint64_t get_batch(const cJSON *event) {
    const double value = get_real(event, "batch");
    return value >= 0 && value < 0x1p64 ? (uint64_t)value : UINT64_MAX;
}

static int64_t get_time(const cJSON *object, const char *key) {
    struct tm utc = {0};
    const char *end = strptime(get_text(object, key), "%Y-%m-%dT%H:%M:%SZ", &utc);
    return end && !*end ? (int64_t)timegm(&utc) : 0;
}

static RunStatus get_status(const cJSON *object) {
    const char *name = get_text(object, "status");
    for (int i = RUN_RUNNING; i <= RUN_FAILED; i++)
        if (strcmp(name, status_names[i]) == 0)
            return (RunStatus)i;
    return RUN_UNKNOWN;
}

#define COPY_TEXT(field, object, key) snprintf(field, sizeof field, "%s", get_text(object, key))

static Status read_event(const cJSON *object, RunEvent *event) {
    Json json;
    size_t size;
    event->step = get_integer(object, "step", -1);
    event->batch = get_batch(object);
    event->loss = get_real(object, "loss");
    event->records = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(object, "records"));
    COPY_TEXT(event->kind, object, "kind");
    COPY_TEXT(event->action, object, "action");
    COPY_TEXT(event->found, object, "found");
    COPY_TEXT(event->tensor, object, "tensor");
    json_open(&json, NULL);
    json_copy(&json, NULL, object);
    return json_close(&json, "the guard's events", &event->text, &size);
}

static Status read_events(const cJSON *list, RunSummary *summary) {
    const int count = cJSON_IsArray(list) ? cJSON_GetArraySize(list) : 0;
    const cJSON *event;
    if (!count)
        return NULL;
    summary->events = calloc((size_t)count, sizeof *summary->events);
    if (!summary->events)
        return status_no_memory("the guard's events", (size_t)count * sizeof *summary->events);
    cJSON_ArrayForEach(event, list) TRY(read_event(event, &summary->events[summary->event_count++]));
    return NULL;
}

static Status read_object(const cJSON *object, RunSummary *summary) {
    summary->status = get_status(object);
    summary->exit_code = get_int(object, "exit_code", -1);
    COPY_TEXT(summary->run_dir, object, "run_dir");
    COPY_TEXT(summary->host, object, "host");
    COPY_TEXT(summary->backend, object, "backend");
    COPY_TEXT(summary->device, object, "device");
    summary->started = get_time(object, "started");
    summary->ended = get_time(object, "ended");
    summary->threads = get_int(object, "threads", 0);
    summary->micro_batch = get_int(object, "micro_batch", 0);
    summary->config_hash = get_hash(object, "config_hash");
    summary->data_hash = get_hash(object, "data_hash");
    summary->data_count = get_integer(object, "data_count", 0);
    COPY_TEXT(summary->init_from, object, "init_from");
    COPY_TEXT(summary->init_sha256, object, "init_sha256");
    summary->parameters = get_integer(object, "parameters", 0);
    summary->resumed_step = get_integer(object, "resumed_step", 0);
    summary->steps = get_integer(object, "steps", 0);
    summary->total_steps = get_integer(object, "total_steps", 0);
    summary->schedule_steps = get_integer(object, "schedule_steps", summary->total_steps);
    summary->final_loss = get_real(object, "final_loss");
    summary->val_loss = get_real(object, "val_loss");
    summary->best_val_loss = get_real(object, "best_val_loss");
    COPY_TEXT(summary->metric, object, "metric");
    summary->val_metric = get_real(object, "val_metric");
    summary->best_val_metric = get_real(object, "best_val_metric");
    summary->best_step = get_integer(object, "best_step", -1);
    summary->checkpoints_skipped = get_integer(object, "checkpoints_skipped", 0);
    versions_read(&summary->versions, cJSON_GetObjectItemCaseSensitive(object, "versions"));
    throughput_read(&summary->throughput, cJSON_GetObjectItemCaseSensitive(object, "throughput"));
    const cJSON *unreadable = cJSON_GetObjectItemCaseSensitive(object, "bad_records");
    summary->unreadable_count = cJSON_IsArray(unreadable) ? cJSON_GetArraySize(unreadable) : 0;
    summary->exit_reason = strdup(get_text(object, "exit_reason"));
    if (!summary->exit_reason)
        return status_no_memory("a run's exit reason", 256);
    return read_events(cJSON_GetObjectItemCaseSensitive(object, "guard_events"), summary);
}

/* *object is the caller's. */
static Status parse_record(const char *path, cJSON **object) {
    char *text;
    size_t size;
    TRY(files_read(path, &text, &size));
    *object = cJSON_ParseWithLength(text, size);
    free(text);
    if (cJSON_IsObject(*object))
        return NULL;
    cJSON_Delete(*object);
    return status_error(EXIT_DATA, "%s: not a run record: not a JSON object", path);
}

Status run_summary_read(const char *path, RunSummary *summary) {
    cJSON *object;
    *summary = (RunSummary){0};
    TRY(parse_record(path, &object));
    Status status = read_object(object, summary);
    cJSON_Delete(object);
    return status;
}

bool run_number_known(const char *name) {
    static const char *const names[] = {"final_loss",
                                        "val_loss",
                                        "best_val_loss",
                                        "val_metric",
                                        "best_val_metric",
                                        "best_step",
                                        "steps",
                                        "total_steps",
                                        "schedule_steps",
                                        "resumed_step",
                                        "parameters",
                                        "data_count",
                                        "threads",
                                        "micro_batch",
                                        "checkpoint_every",
                                        "checkpoints_skipped",
                                        "exit_code",
                                        "throughput.images_per_s",
                                        "throughput.data_wait",
                                        "throughput.micro_batch"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

Status run_number_read(const char *path, const char *name, double *value) {
    cJSON *object;
    *value = NAN;
    TRY(parse_record(path, &object));
    const cJSON *at = object;
    char part[128];
    for (const char *dot; (dot = strchr(name, '.')) && at; name = dot + 1) {
        snprintf(part, sizeof part, "%.*s", (int)(dot - name), name);
        at = cJSON_GetObjectItemCaseSensitive(at, part);
    }
    if (at)
        *value = get_real(at, name);
    cJSON_Delete(object);
    return NULL;
}

void run_summary_read_any(const char *path, RunSummary *summary) {
    Status status = run_summary_read(path, summary);
    if (status)
        run_summary_close(summary);
    status_free(status);
}

void run_summary_close(RunSummary *summary) {
    for (int i = 0; i < summary->event_count; i++)
        free(summary->events[i].text);
    free(summary->events);
    free(summary->exit_reason);
    *summary = (RunSummary){0};
}

bool run_event_is_past(const RunEvent *event, uint64_t next_batch) {
    return event->batch < next_batch;
}
