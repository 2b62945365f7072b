/* SPDX-License-Identifier: Apache-2.0 */
#include "rundir/run_files.h"

#include "base/files.h"
#include "rundir/events.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const files[] = {"metrics.jsonl", "tune.json", "curve.svg", "config.ini", "run.json", NULL};
static const char *const folders[] = {"ckpt", "recon", NULL};
static const char *const checkpoint_files[] = {
    "weights.safetensors", "optimizer.safetensors", "fp8.safetensors", "state.json", "checksums", NULL};
static const char *const links[] = {"latest", "best", NULL};

static bool is_among(const char *name, const char *const *names) {
    for (; *names; names++) {
        const size_t length = strlen(*names);
        if (strncmp(name, *names, length) == 0 && (!name[length] || files_is_unfinished(name, length)))
            return true;
    }
    return false;
}

/* Whether `name` is PREFIX, a number, and one of the suffixes. */
static bool is_numbered(const char *name, const char *prefix, const char *const *suffixes) {
    const size_t length = strlen(prefix), digits = strspn(name + strnlen(name, length), "0123456789");
    if (strncmp(name, prefix, length) != 0 || !digits)
        return false;
    const char *rest = name + length + digits;
    for (; *suffixes; suffixes++)
        if (strcmp(rest, *suffixes) == 0)
            return true;
    return false;
}

static bool is_events(const char *name) {
    return is_numbered(name, EVENTS_PREFIX, (const char *const[]){"", NULL});
}

bool run_files_own(const char *name) {
    return is_among(name, files) || is_among(name, folders) || is_events(name);
}

static bool is_checkpoint(const char *name) {
    return is_numbered(name, "step-", (const char *const[]){"", ".old", NULL}) ||
           is_numbered(name, ".step-", (const char *const[]){".part", ".old.part", NULL});
}

static bool is_recon(const char *name) {
    const size_t length = strcspn(name, ".");
    return is_numbered(name, "step-", (const char *const[]){".png", NULL}) ||
           (strncmp(name + length, ".png", 4) == 0 && files_is_unfinished(name, length + 4));
}

static bool is_checkpoint_file(const char *name) {
    return is_among(name, checkpoint_files);
}

static bool is_link(const char *name) {
    return is_among(name, links);
}

static bool is_file(const char *name) {
    return (is_among(name, files) && strcmp(name, "run.json") != 0) || is_events(name);
}

/* Removes the folder if nothing is left in it. A link to one stays, and so does one that cannot be removed: it can be
 * used again. */
static void remove_empty(const char *folder) {
    rmdir(folder);
}

static Status remove_matching(const char *folder, bool (*matches)(const char *name));

/* A checkpoint's folder, a link, or a file; anything else of that name is not the run's. */
static Status remove_entry(const char *folder, const char *name) {
    char *path;
    struct stat st;
    TRY(files_path(&path, "%s/%s", folder, name));
    Status status = NULL;
    if (lstat(path, &st) != 0) {
        status = errno == ENOENT ? NULL : files_failure("remove", path, errno);
    } else if (S_ISDIR(st.st_mode)) {
        if (is_checkpoint(name)) {
            status = remove_matching(path, is_checkpoint_file);
            remove_empty(path);
        }
    } else if (!is_link(name) || S_ISLNK(st.st_mode)) {
        status = unlink(path) != 0 && errno != ENOENT ? files_failure("remove", path, errno) : NULL;
    }
    free(path);
    return status;
}

/* A missing folder, or a file in its place, contains nothing. */
static Status remove_matching(const char *folder, bool (*matches)(const char *name)) {
    DIR *listing = opendir(folder);
    if (!listing)
        return errno == ENOENT || errno == ENOTDIR ? NULL : files_failure("list", folder, errno);
    Status status = NULL;
    for (const struct dirent *entry; !status && (entry = readdir(listing));)
        if (matches(entry->d_name))
            status = remove_entry(folder, entry->d_name);
    closedir(listing);
    return status;
}

/* The same for a folder in `directory`, which then is removed if nothing is left in it. */
static Status remove_folder(const char *directory, const char *name, bool (*matches)(const char *name)) {
    char *path;
    TRY(files_path(&path, "%s/%s", directory, name));
    Status status = remove_matching(path, matches);
    remove_empty(path);
    free(path);
    return status;
}

Status run_files_remove(const char *directory) {
    TRY(remove_folder(directory, "recon", is_recon));
    TRY(remove_folder(directory, "ckpt", is_link));
    TRY(remove_folder(directory, "ckpt", is_checkpoint));
    TRY(remove_matching(directory, is_file));
    return remove_entry(directory, "run.json");
}
