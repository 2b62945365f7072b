/* SPDX-License-Identifier: Apache-2.0 */
#include "train/monitor/gpu_watch.h"

#include "base/threads.h"
#include "gauges/gauges.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

struct GpuWatch {
    Gauges *gauges;
    int index;
    Threads threads;
    pthread_mutex_t lock;
    pthread_cond_t asked;
    /* Under the lock: */
    bool wanted, stopping;
    bool fresh; /* `newest` was not taken yet */
    GaugeSample newest;
};

static void *read_gpu(void *context) {
    GpuWatch *watch = context;
    GaugeSample sample;
    pthread_mutex_lock(&watch->lock);
    while (!watch->stopping) {
        if (!watch->wanted) {
            pthread_cond_wait(&watch->asked, &watch->lock);
            continue;
        }
        watch->wanted = false;
        pthread_mutex_unlock(&watch->lock);
        gauges_sample(watch->gauges, watch->index, &sample);
        pthread_mutex_lock(&watch->lock);
        watch->newest = sample;
        watch->fresh = true;
    }
    pthread_mutex_unlock(&watch->lock);
    return NULL;
}

/* Owns `gauges` unless it fails. */
static Status start_watch(Gauges *gauges, int index, GpuWatch **watch) {
    GpuWatch *started = calloc(1, sizeof *started);
    if (!started)
        return status_no_memory("the readings of the GPU", sizeof *started);
    started->gauges = gauges;
    started->index = index;
    gauges_sample(gauges, index, &started->newest);
    started->fresh = true;
    pthread_mutex_init(&started->lock, NULL);
    pthread_cond_init(&started->asked, NULL);
    Status status = threads_start(&started->threads, 1, "readings of the GPU", read_gpu, started);
    if (status) {
        started->gauges = NULL;
        gpu_watch_close(started);
    } else {
        *watch = started;
    }
    return status;
}

Status gpu_watch_open(const char *pci, GpuWatch **watch) {
    Gauges *gauges;
    *watch = NULL;
    if (!*pci)
        return NULL;
    TRY(gauges_open(&gauges));
    const int index = gauges_find(gauges, pci);
    Status status = index < 0 ? NULL : start_watch(gauges, index, watch);
    if (!*watch)
        gauges_close(gauges);
    return status;
}

void gpu_watch_close(GpuWatch *watch) {
    if (!watch)
        return;
    pthread_mutex_lock(&watch->lock);
    watch->stopping = true;
    pthread_cond_signal(&watch->asked);
    pthread_mutex_unlock(&watch->lock);
    threads_join(&watch->threads);
    pthread_cond_destroy(&watch->asked);
    pthread_mutex_destroy(&watch->lock);
    gauges_close(watch->gauges);
    free(watch);
}

const char *gpu_watch_uuid(const GpuWatch *watch) {
    return watch ? gauges_gpu(watch->gauges, watch->index)->uuid : "";
}

void gpu_watch_ask(GpuWatch *watch) {
    if (!watch)
        return;
    pthread_mutex_lock(&watch->lock);
    watch->wanted = true;
    pthread_cond_signal(&watch->asked);
    pthread_mutex_unlock(&watch->lock);
}

void gpu_watch_take(GpuWatch *watch, MetricsGpu *gpu) {
    *gpu = (MetricsGpu){.watched = watch,
                        .memory = -1,
                        .celsius = NAN,
                        .memory_celsius = NAN,
                        .watts = NAN,
                        .pcie_to = NAN,
                        .pcie_from = NAN};
    if (!watch)
        return;
    pthread_mutex_lock(&watch->lock);
    if (watch->fresh) {
        const GaugeSample *sample = &watch->newest;
        gpu->memory = sample->memory_used;
        gpu->celsius = sample->celsius;
        gpu->memory_celsius = sample->memory_celsius;
        gpu->watts = sample->watts;
        gpu->pcie_to = sample->pcie_to_gpu;
        gpu->pcie_from = sample->pcie_from_gpu;
    }
    watch->fresh = false;
    pthread_mutex_unlock(&watch->lock);
}
