/* SPDX-License-Identifier: Apache-2.0 */
#include "train/run/throughput_check.h"

#include "train/run/provenance.h"
#include "train/run/run_report.h"

#include <stdlib.h>
#include <unistd.h>

static void measure_throughput(const Run *run, Throughput *now) {
    const ThroughputWatch *watch = &run->watch;
    const double seconds = watch->seconds > 0 ? watch->seconds : 1e-9;
    *now = (Throughput){.images_per_s = (double)(THROUGHPUT_STEPS * run->config->train.global_batch) / seconds,
                        .data_wait = watch->data_wait / seconds,
                        .micro_batch = run->micro_batch};
    gethostname(now->host, sizeof now->host - 1);
    provenance_versions(run->device, &now->versions);
}

Status throughput_check(Run *run, const StepFigures *figures) {
    if (!throughput_count(&run->watch, figures->seconds, figures->data_wait))
        return NULL;
    RunRecord *record = &run->record;
    const ThroughputKey key = run_record_key(record);
    Throughput now, best = record->throughput;
    char *warning;
    measure_throughput(run, &now);
    throughput_best_beside(run->directory.path, &key, &best);
    TRY(throughput_warning(&now, &best, &warning));
    if (warning)
        monitor_note(&run->monitor, "%s", warning);
    free(warning);
    if (now.images_per_s > record->throughput.images_per_s)
        record->throughput = now;
    return run_write_record(run);
}
