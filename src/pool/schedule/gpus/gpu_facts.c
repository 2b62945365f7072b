/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/schedule/gpus/gpu_facts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    char text[POOL_ID + 32];
} FactName;

static FactName name_fact(const ScheduleGpu *gpu, const char *what) {
    FactName name;
    if (gpu->cpu)
        snprintf(name.text, sizeof name.text, "%s slot %d", what, gpu->number);
    else
        snprintf(name.text, sizeof name.text, "%s %s", what, gpu->id);
    return name;
}

/* Whether there is such a text. */
static Status read_text(Schedule *schedule, const ScheduleGpu *gpu, const char *what, char *text, size_t size,
                        bool *found) {
    char *value;
    TRY(store_get_fact_text(schedule->store, name_fact(gpu, what).text, &value));
    snprintf(text, size, "%s", value);
    *found = value[0] != '\0';
    free(value);
    return NULL;
}

Status gpu_facts_read(Schedule *schedule, ScheduleGpu *gpu) {
    double baseline, uncorrected;
    TRY(read_text(schedule, gpu, "quarantine", gpu->quarantine_why, sizeof gpu->quarantine_why, &gpu->quarantined));
    TRY(read_text(schedule, gpu, "drained", gpu->drained_by, sizeof gpu->drained_by, &gpu->drained));
    TRY(store_get_fact(schedule->store, name_fact(gpu, "baseline").text, &baseline));
    TRY(store_get_fact(schedule->store, name_fact(gpu, "uncorrected").text, &uncorrected));
    gpu->baseline = isnan(baseline) ? -1 : (int64_t)baseline;
    gpu->uncorrected = isnan(uncorrected) ? 0 : (int64_t)uncorrected;
    return NULL;
}

Status gpu_facts_keep(Schedule *schedule, const ScheduleGpu *gpu) {
    Store *store = schedule->store;
    TRY(store_put_fact_text(store, name_fact(gpu, "quarantine").text, gpu->quarantined ? gpu->quarantine_why : ""));
    TRY(store_put_fact_text(store, name_fact(gpu, "drained").text, gpu->drained ? gpu->drained_by : ""));
    if (gpu->baseline >= 0)
        TRY(store_put_fact(store, name_fact(gpu, "baseline").text, (double)gpu->baseline));
    return store_put_fact(store, name_fact(gpu, "uncorrected").text, (double)gpu->uncorrected);
}
