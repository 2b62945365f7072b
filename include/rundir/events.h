/* SPDX-License-Identifier: Apache-2.0 */
/* The scalars of metrics.jsonl for TensorBoard: a file of TFRecords, each an Event in protocol buffers' encoding, with
 * what TensorBoard's reader needs and no more. Every event is appended with one write(2): a process that is killed
 * leaves at most the last one cut short, where the reader stops. A file is never changed but at its end: what was
 * undone stays in it, and a START event tells the reader to forget it. Numbers are floats there. */
#ifndef FOVEA_RUNDIR_EVENTS_H
#define FOVEA_RUNDIR_EVENTS_H

#include "base/status.h"
#include <stddef.h>
#include <stdint.h>

/* What a file's name begins with; a number of ten digits follows. TensorBoard reads the files of a folder in the order
 * of their names, and goes on with a later one for good. */
#define EVENTS_PREFIX "events.out.tfevents."

typedef struct {
    char *path;
    int descriptor; /* O_APPEND; -1: not open */
} Events;

/* Begins a new file in the folder of `beside`; its number is the date in seconds, or a larger one if the folder has
 * that already. Of earlier files the steps after `last_step` are forgotten. */
Status events_open(Events *events, const char *beside, int64_t last_step) MUST_USE;
/* Appends a line of metrics.jsonl [size]: every number in it but `step` is a scalar. Its tag is the field's name, with
 * those of the objects around it and "/" between them. What is null has none. */
Status events_append(Events *events, const char *line, size_t size) MUST_USE;
/* The steps after `last_step` are forgotten. */
Status events_drop_after(Events *events, int64_t last_step) MUST_USE;
void events_close(Events *events);

#endif
