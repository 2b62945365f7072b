/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.jsonl: one JSON object a line, each appended with one write(2), so that a reader never sees half of one. A
 * training line covers the steps since the training line before it, an FP8 line those since the FP8 line before it; a
 * validation line has step, val_loss and the figures of labels, a monitored step's line the figures of layers.
 * docs/run-directory.md describes the fields. Each line is also an event of TensorBoard, in a file beside
 * metrics.jsonl. */
#ifndef FOVEA_RUNDIR_METRICS_H
#define FOVEA_RUNDIR_METRICS_H

#include "rundir/events.h"
#include "rundir/layer_figures.h"

#include <stdbool.h>
#include <stdint.h>

/* Readings of the run's GPU. */
typedef struct {
    bool watched;                   /* the driver reports them; false: the line has none of these fields */
    int64_t memory;                 /* bytes used, by all processes; -1: not known */
    double celsius, memory_celsius; /* NAN: not known, here and below */
    double watts;
    double pcie_to, pcie_from; /* bytes/s */
} MetricsGpu;

typedef struct {
    int64_t step;                             /* steps completed, from 1 */
    double epoch;                             /* passes over the data, fractional */
    double loss, loss_mean;                   /* of this step; mean over the interval */
    double lr, grad_norm;                     /* of this step; the norm before clipping */
    double images_per_s;                      /* over the interval, without validation and reconstructions */
    double mfu;                               /* at that rate, 0 .. 1; NAN: the chip's peak is not known */
    double data_wait, checkpoint_wait;        /* shares of the interval's time, 0 .. 1 */
    double queue;                             /* full batches ready when one was needed, mean of the interval */
    double read_rate;                         /* bytes/s read from packs over the interval; 0 from a folder */
    double copy_rate;                         /* bytes/s of inputs copied to the device; 0 on the CPU */
    double seconds;                           /* wall time of this step */
    int64_t bad_records, checkpoints_skipped; /* so far */
    MetricsGpu gpu;
} MetricsLine;

/* A layer in FP8: how many values of its three tensors were out of range, and in how many steps. */
typedef struct {
    const char *name;
    uint64_t saturated, overflows;
    bool off; /* the layer computes in BF16 from here on */
} MetricsFp8;

/* A figure of a validation. */
typedef struct {
    char name[64];
    double value; /* NAN: not defined */
} MetricsFigure;

typedef struct {
    char *path;
    int descriptor; /* O_APPEND; -1: not open */
    Events events;
} Metrics;

/* Opens `path` for appending. First drops the lines of steps after `last_step`, and those that are no JSON object with
 * a step (a crash may have cut one short); the file is replaced atomically. */
Status metrics_open(Metrics *metrics, const char *path, int64_t last_step) MUST_USE;
/* Drops lines again, after a rollback to `last_step`. */
Status metrics_drop_after(Metrics *metrics, int64_t last_step) MUST_USE;
Status metrics_append(Metrics *metrics, const MetricsLine *line) MUST_USE;
/* `figures` [count] may be none. */
Status metrics_append_validation(Metrics *metrics, int64_t step, double val_loss, const MetricsFigure *figures,
                                 int count) MUST_USE;
/* Writes the sums over all layers, and by name the layers that overflowed or are off. */
Status metrics_append_fp8(Metrics *metrics, int64_t step, const MetricsFp8 *layers, int count) MUST_USE;
Status metrics_append_layers(Metrics *metrics, int64_t step, const LayerFigures *layers, int count) MUST_USE;
void metrics_close(Metrics *metrics);

/* Reads the last training line of the file at `path`, for other programs. Numbers that are null there are NAN. *found
 * is false when there is no such line, or no file. */
Status metrics_last(const char *path, MetricsLine *line, bool *found) MUST_USE;
/* The same of an open file, whose name is for messages, for a reader that must not trust a path. Only the last
 * METRICS_TAIL bytes are read: a file in which other lines fill them has no training line. */
enum { METRICS_TAIL = 1 << 20 };
Status metrics_last_in(int descriptor, const char *path, MetricsLine *line, bool *found) MUST_USE;

#endif
