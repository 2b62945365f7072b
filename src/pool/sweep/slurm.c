/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/sweep/slurm.h"

#include "base/files.h"
#include "pool/sweep/trials/trial_command.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { AT_A_TIME = 8 };

/* As one word of a shell. */
static void write_quoted(const char *text, FILE *out) {
    fputc('\'', out);
    for (const char *c = text; *c; c++)
        *c == '\'' ? fputs("'\\''", out) : fputc(*c, out);
    fputc('\'', out);
}

static void write_head(const Sweep *sweep, int64_t count, const char *folder, FILE *out) {
    fprintf(out,
            "#!/bin/bash\n"
            "# The sweep %s, a task for each trial:   sbatch runs/sweeps/%s/slurm.sh\n"
            "# At most %d at a time: put the number of GPUs that you may use after the %%.\n"
            "#SBATCH --job-name=%s\n"
            "#SBATCH --array=0-%" PRId64 "%%%d\n"
            "#SBATCH --gpus=1\n"
            "#SBATCH --requeue\n"
            "#SBATCH --open-mode=append\n"
            "#SBATCH --output=runs/sweeps/%s/slurm-%%a.log\n"
            "# Two minutes before the time is up a checkpoint is written, and the task ends with 75. It queues itself\n"
            "# again then; where slurm.conf has RequeueExit=75, Slurm does.\n"
            "#SBATCH --signal=B:USR1@120\n",
            sweep->name, sweep->name, AT_A_TIME, sweep->name, count - 1, AT_A_TIME, sweep->name);
    fputs("cd ", out);
    write_quoted(folder, out);
    fputs(" || exit 74\n\n"
          "# Slurm signals this shell alone, perhaps before it knows its child.\n"
          "stop= child=\n"
          "trap 'stop=1; kill -USR1 \"$child\" 2>/dev/null' USR1 TERM\n"
          "run() {\n"
          "    \"$@\" &\n"
          "    child=$!\n"
          "    [ -z \"$stop\" ] || kill -USR1 \"$child\"\n"
          "    while kill -0 \"$child\" 2>/dev/null; do wait \"$child\"; done # a signal ends a wait, too\n"
          "    wait \"$child\"\n"
          "    code=$?\n"
          "    if [ \"$code\" = 75 ] && command -v scontrol >/dev/null; then\n"
          "        scontrol requeue \"${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID\"\n"
          "    fi\n"
          "    [ \"$code\" = 0 ] || exit \"$code\"\n"
          "}\n\n"
          "case $SLURM_ARRAY_TASK_ID in\n",
          out);
}

static Status write_trial(const Sweep *sweep, const Trial *trial, int64_t number, FILE *out) {
    Words words;
    char *task = NULL, *described = NULL;
    Status status = trial_command_words(sweep, trial->config, &words);
    if (!status)
        status = trial_command_task(sweep, &task);
    if (!status)
        status = trial_describe(trial, &described);
    if (!status) {
        fprintf(out, "%" PRId64 ") # %s\n    run", number, described);
        for (int64_t i = 0; i < words.count; i++)
            fprintf(out, " %s", words.list[i]);
        if (task && words.count)
            fprintf(out, "\n    run ./eval %s --task %s", trial->run_dir, task);
    }
    if (!status && !words.count) {
        char *line;
        status = trial_command_line(sweep, trial, &line);
        if (!status) {
            fputs(" sh -c ", out);
            write_quoted(line, out);
            fprintf(out, " %s", trial->config);
            free(line);
        }
    }
    fputs("\n    ;;\n", out);
    free(described);
    free(task);
    words_free(&words);
    return status;
}

Status slurm_write(const Sweep *sweep, const bool *wanted, char **path) {
    char *text = NULL, folder[4096];
    size_t size;
    int64_t count = 0;
    if (!getcwd(folder, sizeof folder))
        return status_error(EXIT_IO, "the current folder has no name; call from another one");
    TRY(files_path(path, "runs/sweeps/%s/slurm.sh", sweep->name));
    for (int64_t i = 0; i < sweep->count; i++)
        count += wanted[i];
    FILE *out = open_memstream(&text, &size);
    Status status = out ? NULL : status_no_memory("a script", 4096);
    if (out)
        write_head(sweep, count, folder, out);
    for (int64_t i = 0, number = 0; i < sweep->count && !status; i++)
        if (wanted[i])
            status = write_trial(sweep, &sweep->trials[i], number++, out);
    if (out) {
        fputs("*) echo \"slurm.sh: SLURM_ARRAY_TASK_ID is not the number of a trial\" >&2; exit 64 ;;\nesac\n", out);
        if (fclose(out) != 0 && !status)
            status = status_no_memory("a script", 4096);
    }
    if (!status)
        status = files_write(*path, text, size);
    free(text);
    return status;
}
