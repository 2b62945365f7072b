/* SPDX-License-Identifier: Apache-2.0 */
/* How a job ended, as the commands that wait for it report it. */
#ifndef FOVEA_POOL_COMMAND_JOB_END_H
#define FOVEA_POOL_COMMAND_JOB_END_H

#include <cJSON.h>

/* The exit code of a program that waited, from the line "ended": the job's own, 128 + n after signal n, EXIT_REFUSED
 * for a job that never ran. What the code does not say is printed on standard error. */
int job_end_code(const cJSON *line);

#endif
