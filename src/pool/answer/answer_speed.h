/* SPDX-License-Identifier: Apache-2.0 */
/* How fast the jobs are that train: from the metrics.jsonl of their run directories. */
#ifndef FOVEA_POOL_ANSWER_ANSWER_SPEED_H
#define FOVEA_POOL_ANSWER_ANSWER_SPEED_H

#include "base/json.h"
#include "pool/job.h"

typedef struct {
    bool known; /* its last training line was read */
    int64_t step;
    double images_per_s, mfu, data_wait; /* shares from 0 to 1; NAN: not known */
} JobSpeed;

/* Reads the job's metrics. The path is its submitter's word: only a file is read that belongs to the job's user. */
void answer_read_speed(const Job *job, JobSpeed *speed);
/* The member "speed": null when it is not known. */
void answer_speed(const JobSpeed *speed, Json *json);
/* The median images/s of the other jobs, of which there must be two, for a comparison with speeds[own]; NAN where they
 * do not compare. Where all know their share of the peak and that of `own` is like the others', the models differ in
 * size, and that is no slower GPU. */
double answer_others_per_s(const JobSpeed *speeds, int count, int own);

#endif
