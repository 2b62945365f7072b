/* SPDX-License-Identifier: Apache-2.0 */
#include "train/plan/plan_json.h"

#include "base/json.h"
#include "base/threads.h"
#include "cost/flops.h"
#include "train/objective/model_shape.h"

#include <stdlib.h>

static void write_bytes(Json *json, const char *key, size_t bytes) {
    if (bytes == SIZE_MAX)
        json_null(json, key);
    else
        json_unsigned(json, key, bytes);
}

static void write_arena(Json *json, const char *key, const Arena *arena) {
    json_object(json, key, JSON_INDENT);
    json_unsigned(json, "total", arena->used);
    json_array(json, "groups", JSON_INDENT);
    for (int i = 0; i < arena->group_count; i++) {
        if (!arena->groups[i].bytes)
            continue;
        json_object(json, NULL, JSON_LINE);
        json_string(json, "for", arena->groups[i].name);
        json_unsigned(json, "bytes", arena->groups[i].bytes);
        json_end(json);
    }
    json_end(json);
    json_end(json);
}

static void write_device(Json *json, const PlanFigures *figures) {
    const MemoryBudget *budget = figures->budget;
    json_object(json, "device", JSON_INDENT);
    json_string(json, "name", budget->name);
    json_bool(json, "shares_host_memory", memory_is_shared(budget));
    json_unsigned(json, "needed", memory_needed(&figures->memory, budget));
    json_unsigned(json, "must_stay_free", budget->margin);
    json_unsigned(json, "free", budget->free);
    json_unsigned(json, "total", budget->total);
    write_bytes(json, "host_free", budget->host_free);
    json_end(json);
}

/* The best and the one being written come on top of those that stay. */
static void write_disk(Json *json, const PlanFigures *figures) {
    json_object(json, "disk", JSON_INDENT);
    json_unsigned(json, "checkpoint", figures->checkpoint);
    json_integer(json, "kept", figures->kept);
    json_integer(json, "most", figures->kept + 2);
    json_unsigned(json, "total", figures->checkpoint * (size_t)(figures->kept + 2));
    json_end(json);
}

static void write_work(Json *json, const PlanFigures *figures) {
    const Config *config = figures->config;
    const ModelShape shape = model_shape_of(config, figures->memory.micro_batch);
    if (figures->steps)
        json_integer(json, "steps", figures->steps);
    else
        json_null(json, "steps");
    json_integer(json, "global_batch", config->train.global_batch);
    json_integer(json, "micro_batch", figures->memory.micro_batch);
    json_integer(json, "accumulation", config->train.global_batch / figures->memory.micro_batch);
    json_integer(json, "largest_micro_batch", figures->largest_micro_batch);
    json_integer(json, "threads", config->train.threads ? config->train.threads : threads_available());
    json_integer(json, "parameters", (int64_t)figures->memory.params.total);
    json_real(json, "flops_per_image", flops_training(&shape));
}

static void write_hashes(Json *json, const PlanFigures *figures, uint64_t config) {
    json_hash(json, "config_hash", config);
    if (figures->has_data) {
        json_hash(json, "data_hash", figures->data_hash);
        json_integer(json, "data_count", figures->data_count);
        json_hash(json, "identity", figures->identity);
        return;
    }
    json_null(json, "data_hash");
    json_null(json, "data_count");
    json_null(json, "identity");
}

Status plan_json_print(const PlanFigures *figures, const char *run_dir) {
    Json json;
    char *text;
    size_t size;
    uint64_t hash;
    TRY(config_hash(&train_config, figures->config, &hash));
    json_open(&json, NULL);
    json_object(&json, NULL, JSON_INDENT);
    json_bool(&json, "fits", !figures->reason);
    if (figures->reason)
        json_string(&json, "reason", figures->reason);
    else
        json_null(&json, "reason");
    json_string(&json, "run_dir", run_dir);
    json_string(&json, "objective",
                config_choice_name(&train_config, "train.objective", (int)figures->config->train.objective));
    write_device(&json, figures);
    write_arena(&json, "device_memory", &figures->memory.device);
    write_arena(&json, "host_memory", &figures->memory.host);
    write_disk(&json, figures);
    write_work(&json, figures);
    write_hashes(&json, figures, hash);
    json_end(&json);
    json_newline(&json);
    TRY(json_close(&json, "the plan", &text, &size));
    const bool written = fwrite(text, 1, size, stdout) == size && fflush(stdout) == 0;
    free(text);
    return written ? NULL : status_error(EXIT_IO, "standard output: the plan cannot be written");
}
