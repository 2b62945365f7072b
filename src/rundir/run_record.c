/* SPDX-License-Identifier: Apache-2.0 */
#include "rundir/run_record.h"

#include "base/files.h"
#include "base/json.h"

#include <cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

void run_record_begin(RunRecord *record) {
    *record = (RunRecord){.status = "running",
                          .exit_reason = "",
                          .exit_code = -1,
                          .started = (int64_t)time(NULL),
                          .final_loss = NAN,
                          .val_loss = NAN,
                          .best_val_loss = NAN,
                          .best_step = -1};
}

/* Takes over `text`. */
static Status add_event(RunRecord *record, char *text) {
    char **grown = text ? realloc(record->events, (size_t)(record->event_count + 1) * sizeof *grown) : NULL;
    if (!grown) {
        free(text);
        return status_no_memory("the guard's events", 4096);
    }
    record->events = grown;
    record->events[record->event_count++] = text;
    return NULL;
}

ThroughputKey run_record_key(const RunRecord *record) {
    return (ThroughputKey){.config_hash = record->config_hash, .device = record->device, .threads = record->threads};
}

Status run_record_continue(RunRecord *record, const char *path, int64_t last_step) {
    if (!files_exists(path))
        return NULL;
    char *text;
    size_t size;
    TRY(files_read(path, &text, &size));
    const ThroughputKey key = run_record_key(record);
    throughput_read(text, size, &key, &record->throughput);
    cJSON *earlier = cJSON_ParseWithLength(text, size);
    free(text);
    Status status = NULL;
    const cJSON *event;
    cJSON_ArrayForEach(event, cJSON_GetObjectItemCaseSensitive(earlier, "guard_events")) {
        const cJSON *step = cJSON_GetObjectItemCaseSensitive(event, "step");
        if (!status && cJSON_IsNumber(step) && step->valuedouble <= (double)last_step)
            status = add_event(record, cJSON_PrintUnformatted(event));
    }
    const cJSON *steps = cJSON_GetObjectItemCaseSensitive(earlier, "steps");
    const cJSON *loss = cJSON_GetObjectItemCaseSensitive(earlier, "final_loss");
    if (cJSON_IsNumber(steps) && cJSON_IsNumber(loss) && steps->valuedouble == (double)last_step)
        record->final_loss = loss->valuedouble;
    cJSON_Delete(earlier);
    return status;
}

int run_record_micro_batch(const char *path) {
    char *text;
    size_t size;
    Status status = files_exists(path) ? files_read(path, &text, &size) : status_error(EXIT_IO, "no run.json");
    if (status) {
        status_free(status);
        return 0;
    }
    cJSON *earlier = cJSON_ParseWithLength(text, size);
    free(text);
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(earlier, "micro_batch");
    const int micro_batch = cJSON_IsNumber(found) && found->valueint > 0 ? found->valueint : 0;
    cJSON_Delete(earlier);
    return micro_batch;
}

Status run_record_event(RunRecord *record, const GuardEvent *event) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return status_no_memory("the guard's events", 4096);
    fprintf(out, "{\"step\": %" PRId64 ", \"batch\": %" PRIu64 ", \"kind\": \"%s\", \"action\": \"%s\", \"loss\": ",
            event->step, event->batch, event->kind, event->action);
    json_number(out, event->loss);
    fprintf(out, ", \"found\": \"%s\", \"tensor\": ", event->found);
    json_string(out, event->tensor);
    fputs(", \"records\": [", out);
    for (int i = 0; i < event->record_count; i++) {
        fputs(i ? ", " : "", out);
        json_string(out, event->records[i]);
    }
    fputs("]}", out);
    if (fclose(out) != 0) {
        free(text);
        text = NULL;
    }
    return add_event(record, text);
}

static void put_text(FILE *out, const char *key, const char *value) {
    fprintf(out, ",\n  \"%s\": ", key);
    json_string(out, value);
}

static void put_number(FILE *out, const char *key, double value) {
    fprintf(out, ",\n  \"%s\": ", key);
    json_number(out, value);
}

static void put_count(FILE *out, const char *key, int64_t value) {
    fprintf(out, ",\n  \"%s\": %" PRId64, key, value);
}

/* Hexadecimal, as text: JSON's numbers cannot hold 64 bits. */
static void put_hash(FILE *out, const char *key, uint64_t value) {
    fprintf(out, ",\n  \"%s\": \"%016" PRIx64 "\"", key, value);
}

static void put_time(FILE *out, const char *key, int64_t value) {
    time_t seconds = (time_t)value;
    struct tm utc;
    char text[32];
    if (value && gmtime_r(&seconds, &utc) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc))
        put_text(out, key, text);
    else
        fprintf(out, ",\n  \"%s\": null", key);
}

static void print(const RunRecord *record, FILE *out) {
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    fputs("{\n  \"status\": ", out);
    json_string(out, record->status);
    put_text(out, "exit_reason", record->exit_reason);
    if (record->exit_code >= 0)
        put_count(out, "exit_code", record->exit_code);
    else
        fputs(",\n  \"exit_code\": null", out);
    put_text(out, "run_dir", record->run_dir);
    put_time(out, "started", record->started);
    put_time(out, "ended", record->ended);
    put_text(out, "host", host);
    put_text(out, "backend", record->backend);
    put_count(out, "threads", record->threads);
    put_count(out, "micro_batch", record->micro_batch);
    put_text(out, "device", record->device);
    fputs(",\n  \"versions\": ", out);
    versions_print(&record->versions, out);
    fputs(",\n  \"throughput\": ", out);
    throughput_print(&record->throughput, out);
    put_hash(out, "config_hash", record->config_hash);
    put_hash(out, "data_hash", record->data_hash);
    put_count(out, "data_count", record->data_count);
    put_count(out, "parameters", record->parameters);
    put_count(out, "resumed_step", record->resumed_step);
    put_count(out, "steps", record->steps);
    put_count(out, "total_steps", record->total_steps);
    put_number(out, "final_loss", record->final_loss);
    put_number(out, "val_loss", record->val_loss);
    put_number(out, "best_val_loss", record->best_val_loss);
    put_count(out, "best_step", record->best_step);
    put_count(out, "checkpoints_skipped", record->checkpoints_skipped);
    fputs(",\n  \"guard_events\": [", out);
    for (int i = 0; i < record->event_count; i++)
        fprintf(out, "%s\n    %s", i ? "," : "", record->events[i]);
    fputs("],\n  \"bad_records\": [", out);
    for (int i = 0; i < record->unreadable.count; i++) {
        fprintf(out, "%s\n    {\"path\": ", i ? "," : "");
        json_string(out, record->unreadable.list[i].path);
        fputs(", \"reason\": ", out);
        json_string(out, record->unreadable.list[i].reason);
        fputc('}', out);
    }
    fputs("]\n}\n", out);
}

Status run_record_write(const RunRecord *record, const char *path) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return status_no_memory("run.json", 4096);
    print(record, out);
    if (fclose(out) != 0) {
        free(text);
        return status_no_memory("run.json", 4096);
    }
    Status status = files_write(path, text, size);
    free(text);
    return status;
}

void run_record_close(RunRecord *record) {
    unreadable_close(&record->unreadable);
    for (int i = 0; i < record->event_count; i++)
        free(record->events[i]);
    free(record->events);
    record->events = NULL;
    record->event_count = 0;
}
