/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/job.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[JOB_STATES] = {"waiting", "held", "running", "stopping", "done", "failed", "cancelled"};

const char *job_state_name(JobState state) {
    return names[state];
}

JobState job_state_of(const char *name) {
    for (int i = 0; i < JOB_STATES; i++)
        if (strcmp(names[i], name) == 0)
            return (JobState)i;
    return (JobState)JOB_STATES;
}

void job_free(Job *job) {
    free(job->name);
    free(job->command);
    free(job->request);
    free(job->wants.after);
    free(job->run_dir);
    free(job->sweep);
    free(job->trial);
    *job = (Job){0};
}
