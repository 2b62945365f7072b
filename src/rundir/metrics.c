/* SPDX-License-Identifier: Apache-2.0 */
#include "rundir/metrics.h"

#include "base/files.h"
#include "base/json.h"

#include <cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_kept(const char *line, size_t length, int64_t last_step) {
    cJSON *object = cJSON_ParseWithLength(line, length);
    const cJSON *step = cJSON_GetObjectItemCaseSensitive(object, "step");
    bool kept = cJSON_IsNumber(step) && step->valuedouble <= (double)last_step;
    cJSON_Delete(object);
    return kept;
}

static Status drop_after(const char *path, int64_t last_step) {
    char *text;
    size_t size;
    TRY(files_read(path, &text, &size));
    size_t kept = 0;
    for (size_t start = 0; start < size;) {
        const char *newline = memchr(text + start, '\n', size - start);
        size_t length = newline ? (size_t)(newline - text) - start + 1 : size - start;
        if (newline && is_kept(text + start, length - 1, last_step)) {
            memmove(text + kept, text + start, length);
            kept += length;
        }
        start += length;
    }
    Status status = kept < size ? files_write(path, text, kept) : NULL;
    free(text);
    return status;
}

static Status reopen(Metrics *metrics, int64_t last_step) {
    if (metrics->descriptor >= 0)
        close(metrics->descriptor);
    metrics->descriptor = -1;
    if (files_exists(metrics->path))
        TRY(drop_after(metrics->path, last_step));
    metrics->descriptor = open(metrics->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (metrics->descriptor < 0)
        return status_error(EXIT_IO, "cannot open %s: %s", metrics->path, strerror(errno));
    return NULL;
}

Status metrics_open(Metrics *metrics, const char *path, int64_t last_step) {
    *metrics = (Metrics){.descriptor = -1};
    TRY(files_path(&metrics->path, "%s", path));
    return reopen(metrics, last_step);
}

Status metrics_drop_after(Metrics *metrics, int64_t last_step) {
    return reopen(metrics, last_step);
}

static void put(FILE *out, const char *key, double value) {
    fprintf(out, ", \"%s\": ", key);
    json_number(out, value);
}

static Status append(Metrics *metrics, FILE *out, char **text, size_t *size) {
    if (fclose(out) != 0 || !*text) {
        free(*text);
        return status_no_memory("a line of metrics", 512);
    }
    Status status = files_write_all(metrics->descriptor, metrics->path, *text, *size);
    free(*text);
    return status;
}

Status metrics_append(Metrics *metrics, const MetricsLine *line) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return status_no_memory("a line of metrics", 512);
    fprintf(out, "{\"step\": %" PRId64, line->step);
    put(out, "epoch", line->epoch);
    put(out, "loss", line->loss);
    put(out, "loss_mean", line->loss_mean);
    put(out, "lr", line->lr);
    put(out, "grad_norm", line->grad_norm);
    put(out, "images_per_s", line->images_per_s);
    put(out, "mfu", line->mfu);
    put(out, "data_wait", line->data_wait);
    put(out, "checkpoint_wait", line->checkpoint_wait);
    put(out, "queue", line->queue);
    put(out, "read_bytes_per_s", line->read_rate);
    put(out, "copy_bytes_per_s", line->copy_rate);
    put(out, "seconds", line->seconds);
    fprintf(out, ", \"bad_records\": %" PRId64 ", \"checkpoints_skipped\": %" PRId64 "}\n", line->bad_records,
            line->checkpoints_skipped);
    return append(metrics, out, &text, &size);
}

Status metrics_append_validation(Metrics *metrics, int64_t step, double val_loss) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return status_no_memory("a line of metrics", 512);
    fprintf(out, "{\"step\": %" PRId64, step);
    put(out, "val_loss", val_loss);
    fputs("}\n", out);
    return append(metrics, out, &text, &size);
}

Status metrics_append_fp8(Metrics *metrics, int64_t step, const MetricsFp8 *layers, int count) {
    uint64_t saturated = 0, overflows = 0;
    int off = 0;
    for (int i = 0; i < count; i++) {
        saturated += layers[i].saturated;
        overflows += layers[i].overflows;
        off += layers[i].off;
    }
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return status_no_memory("a line of metrics", 512);
    fprintf(out,
            "{\"step\": %" PRId64 ", \"fp8_saturated\": %" PRIu64 ", \"fp8_overflows\": %" PRIu64
            ", \"fp8_off\": %d, \"fp8_layers\": {",
            step, saturated, overflows, off);
    const char *comma = "";
    for (int i = 0; i < count; i++) {
        const MetricsFp8 *layer = &layers[i];
        if (!layer->overflows && !layer->off)
            continue;
        fprintf(out, "%s\"%s\": {\"saturated\": %" PRIu64 ", \"overflows\": %" PRIu64 ", \"off\": %s}", comma,
                layer->name, layer->saturated, layer->overflows, layer->off ? "true" : "false");
        comma = ", ";
    }
    fputs("}}\n", out);
    return append(metrics, out, &text, &size);
}

void metrics_close(Metrics *metrics) {
    if (metrics->path && metrics->descriptor >= 0)
        close(metrics->descriptor);
    free(metrics->path);
    *metrics = (Metrics){.descriptor = -1};
}
