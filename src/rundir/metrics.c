/* SPDX-License-Identifier: Apache-2.0 */
#include "rundir/metrics.h"

#include "base/files.h"
#include "base/json.h"
#include "base/text.h"

#include <cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *key;
    size_t offset; /* of a double in MetricsLine */
} reals[] = {
    {"epoch", offsetof(MetricsLine, epoch)},
    {"loss", offsetof(MetricsLine, loss)},
    {"loss_mean", offsetof(MetricsLine, loss_mean)},
    {"lr", offsetof(MetricsLine, lr)},
    {"grad_norm", offsetof(MetricsLine, grad_norm)},
    {"images_per_s", offsetof(MetricsLine, images_per_s)},
    {"mfu", offsetof(MetricsLine, mfu)},
    {"data_wait", offsetof(MetricsLine, data_wait)},
    {"checkpoint_wait", offsetof(MetricsLine, checkpoint_wait)},
    {"queue", offsetof(MetricsLine, queue)},
    {"read_bytes_per_s", offsetof(MetricsLine, read_rate)},
    {"copy_bytes_per_s", offsetof(MetricsLine, copy_rate)},
    {"seconds", offsetof(MetricsLine, seconds)},
};
enum { REALS = sizeof reals / sizeof *reals };

/* Of the GPU, beside "gpu_memory". */
static const struct {
    const char *key;
    size_t offset; /* of a double in MetricsGpu */
} gpu_reals[] = {
    {"gpu_celsius", offsetof(MetricsGpu, celsius)},     {"gpu_memory_celsius", offsetof(MetricsGpu, memory_celsius)},
    {"gpu_watts", offsetof(MetricsGpu, watts)},         {"gpu_pcie_to", offsetof(MetricsGpu, pcie_to)},
    {"gpu_pcie_from", offsetof(MetricsGpu, pcie_from)},
};
enum { GPU_REALS = sizeof gpu_reals / sizeof *gpu_reals };

static bool is_kept(const char *line, size_t length, int64_t last_step) {
    cJSON *object = cJSON_ParseWithLength(line, length);
    const cJSON *step = cJSON_GetObjectItemCaseSensitive(object, "step");
    bool kept = cJSON_IsNumber(step) && step->valuedouble <= (double)last_step;
    cJSON_Delete(object);
    return kept;
}

static Status drop_lines_after(const char *path, int64_t last_step) {
    char *text;
    size_t size;
    TRY(files_read(path, &text, &size));
    size_t kept = 0;
    TextLine line;
    for (const char *at = text; text_next_line(&at, text + size, &line);)
        if (line.ended && is_kept(line.start, line.length, last_step)) {
            memmove(text + kept, line.start, line.length + 1);
            kept += line.length + 1;
        }
    Status status = kept < size ? files_write(path, text, kept) : NULL;
    free(text);
    return status;
}

static Status reopen_after(Metrics *metrics, int64_t last_step) {
    if (metrics->descriptor >= 0)
        close(metrics->descriptor);
    metrics->descriptor = -1;
    if (files_exists(metrics->path))
        TRY(drop_lines_after(metrics->path, last_step));
    metrics->descriptor = open(metrics->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (metrics->descriptor < 0)
        return status_error(EXIT_IO, "cannot open %s: %s", metrics->path, strerror(errno));
    return NULL;
}

Status metrics_open(Metrics *metrics, const char *path, int64_t last_step) {
    *metrics = (Metrics){.descriptor = -1};
    TRY(files_path(&metrics->path, "%s", path));
    TRY(reopen_after(metrics, last_step));
    return events_open(&metrics->events, path, last_step);
}

Status metrics_drop_after(Metrics *metrics, int64_t last_step) {
    TRY(reopen_after(metrics, last_step));
    return events_drop_after(&metrics->events, last_step);
}

/* Ends the line and appends it with one write; then the event that is made of it. */
static Status append_line(Metrics *metrics, Json *json) {
    char *text;
    size_t size;
    json_end(json);
    json_newline(json);
    TRY(json_close(json, "a line of metrics", &text, &size));
    Status status = files_write_all(metrics->descriptor, metrics->path, text, size);
    if (!status)
        status = events_append(&metrics->events, text, size);
    free(text);
    return status;
}

static void begin_line(Json *json, int64_t step) {
    json_open(json, NULL);
    json_object(json, NULL, JSON_LINE);
    json_integer(json, "step", step);
}

static void print_gpu(const MetricsGpu *gpu, Json *json) {
    if (!gpu->watched)
        return;
    if (gpu->memory < 0)
        json_null(json, "gpu_memory");
    else
        json_integer(json, "gpu_memory", gpu->memory);
    for (int i = 0; i < GPU_REALS; i++)
        json_real(json, gpu_reals[i].key, *(const double *)((const char *)gpu + gpu_reals[i].offset));
}

Status metrics_append(Metrics *metrics, const MetricsLine *line) {
    Json json;
    begin_line(&json, line->step);
    for (int i = 0; i < REALS; i++)
        json_real(&json, reals[i].key, *(const double *)((const char *)line + reals[i].offset));
    json_integer(&json, "bad_records", line->bad_records);
    json_integer(&json, "checkpoints_skipped", line->checkpoints_skipped);
    print_gpu(&line->gpu, &json);
    return append_line(metrics, &json);
}

Status metrics_append_validation(Metrics *metrics, int64_t step, double val_loss, const MetricsFigure *figures,
                                 int count) {
    Json json;
    begin_line(&json, step);
    json_real(&json, "val_loss", val_loss);
    if (count)
        json_object(&json, "val_figures", JSON_LINE);
    for (int i = 0; i < count; i++)
        json_real(&json, figures[i].name, figures[i].value);
    if (count)
        json_end(&json);
    return append_line(metrics, &json);
}

Status metrics_append_fp8(Metrics *metrics, int64_t step, const MetricsFp8 *layers, int count) {
    uint64_t saturated = 0, overflows = 0;
    int off = 0;
    for (int i = 0; i < count; i++) {
        saturated += layers[i].saturated;
        overflows += layers[i].overflows;
        off += layers[i].off;
    }
    Json json;
    begin_line(&json, step);
    json_unsigned(&json, "fp8_saturated", saturated);
    json_unsigned(&json, "fp8_overflows", overflows);
    json_integer(&json, "fp8_off", off);
    json_object(&json, "fp8_layers", JSON_LINE);
    for (int i = 0; i < count; i++) {
        const MetricsFp8 *layer = &layers[i];
        if (!layer->overflows && !layer->off)
            continue;
        json_object(&json, layer->name, JSON_LINE);
        json_unsigned(&json, "saturated", layer->saturated);
        json_unsigned(&json, "overflows", layer->overflows);
        json_bool(&json, "off", layer->off);
        json_end(&json);
    }
    json_end(&json);
    return append_line(metrics, &json);
}

Status metrics_append_layers(Metrics *metrics, int64_t step, const LayerFigures *layers, int count) {
    Json json;
    begin_line(&json, step);
    layer_figures_print(layers, count, &json);
    return append_line(metrics, &json);
}

void metrics_close(Metrics *metrics) {
    if (metrics->path && metrics->descriptor >= 0)
        close(metrics->descriptor);
    events_close(&metrics->events);
    free(metrics->path);
    *metrics = (Metrics){.descriptor = -1};
}

static double get_real(const cJSON *object, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
}

/* 0 when the field is missing or no count. */
static int64_t get_count(const cJSON *object, const char *key) {
    const double value = get_real(object, key);
    return value >= 0 && value <= 0x1p53 ? (int64_t)value : 0;
}

static void read_gpu(const cJSON *object, MetricsGpu *gpu) {
    const double memory = get_real(object, "gpu_memory");
    gpu->watched = cJSON_HasObjectItem(object, "gpu_memory");
    gpu->memory = memory >= 0 && memory <= 0x1p53 ? (int64_t)memory : -1;
    for (int i = 0; i < GPU_REALS; i++)
        *(double *)((char *)gpu + gpu_reals[i].offset) = get_real(object, gpu_reals[i].key);
}

/* False for the other kinds of lines, which have no learning rate. */
static bool read_training_line(const char *text, size_t length, MetricsLine *line) {
    cJSON *object = cJSON_ParseWithLength(text, length);
    const bool training = cJSON_HasObjectItem(object, "step") && cJSON_HasObjectItem(object, "lr");
    line->step = get_count(object, "step");
    line->bad_records = get_count(object, "bad_records");
    line->checkpoints_skipped = get_count(object, "checkpoints_skipped");
    for (int i = 0; i < REALS; i++)
        *(double *)((char *)line + reals[i].offset) = get_real(object, reals[i].key);
    read_gpu(object, &line->gpu);
    cJSON_Delete(object);
    return training;
}

static bool find_last(const char *text, size_t size, MetricsLine *line) {
    const char *end = memrchr(text, '\n', size); /* a line without an end was cut short */
    bool found = false;
    while (end && !found) {
        const char *before = memrchr(text, '\n', (size_t)(end - text));
        const char *start = before ? before + 1 : text;
        found = read_training_line(start, (size_t)(end - start), line);
        end = before;
    }
    return found;
}

Status metrics_last(const char *path, MetricsLine *line, bool *found) {
    char *text;
    size_t size;
    *found = false;
    *line = (MetricsLine){0};
    if (!files_exists(path))
        return NULL;
    TRY(files_read(path, &text, &size));
    *found = find_last(text, size, line);
    free(text);
    return NULL;
}

Status metrics_last_in(int descriptor, const char *path, MetricsLine *line, bool *found) {
    struct stat about;
    *found = false;
    *line = (MetricsLine){0};
    if (fstat(descriptor, &about))
        return files_failure("read", path, errno);
    size_t size = about.st_size < METRICS_TAIL ? (size_t)about.st_size : METRICS_TAIL;
    char *text = malloc(size + 1);
    if (!text)
        return status_no_memory("the end of the metrics", size + 1);
    Status status = files_read_at(descriptor, path, text, size, (uint64_t)about.st_size - size);
    if (!status)
        *found = find_last(text, size, line);
    free(text);
    return status;
}
