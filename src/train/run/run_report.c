/* SPDX-License-Identifier: Apache-2.0 */
#include "train/run/run_report.h"

#include "train/run/provenance.h"

#include <inttypes.h>

static Status record_packs(Run *run) {
    const Records *train = &run->train;
    for (int i = 0; i < train->part_count; i++) {
        RunPack pack = {
            .path = train->parts[i].pack.directory, .images = train->parts[i].count, .samples_per_epoch = -1};
        if (!run->config->data.balance) {
            pack.images = train->groups[i].count;
            pack.samples_per_epoch = train->groups[i].samples_per_epoch;
        }
        TRY(run_record_add_pack(&run->record, &pack));
    }
    return NULL;
}

Status run_begin_record(Run *run) {
    const Params *params = run->objective->params;
    run->record.run_dir = run->directory.path;
    run->record.backend = run->ops.name;
    provenance_device(run->device, run->record.device);
    run->record.gpu_uuid = *gpu_watch_uuid(run->gpu) ? gpu_watch_uuid(run->gpu) : NULL;
    run->record.threads = run->ops.threads;
    run->record.micro_batch = run->micro_batch;
    run->record.config_hash = run->state.config_hash;
    run->record.data_hash = run->state.data_hash;
    run->record.data_count = run->train.count;
    run->record.init_from = run->config->init.from[0] ? run->config->init.from : NULL;
    for (int i = 0; i < params->count; i++)
        run->record.parameters += (int64_t)params->list[i].count;
    run->record.resumed_step = run->state.step;
    run->record.total_steps = run->total_steps;
    run->record.schedule_steps = (int64_t)run->schedule.total_steps;
    return record_packs(run);
}

Status run_write_record(Run *run) {
    RunRecord *record = &run->record;
    provenance_versions(run->device, &record->versions);
    record->steps = run->state.step;
    record->final_loss = run->last_loss;
    record->val_loss = run->state.val_loss;
    record->best_val_loss = run->state.best_val_loss;
    record->metric = run->config->val.metric[0] ? run->config->val.metric : NULL;
    record->val_metric = run->state.val_metric;
    record->best_val_metric = run->state.best_val_metric;
    record->best_step = run->state.best_step;
    record->findings = run->layers.judge.findings;
    record->finding_count = run->layers.judge.finding_count;
    return run_record_write(record, run->directory.record);
}

const char *run_image_path(const Run *run, int index) {
    return records_path(&run->train, run->batch_records[index] % run->train.count);
}

Status run_note_unreadable(Run *run) {
    int before = run->record.unreadable.count;
    TRY(loader_merge_unreadable(run->loader, &run->record.unreadable));
    if (run->record.unreadable.count == before)
        return NULL;
    monitor_note(&run->monitor, "step %" PRId64 ": %d unreadable images so far; run.json lists them with reasons",
                 run->state.step, run->record.unreadable.count);
    return run_write_record(run);
}
