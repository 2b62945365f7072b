/* SPDX-License-Identifier: Apache-2.0 */
#include "rundir/run_directory.h"

#include "base/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
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

/* Whether `path` is a directory with anything in it. */
static Status is_filled(const char *path, bool *filled) {
    *filled = false;
    DIR *listing = opendir(path);
    if (!listing)
        return errno == ENOENT ? NULL : status_error(EXIT_IO, "cannot use run directory %s: %s", path, strerror(errno));
    for (const struct dirent *entry; (entry = readdir(listing)) && !*filled;)
        *filled = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(listing);
    return NULL;
}

Status run_directory_inspect(const RunDirectory *directory, RunDirectoryState *state) {
    bool filled;
    *state = RUN_DIRECTORY_FREE;
    TRY(is_filled(directory->path, &filled));
    if (filled)
        *state = files_exists(directory->config) ? RUN_DIRECTORY_RUN : RUN_DIRECTORY_OTHER;
    return NULL;
}

/* Two runs in one directory would destroy each other's checkpoints. On a file system without locks the run starts
 * without one. */
static Status take_lock(RunDirectory *directory) {
    directory->lock = open(directory->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory->lock < 0)
        return status_error(EXIT_IO, "cannot open run directory %s: %s", directory->path, strerror(errno));
    if (flock(directory->lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
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
    if (replace) {
        TRY(files_remove(directory->path));
        release_lock(directory);
        TRY(files_make_directory(directory->path));
        TRY(take_lock(directory));
    }
    TRY(files_remove_unfinished(directory->path));
    TRY(files_write(directory->config, config, strlen(config)));
    TRY(files_make_directory(directory->checkpoints));
    return files_make_directory(directory->recon);
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
