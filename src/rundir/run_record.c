/* SPDX-License-Identifier: Apache-2.0 */
#include "rundir/run_record.h"

#include "base/files.h"
#include "base/json.h"
#include "base/list.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

void run_record_begin(RunRecord *record) {
    *record = (RunRecord){.status = RUN_RUNNING,
                          .exit_reason = "",
                          .exit_code = -1,
                          .started = (int64_t)time(NULL),
                          .final_loss = NAN,
                          .val_loss = NAN,
                          .best_val_loss = NAN,
                          .best_step = -1};
}

/* Owns `text` from here on, after a failure too. */
static Status add_event(RunRecord *record, char *text) {
    Status status = list_grow(&record->events, record->event_count, &record->event_capacity, sizeof *record->events,
                              "the guard's events");
    if (status)
        free(text);
    else
        record->events[record->event_count++] = text;
    return status;
}

ThroughputKey run_record_key(const RunRecord *record) {
    return (ThroughputKey){.config_hash = record->config_hash, .device = record->device, .threads = record->threads};
}

/* Copies what is still true from an earlier process of this run. */
static Status take_over(RunRecord *record, RunSummary *earlier, int64_t last_step, uint64_t next_batch) {
    const ThroughputKey key = run_record_key(record);
    record->throughput = throughput_comparable(earlier, &key) ? earlier->throughput : (Throughput){0};
    for (int i = 0; i < earlier->event_count; i++) {
        RunEvent *event = &earlier->events[i];
        if (!run_event_is_past(event, next_batch))
            continue;
        char *text = event->text;
        event->text = NULL;
        TRY(add_event(record, text));
    }
    if (record->init_from && !*record->init_sha256)
        snprintf(record->init_sha256, sizeof record->init_sha256, "%s", earlier->init_sha256);
    if (earlier->steps == last_step && !isnan(earlier->final_loss))
        record->final_loss = earlier->final_loss;
    return NULL;
}

Status run_record_continue(RunRecord *record, const char *path, int64_t last_step, uint64_t next_batch) {
    if (!files_exists(path))
        return NULL;
    RunSummary earlier;
    Status status = run_summary_read(path, &earlier);
    if (!status)
        status = take_over(record, &earlier, last_step, next_batch);
    run_summary_close(&earlier);
    if (status_code(status) != EXIT_DATA)
        return status;
    status_free(status); /* a damaged record has nothing to copy */
    return NULL;
}

Status run_record_add_pack(RunRecord *record, const RunPack *pack) {
    TRY(list_grow(&record->packs, record->pack_count, &record->pack_capacity, sizeof *pack, "the run's packs"));
    record->packs[record->pack_count++] = *pack;
    return NULL;
}

Status run_record_event(RunRecord *record, const GuardEvent *event) {
    Json json;
    char *text;
    size_t size;
    json_open(&json, NULL);
    json_object(&json, NULL, JSON_LINE);
    json_integer(&json, "step", event->step);
    json_unsigned(&json, "batch", event->batch);
    json_string(&json, "kind", event->kind);
    json_string(&json, "action", event->action);
    json_real(&json, "loss", event->loss);
    json_string(&json, "found", event->found);
    json_string(&json, "tensor", event->tensor);
    json_array(&json, "records", JSON_LINE);
    for (int i = 0; i < event->record_count; i++)
        json_string(&json, NULL, event->records[i]);
    json_end(&json);
    json_end(&json);
    TRY(json_close(&json, "the guard's events", &text, &size));
    return add_event(record, text);
}

static void put_time(Json *json, const char *key, int64_t value) {
    time_t seconds = (time_t)value;
    struct tm utc;
    char text[32];
    if (value && gmtime_r(&seconds, &utc) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc))
        json_string(json, key, text);
    else
        json_null(json, key);
}

static void print_packs(const RunRecord *record, Json *json) {
    if (!record->pack_count)
        return;
    json_array(json, "packs", JSON_HANGING);
    for (int64_t i = 0; i < record->pack_count; i++) {
        const RunPack *pack = &record->packs[i];
        json_object(json, NULL, JSON_LINE);
        json_string(json, "path", pack->path);
        json_integer(json, "images", pack->images);
        if (pack->samples_per_epoch < 0)
            json_null(json, "samples_per_epoch");
        else
            json_integer(json, "samples_per_epoch", pack->samples_per_epoch);
        json_end(json);
    }
    json_end(json);
}

/* What the run is. */
static void print_setting(const RunRecord *record, Json *json) {
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    json_string(json, "run_dir", record->run_dir);
    put_time(json, "started", record->started);
    put_time(json, "ended", record->ended);
    json_string(json, "host", host);
    json_string(json, "backend", record->backend);
    json_integer(json, "threads", record->threads);
    json_integer(json, "micro_batch", record->micro_batch);
    json_string(json, "device", record->device);
    if (record->gpu_uuid) {
        json_array(json, "gpu_uuids", JSON_LINE);
        json_string(json, NULL, record->gpu_uuid);
        json_end(json);
    }
    versions_print(&record->versions, json);
    throughput_print(&record->throughput, json);
    json_hash(json, "config_hash", record->config_hash);
    json_hash(json, "data_hash", record->data_hash);
    json_integer(json, "data_count", record->data_count);
    print_packs(record, json);
    if (record->init_from) {
        json_string(json, "init_from", record->init_from);
        if (*record->init_sha256)
            json_string(json, "init_sha256", record->init_sha256);
        else
            json_null(json, "init_sha256");
    }
    json_integer(json, "parameters", record->parameters);
}

static void print_findings(const RunRecord *record, Json *json) {
    json_array(json, "monitor_findings", JSON_HANGING);
    for (int64_t i = 0; i < record->finding_count; i++) {
        const RunFinding *finding = &record->findings[i];
        json_object(json, NULL, JSON_LINE);
        json_string(json, "layer", finding->layer);
        json_string(json, "what", finding->what);
        json_string(json, "detail", finding->detail);
        json_integer(json, "since", finding->since);
        if (finding->until < 0)
            json_null(json, "until");
        else
            json_integer(json, "until", finding->until);
        json_end(json);
    }
    json_end(json);
}

static void print_lists(const RunRecord *record, Json *json) {
    json_array(json, "guard_events", JSON_HANGING);
    for (int i = 0; i < record->event_count; i++)
        json_verbatim(json, NULL, record->events[i]);
    json_end(json);
    if (record->monitored)
        print_findings(record, json);
    json_array(json, "bad_records", JSON_HANGING);
    for (int i = 0; i < record->unreadable.count; i++) {
        json_object(json, NULL, JSON_LINE);
        json_string(json, "path", record->unreadable.list[i].path);
        json_string(json, "reason", record->unreadable.list[i].reason);
        json_end(json);
    }
    json_end(json);
}

Status run_record_write(const RunRecord *record, const char *path) {
    Json json;
    json_open(&json, NULL);
    json_object(&json, NULL, JSON_INDENT);
    json_string(&json, "status", run_status_name(record->status));
    json_string(&json, "exit_reason", record->exit_reason);
    if (record->exit_code >= 0)
        json_integer(&json, "exit_code", record->exit_code);
    else
        json_null(&json, "exit_code");
    print_setting(record, &json);
    json_integer(&json, "resumed_step", record->resumed_step);
    json_integer(&json, "steps", record->steps);
    json_integer(&json, "total_steps", record->total_steps);
    json_integer(&json, "schedule_steps", record->schedule_steps);
    json_real(&json, "final_loss", record->final_loss);
    json_real(&json, "val_loss", record->val_loss);
    json_real(&json, "best_val_loss", record->best_val_loss);
    if (record->metric) {
        json_string(&json, "metric", record->metric);
        json_real(&json, "val_metric", record->val_metric);
        json_real(&json, "best_val_metric", record->best_val_metric);
    }
    json_integer(&json, "best_step", record->best_step);
    if (record->checkpoint_every)
        json_integer(&json, "checkpoint_every", record->checkpoint_every);
    json_integer(&json, "checkpoints_skipped", record->checkpoints_skipped);
    print_lists(record, &json);
    json_end(&json);
    json_newline(&json);
    return json_write(&json, path);
}

void run_record_close(RunRecord *record) {
    unreadable_close(&record->unreadable);
    for (int i = 0; i < record->event_count; i++)
        free(record->events[i]);
    free(record->events);
    free(record->packs);
    record->packs = NULL;
    record->pack_count = record->pack_capacity = 0;
    record->events = NULL;
    record->event_count = 0;
    record->event_capacity = 0;
}
