/* SPDX-License-Identifier: Apache-2.0 */
#include "train/monitor/layer_watch.h"

Status layer_watch_open(LayerWatch *watch, Objective *objective, Optimizer *optimizer, Ops *ops) {
    return health_open(objective, optimizer, ops, &watch->health);
}

void layer_watch_close(LayerWatch *watch) {
    health_close(watch->health);
    judge_close(&watch->judge);
    *watch = (LayerWatch){0};
}

static void note_findings(const LayerWatch *watch, Monitor *monitor, int64_t first) {
    char text[JUDGE_TEXT];
    for (int64_t i = first; i < watch->judge.finding_count; i++) {
        judge_print(&watch->judge.findings[i], text);
        monitor_note(monitor, "%s", text);
    }
}

static Status read_lines(LayerWatch *watch, const Monitor *monitor) {
    return layer_figures_read(monitor->metrics.path, judge_take, &watch->judge);
}

Status layer_watch_continue(LayerWatch *watch, const Monitor *monitor, const RunSummary *earlier, uint64_t next_batch) {
    if (!watch->health)
        return NULL;
    for (int i = 0; i < earlier->event_count; i++) {
        const RunEvent *event = &earlier->events[i];
        if (event->found[0] && event->step >= 0 && run_event_is_past(event, next_batch))
            TRY(layer_watch_guard(watch, event->tensor, event->step));
    }
    return read_lines(watch, monitor);
}

Status layer_watch_step(LayerWatch *watch, Monitor *monitor, int64_t step, bool *found) {
    const LayerFigures *layers;
    int count;
    const int64_t before = watch->judge.finding_count;
    *found = false;
    if (!watch->health)
        return NULL;
    TRY(health_read(watch->health, &layers, &count));
    TRY(metrics_append_layers(&monitor->metrics, step, layers, count));
    TRY(judge_take(&watch->judge, step, layers, count));
    note_findings(watch, monitor, before);
    *found = watch->judge.finding_count > before;
    return NULL;
}

Status layer_watch_undo(LayerWatch *watch, const Monitor *monitor) {
    if (!watch->health)
        return NULL;
    judge_rewind(&watch->judge);
    return read_lines(watch, monitor);
}

Status layer_watch_guard(LayerWatch *watch, const char *tensor, int64_t step) {
    char layer[64];
    if (!watch->health)
        return NULL;
    judge_layer_name(tensor, layer);
    return judge_add_guards(&watch->judge, layer, tensor, step);
}

void layer_watch_conclude(const LayerWatch *watch, Monitor *monitor) {
    note_findings(watch, monitor, 0);
}
