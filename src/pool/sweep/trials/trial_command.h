/* SPDX-License-Identifier: Apache-2.0 */
/* What runs a trial. */
#ifndef FOVEA_POOL_SWEEP_TRIALS_TRIAL_COMMAND_H
#define FOVEA_POOL_SWEEP_TRIALS_TRIAL_COMMAND_H

#include "pool/sweep/trials/trial.h"

/* Words that end in NULL, each of them owned. */
typedef struct {
    char **list;
    int64_t count, capacity;
} Words;

Status words_add(Words *words, const char *format, ...) __attribute__((format(printf, 2, 3))) MUST_USE;
void words_free(Words *words);

/* The words of the sweep's command with {config} replaced; none when the command needs a shell. */
Status trial_command_words(const Sweep *sweep, const char *config, Words *words) MUST_USE;
/* What the job of a trial executes. A command that needs a shell, or is followed by an evaluation, gets one, which ends
 * as the command does (75: stopped with a checkpoint) and hands on the words that the pool adds (--resume). */
Status trial_command_job(const Sweep *sweep, const Trial *trial, Words *words) MUST_USE;
/* The same as a line for a shell, which adds "$@" for more words. */
Status trial_command_line(const Sweep *sweep, const Trial *trial, char **line) MUST_USE;
/* Whether the command understands --resume: it has that word. */
bool trial_command_resumes(const Sweep *sweep);

/* The task of a metric eval:TASK:METRIC; *task is NULL for a number of run.json. The caller's. */
Status trial_command_task(const Sweep *sweep, char **task) MUST_USE;

#endif
