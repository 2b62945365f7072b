/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/sweep/trials/trial_command.h"

#include "base/list.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char PLACE[] = "{config}";

Status words_add(Words *words, const char *format, ...) {
    va_list arguments;
    TRY(list_grow(&words->list, words->count + 1, &words->capacity, sizeof *words->list, "a command"));
    va_start(arguments, format);
    Status status = text_format_list(&words->list[words->count], "a command", format, arguments);
    va_end(arguments);
    words->count += status == NULL;
    words->list[words->count] = NULL;
    return status;
}

void words_free(Words *words) {
    for (int64_t i = 0; i < words->count; i++)
        free(words->list[i]);
    free(words->list);
    *words = (Words){0};
}

/* `text` with `config` in place of {config}. */
static Status replace_place(const char *text, size_t length, const char *config, char **replaced) {
    size_t size;
    FILE *out = open_memstream(replaced, &size);
    if (!out)
        return status_no_memory("a command", length);
    for (const char *end = text + length; text < end;) {
        const size_t left = (size_t)(end - text);
        const bool here = left >= strlen(PLACE) && strncmp(text, PLACE, strlen(PLACE)) == 0;
        if (here)
            fputs(config, out);
        else
            fputc(*text, out);
        text += here ? strlen(PLACE) : 1;
    }
    return fclose(out) == 0 ? NULL : status_no_memory("a command", length);
}

/* Whether a shell would see more in it than words between blanks; {config} is the sweep's own. */
static bool needs_shell(const char *command) {
    for (const char *c = command; *c; c++) {
        if (strncmp(c, PLACE, strlen(PLACE)) == 0)
            c += strlen(PLACE) - 1;
        else if (strchr("\"'\\$`;|&<>()*?[]{}#~!\n", *c))
            return true;
    }
    return strchr(command, '=') && strcspn(command, "=") < strcspn(command, " "); /* NAME=VALUE before the program */
}

Status trial_command_words(const Sweep *sweep, const char *config, Words *words) {
    *words = (Words){0};
    if (needs_shell(sweep->command))
        return NULL;
    for (const char *at = sweep->command; *(at += strspn(at, " \t"));) {
        const size_t length = strcspn(at, " \t");
        char *word;
        TRY(replace_place(at, length, config, &word));
        Status status = words_add(words, "%s", word);
        free(word);
        TRY(status);
        at += length;
    }
    return NULL;
}

bool trial_command_resumes(const Sweep *sweep) {
    return strstr(sweep->command, "--resume");
}

Status trial_command_task(const Sweep *sweep, char **task) {
    *task = NULL;
    if (strncmp(sweep->metric, "eval:", 5) != 0)
        return NULL;
    const char *name = sweep->metric + 5, *colon = strrchr(name, ':');
    const int length = (int)(colon - name);
    const bool path = memchr(name, '/', (size_t)length) || (length > 4 && strncmp(colon - 4, ".ini", 4) == 0);
    return path ? text_format(task, "%.*s", length, name) : text_format(task, "configs/tasks/%.*s.ini", length, name);
}

Status trial_command_line(const Sweep *sweep, const Trial *trial, char **line) {
    char *task = NULL, *command = NULL;
    Status status = trial_command_task(sweep, &task);
    if (!status)
        status = replace_place(sweep->command, strlen(sweep->command), trial->config, &command);
    /* The shell waits for the command, which the same signal asks to stop; without the trap it would end first. */
    if (!status)
        status = task ? text_format(line,
                                    "trap : TERM HUP USR1; %s \"$@\" && trap - TERM HUP USR1 && exec ./eval %s "
                                    "--task %s",
                                    command, trial->run_dir, task)
                      : text_format(line, "trap : TERM HUP USR1; %s \"$@\"", command);
    free(command);
    free(task);
    return status;
}

Status trial_command_job(const Sweep *sweep, const Trial *trial, Words *words) {
    TRY(trial_command_words(sweep, trial->config, words));
    if (words->count && strncmp(sweep->metric, "eval:", 5) != 0)
        return NULL;
    char *line;
    words_free(words);
    TRY(trial_command_line(sweep, trial, &line));
    Status status = words_add(words, "sh");
    if (!status)
        status = words_add(words, "-c");
    if (!status)
        status = words_add(words, "%s", line);
    if (!status)
        status = words_add(words, "%s", trial->config); /* $0: the pool sees the file that must not change */
    free(line);
    return status;
}
