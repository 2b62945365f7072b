/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/answer/answer_ghosts.h"

#include "pool/process.h"

/* A free GPU has memory of the driver's own; one in these states should have none left. */
static bool is_ghost(const GpuView *view) {
    const GaugeSample *sample = &view->seen.sample;
    bool clear = view->state == GPU_DRAINING || view->state == GPU_QUARANTINED;
    return view->state == GPU_GHOST ||
           (clear && sample->known && sample->process_count == 0 && sample->memory_used > 0);
}

static void put_ghost(const GpuView *view, Json *json) {
    json_object(json, NULL, JSON_LINE);
    json_integer(json, "gpu", view->gpu);
    json_string(json, "state", gpu_state_name(view->state));
    json_string(json, "reason", view->reason);
    answer_time(json, "since", view->since);
    answer_size(json, "memory", view->seen.sample.known ? view->seen.sample.memory_used : -1);
    json_end(json);
}

typedef struct {
    AnswerOwner owner;
    void *context;
    Json *json;
} Nodes;

static Status take_node(void *context, int64_t pid, const char *path) {
    const Nodes *nodes = context;
    Json *json = nodes->json;
    ForeignProcess process;
    if (!process_describe(pid, &process))
        return NULL; /* it has ended meanwhile */
    json_object(json, NULL, JSON_LINE);
    json_string(json, "path", path);
    json_integer(json, "pid", pid);
    json_integer(json, "uid", process.uid);
    json_string(json, "user", process.user);
    answer_time(json, "since", process.since);
    answer_number(json, "job", nodes->owner(nodes->context, pid));
    json_string(json, "command", process.command);
    json_end(json);
    return NULL;
}

Status answer_ghosts(const AnswerSource *source, const char *nodes, AnswerOwner owner, void *context, Json *json) {
    Nodes taken = {.owner = owner, .context = context, .json = json};
    int hidden;
    json_object(json, NULL, JSON_LINE);
    json_double(json, "time", source->now);
    json_array(json, "ghosts", JSON_LINE);
    for (int i = 0; i < schedule_gpu_count(source->schedule); i++) {
        GpuView view;
        schedule_gpu_view(source->schedule, i, &view);
        if (is_ghost(&view))
            put_ghost(&view, json);
    }
    json_end(json);
    json_array(json, "nodes", JSON_LINE);
    TRY(process_each_open(nodes, take_node, &taken, &hidden));
    json_end(json);
    json_integer(json, "hidden", hidden);
    json_end(json);
    return NULL;
}
