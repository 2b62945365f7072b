/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/sweep/outcome/prune.h"

#include "base/files.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_NAME = 256 };

/* The name that a link in the folder points to; "" where there is none. */
static void read_link(const char *folder, const char *name, char target[MAX_NAME]) {
    char *path;
    target[0] = '\0';
    Status status = files_path(&path, "%s/%s", folder, name);
    if (!status) {
        const ssize_t length = readlink(path, target, MAX_NAME - 1);
        target[length > 0 ? length : 0] = '\0';
    }
    status_free(status);
    free(path);
}

/* "step-" and digits: what a checkpoint is called (docs/run-directory.md). */
static bool is_step(const char *name) {
    return strncmp(name, "step-", 5) == 0 && name[5] && strspn(name + 5, "0123456789") == strlen(name + 5);
}

static Status remove_in(const char *folder, const char *name) {
    char *path;
    TRY(files_path(&path, "%s/%s", folder, name));
    Status status = files_remove(path);
    free(path);
    return status;
}

static Status prune_folder(const char *folder) {
    char latest[MAX_NAME], best[MAX_NAME];
    read_link(folder, "latest", latest);
    read_link(folder, "best", best);
    if (!is_step(latest))
        return NULL;
    DIR *directory = opendir(folder);
    if (!directory)
        return NULL;
    Status status = NULL;
    /* The name goes before what it stands for, so that no reader follows it to nothing. */
    if (*best && strcmp(best, latest) != 0)
        status = remove_in(folder, "best");
    for (struct dirent *entry; !status && (entry = readdir(directory));)
        if (is_step(entry->d_name) && strcmp(entry->d_name, latest) != 0)
            status = remove_in(folder, entry->d_name);
    closedir(directory);
    return status;
}

static int64_t find_best(const Sweep *sweep, const Outcome *outcomes) {
    int64_t best = -1;
    for (int64_t i = 0; i < sweep->count; i++)
        if (outcomes[i].state == JOB_DONE &&
            outcome_is_better(sweep, outcomes[i].score, best < 0 ? (double)NAN : outcomes[best].score))
            best = i;
    return best;
}

Status prune_losers(const Sweep *sweep, const Outcome *outcomes) {
    const int64_t best = find_best(sweep, outcomes);
    for (int64_t i = 0; i < sweep->count; i++) {
        const Trial *trial = &sweep->trials[i];
        if (outcomes[i].live || outcomes[i].state != JOB_DONE || trial->before || trial->same_as >= 0 || best < 0 ||
            trial->set == sweep->trials[best].set)
            continue;
        char *folder;
        TRY(files_path(&folder, "runs/sweeps/%s/%s/ckpt", sweep->name, trial->id));
        Status status = prune_folder(folder);
        free(folder);
        TRY(status);
    }
    return NULL;
}
