/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/answer/answer_speed.h"

#include "rundir/metrics.h"

#include <fcntl.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The daemon is root where it serves many: a FIFO must not stop it, nor another user's file be read. */
static int open_metrics(const Job *job) {
    char path[4096];
    struct stat about;
    if (!job->run_dir || job->run_dir[0] != '/' ||
        snprintf(path, sizeof path, "%s/metrics.jsonl", job->run_dir) >= (int)sizeof path)
        return -1;
    int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
    if (descriptor < 0)
        return -1;
    if (fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode) && about.st_uid == job->uid)
        return descriptor;
    close(descriptor);
    return -1;
}

void answer_read_speed(const Job *job, JobSpeed *speed) {
    MetricsLine line;
    *speed = (JobSpeed){.images_per_s = NAN, .mfu = NAN, .data_wait = NAN};
    int descriptor = open_metrics(job);
    if (descriptor < 0)
        return;
    Status status = metrics_last_in(descriptor, job->run_dir, &line, &speed->known);
    if (!status && speed->known)
        *speed = (JobSpeed){true, line.step, line.images_per_s, line.mfu, line.data_wait};
    status_free(status);
    close(descriptor);
}

void answer_speed(const JobSpeed *speed, Json *json) {
    if (!speed->known) {
        json_null(json, "speed");
        return;
    }
    json_object(json, "speed", JSON_LINE);
    json_integer(json, "step", speed->step);
    json_real(json, "images_per_s", speed->images_per_s);
    json_real(json, "mfu", speed->mfu);
    json_real(json, "data_wait", speed->data_wait);
    json_end(json);
}

static int compare_reals(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* NAN when one of the values is not known. */
static double median_of_others(const JobSpeed *speeds, int count, int own, size_t offset) {
    double values[POOL_GPUS];
    int others = 0;
    for (int i = 0; i < count; i++)
        if (i != own)
            values[others++] = *(const double *)((const char *)&speeds[i] + offset);
    for (int i = 0; i < others; i++)
        if (!isfinite(values[i]))
            return NAN;
    qsort(values, (size_t)others, sizeof *values, compare_reals);
    return (values[(others - 1) / 2] + values[others / 2]) / 2;
}

double answer_others_per_s(const JobSpeed *speeds, int count, int own) {
    static const double LIKE = 0.9; /* equal jobs on equal GPUs differ by a few per cent */
    if (count < 3 || count > POOL_GPUS)
        return NAN;
    double peak = median_of_others(speeds, count, own, offsetof(JobSpeed, mfu));
    if (speeds[own].mfu >= LIKE * peak)
        return NAN;
    return median_of_others(speeds, count, own, offsetof(JobSpeed, images_per_s));
}
