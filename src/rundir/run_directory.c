/* SPDX-License-Identifier: Apache-2.0 */
#include "rundir/run_directory.h"

#include "base/file_lock.h"
#include "base/files.h"
#include "base/list.h"
#include "base/text.h"
#include "rundir/run_files.h"
#include "rundir/run_summary.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Status run_directory_open(RunDirectory *directory, const char *path) {
    *directory = (RunDirectory){.lock = -1};
    TRY(files_path(&directory->path, "%s", path));
    TRY(files_path(&directory->config, "%s/config.ini", path));
    TRY(files_path(&directory->record, "%s/run.json", path));
    TRY(files_path(&directory->metrics, "%s/metrics.jsonl", path));
    TRY(files_path(&directory->checkpoints, "%s/ckpt", path));
    TRY(files_path(&directory->recon, "%s/recon", path));
    return files_path(&directory->curve, "%s/curve.svg", path);
}

/* Counts the entries of a directory, and those among them that are not a run's. */
static Status count_entries(const char *path, int *entries, int *others) {
    *entries = *others = 0;
    DIR *listing = opendir(path);
    if (!listing)
        return errno == ENOENT ? NULL : status_error(EXIT_IO, "cannot use run directory %s: %s", path, strerror(errno));
    for (const struct dirent *entry; (entry = readdir(listing));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        ++*entries;
        *others += !run_files_own(entry->d_name);
    }
    closedir(listing);
    return NULL;
}

/* Whether the file is a record that a run wrote. */
static bool is_record(const char *path) {
    RunSummary summary;
    Status status = run_summary_read(path, &summary);
    const bool is = !status && summary.status != RUN_UNKNOWN && summary.config_hash;
    status_free(status);
    run_summary_close(&summary);
    return is;
}

/* A file of a common name, such as config.ini, is no mark. A run that was killed as it began has its folders alone. */
static Status is_run(const RunDirectory *directory, int others, bool *is) {
    int64_t step;
    char *checkpoint;
    *is = is_record(directory->record) || (!others && files_exists(directory->checkpoints));
    if (*is)
        return NULL;
    TRY(run_directory_checkpoint(directory, &step, &checkpoint));
    free(checkpoint);
    *is = step >= 0;
    return NULL;
}

Status run_directory_inspect(const RunDirectory *directory, RunDirectoryState *state) {
    int entries, others;
    bool is = false;
    *state = RUN_DIRECTORY_FREE;
    TRY(count_entries(directory->path, &entries, &others));
    if (!entries)
        return NULL;
    TRY(is_run(directory, others, &is));
    *state = is ? RUN_DIRECTORY_RUN : RUN_DIRECTORY_OTHER;
    return NULL;
}

/* Whether `folder` is `inner`, or a folder above it. Both are real paths. */
static bool is_around(const char *folder, const char *inner) {
    const size_t length = strlen(folder);
    return strncmp(folder, inner, length) == 0 &&
           (!inner[length] || inner[length] == '/' || (length && folder[length - 1] == '/'));
}

bool run_directory_is_shared(const RunDirectory *directory) {
    char path[PATH_MAX], other[PATH_MAX];
    if (!realpath(directory->path, path))
        return false;
    const char *home = getenv("HOME");
    const struct passwd *user = getpwuid(getuid());
    return (getcwd(other, sizeof other) && is_around(path, other)) ||
           (home && realpath(home, other) && is_around(path, other)) ||
           (user && realpath(user->pw_dir, other) && is_around(path, other));
}

/* Two runs in one directory would destroy each other's checkpoints. */
static Status take_lock(RunDirectory *directory) {
    directory->lock = open(directory->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory->lock < 0)
        return status_error(EXIT_IO, "cannot open run directory %s: %s", directory->path, strerror(errno));
    if (!file_lock(directory->lock, directory->path, stderr))
        return status_error(EXIT_USAGE, "another run is writing to %s: wait for it to end, or use another directory",
                            directory->path);
    return NULL;
}

static void release_lock(RunDirectory *directory) {
    if (directory->lock >= 0)
        close(directory->lock);
    directory->lock = -1;
}

Status run_directory_create(RunDirectory *directory, const char *config, bool replace) {
    TRY(files_make_directory(directory->path));
    TRY(take_lock(directory));
    if (replace)
        TRY(run_files_remove(directory->path));
    TRY(files_remove_unfinished(directory->path));
    TRY(files_make_directory(directory->checkpoints));
    TRY(files_make_directory(directory->recon));
    TRY(files_remove_unfinished(directory->recon));
    return files_write(directory->config, config, strlen(config));
}

void run_directory_close(RunDirectory *directory) {
    release_lock(directory);
    free(directory->path);
    free(directory->config);
    free(directory->record);
    free(directory->metrics);
    free(directory->checkpoints);
    free(directory->recon);
    free(directory->curve);
    *directory = (RunDirectory){.lock = -1};
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool has_file(const char *folder, const char *directory, const char *file) {
    char *path;
    Status status = files_path(&path, "%s/%s/%s", folder, directory, file);
    const bool has = !status && files_exists(path);
    status_free(status);
    free(path);
    return has;
}

static Status add_name(char ***names, int *count, int64_t *capacity, const char *name) {
    TRY(list_grow(names, *count, capacity, sizeof **names, "the list of runs"));
    TRY(text_format(&(*names)[*count], "%s", name));
    ++*count;
    return NULL;
}

Status run_directory_list(const char *folder, char ***names, int *count) {
    *names = NULL;
    *count = 0;
    DIR *listing = opendir(folder);
    if (!listing)
        return status_error(EXIT_IO, "cannot list the runs in %s: %s", folder, strerror(errno));
    Status status = NULL;
    int64_t capacity = 0;
    for (const struct dirent *entry; !status && (entry = readdir(listing));)
        if (entry->d_name[0] != '.' &&
            (has_file(folder, entry->d_name, "run.json") || has_file(folder, entry->d_name, "config.ini")))
            status = add_name(names, count, &capacity, entry->d_name);
    closedir(listing);
    if (*count)
        qsort(*names, (size_t)*count, sizeof **names, by_name);
    return status;
}

void run_directory_list_free(char **names, int count) {
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

/* The step of a checkpoint's name, step-N, or step-N.old while another one takes its place; -1 for any other. */
static int64_t step_of_name(const char *name) {
    char *end, again[64];
    if (strncmp(name, "step-", 5) != 0)
        return -1;
    const int64_t step = strtoll(name + 5, &end, 10);
    snprintf(again, sizeof again, "step-%" PRId64 "%s", step, *end ? ".old" : "");
    return strcmp(name, again) == 0 ? step : -1;
}

/* Whether the file of a line "HEX  NAME" is there. */
static bool has_listed_file(const char *checkpoints, const char *name, const TextLine *line) {
    char file[64] = "";
    const char *space = memchr(line->start, ' ', line->length), *end = line->start + line->length;
    if (space && end - space > 2)
        snprintf(file, sizeof file, "%.*s", (int)(end - space - 2), space + 2);
    return file[0] && has_file(checkpoints, name, file);
}

/* Whether all files are there that the checkpoint's `checksums` lists. */
static bool is_complete(const char *checkpoints, const char *name) {
    char *path, *text = NULL;
    size_t size = 0;
    TextLine line;
    Status status = files_path(&path, "%s/%s/checksums", checkpoints, name);
    if (!status)
        status = files_read(path, &text, &size);
    bool complete = !status && size > 0;
    for (const char *at = text; complete && text_next_line(&at, text + size, &line);)
        complete = has_listed_file(checkpoints, name, &line);
    status_free(status);
    free(text);
    free(path);
    return complete;
}

Status run_directory_checkpoint(const RunDirectory *directory, int64_t *step, char **path) {
    *step = -1;
    *path = NULL;
    DIR *listing = opendir(directory->checkpoints);
    if (!listing)
        return errno == ENOENT ? NULL
                               : status_error(EXIT_IO, "cannot list the checkpoints in %s: %s", directory->checkpoints,
                                              strerror(errno));
    Status status = NULL;
    for (const struct dirent *entry; !status && (entry = readdir(listing));) {
        const int64_t found = step_of_name(entry->d_name);
        if (found <= *step || !is_complete(directory->checkpoints, entry->d_name))
            continue;
        free(*path);
        *step = found;
        status = files_path(path, "%s/%s", directory->checkpoints, entry->d_name);
    }
    closedir(listing);
    return status;
}
