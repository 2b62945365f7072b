/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/pack/output.h"

#include "base/file_lock.h"
#include "base/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const output_names[] = {"pack.json",
                                    "shards/",
                                    "journal/",
                                    "spool/",
                                    "split.tsv",
                                    "findings.tsv",
                                    "quarantine.tsv",
                                    "card.md",
                                    "manifest-sha256.txt",
                                    "derived.tsv",
                                    ".lock",
                                    "recipe.txt",
                                    NULL};

Status output_path(const Output *output, const char *name, char **path) {
    return files_path(path, "%s/%s", output->path, name);
}

Status output_shard(const Output *output, int number, char **path) {
    return files_path(path, "%s/shards/%05d.h5", output->path, number);
}

Status output_journal(const Output *output, int number, char **path) {
    return files_path(path, "%s/journal/%05d.tsv", output->path, number);
}

Status output_spool(const Output *output, int number, char **path) {
    return files_path(path, "%s/spool/%05d.pixels", output->path, number);
}

static bool is_own_name(const char *name) {
    for (const char *const *own = output_names; *own; own++) {
        const size_t length = strcspn(*own, "/");
        if (strncmp(*own, name, length) == 0 && (name[length] == '\0' || strncmp(name + length, ".tmp-", 5) == 0))
            return true;
    }
    return false;
}

/* A folder without a recipe must be empty: its files belong to somebody. */
static Status check_no_other_files(const char *path) {
    DIR *listing = opendir(path);
    if (!listing)
        return status_error(EXIT_IO, "cannot list %s: %s", path, strerror(errno));
    Status status = NULL;
    for (const struct dirent *entry; !status && (entry = readdir(listing));)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") && !is_own_name(entry->d_name))
            status = status_error(EXIT_USAGE, "%s contains %s, which was not staged; choose an empty or a new folder",
                                  path, entry->d_name);
    closedir(listing);
    return status;
}

static Status check_recipe(const Output *output, const char *recipe) {
    char *path, *text = NULL;
    size_t size;
    TRY(output_path(output, "recipe.txt", &path));
    Status status = NULL;
    if (!files_exists(path)) {
        status = check_no_other_files(output->path);
    } else {
        status = files_read(path, &text, &size);
        if (!status && strncmp(text, "pack ", 5) != 0)
            status =
                status_error(EXIT_DATA,
                             "%s is damaged: it does not show what was staged there; delete that file to stage over "
                             "the folder's contents, or choose another folder",
                             path);
        /* Until a pack is published, another recipe starts over: no journal of the first one matches it. */
        if (!status && output->published && strcmp(text, recipe) != 0)
            status =
                status_error(EXIT_USAGE,
                             "%s was staged with other options:\n%sand this call has:\n%schoose another folder, or "
                             "delete that pack first (./stage forget %s --delete)",
                             output->path, text, recipe, output->path);
    }
    free(text);
    free(path);
    return status;
}

Status output_lock(const char *pack, int *lock) {
    char *path;
    TRY(files_path(&path, "%s/.lock", pack));
    Status status = NULL;
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*lock < 0)
        status = files_failure("write", path, errno);
    else if (!file_lock(*lock, pack, stderr))
        status =
            status_error(EXIT_USAGE, "another process is staging into %s: wait for it, or choose another folder", pack);
    if (status && *lock >= 0) {
        close(*lock);
        *lock = -1;
    }
    free(path);
    return status;
}

/* Takes ownership of `path`. */
static Status remove_path(char *path) {
    Status status = files_remove(path);
    free(path);
    return status;
}

static Status remove_named(const Output *output, const char *name) {
    char *path;
    TRY(output_path(output, name, &path));
    return remove_path(path);
}

Status output_remove_shard(const Output *output, int number) {
    char *path;
    TRY(output_shard(output, number, &path));
    return remove_path(path);
}

Status output_remove_journal(const Output *output, int number) {
    char *path;
    TRY(output_journal(output, number, &path));
    return remove_path(path);
}

Status output_remove_spool(const Output *output) {
    return remove_named(output, "spool");
}

bool output_is_published(const Output *output) {
    char *manifest;
    Status status = output_path(output, "pack.json", &manifest);
    const bool there = !status && files_exists(manifest);
    status_free(status);
    free(manifest);
    return there;
}

static Status make_folder(const Output *output, const char *name) {
    char *path;
    TRY(output_path(output, name, &path));
    Status status = files_make_directory(path);
    if (!status)
        status = files_remove_unfinished(path);
    free(path);
    return status;
}

/* Checks what already exists at the folder's path. */
static Status check_path(const char *path) {
    struct stat st;
    if (lstat(path, &st) != 0)
        return NULL; /* nothing, or creating the folder reports the reason */
    if (stat(path, &st) != 0)
        return status_error(EXIT_USAGE, "%s is a dangling link; choose a folder", path);
    return S_ISDIR(st.st_mode) ? NULL
                               : status_error(EXIT_USAGE, "%s exists and is not a folder; choose a folder", path);
}

static Status lock_folder(Output *output, const char *recipe) {
    TRY(check_path(output->path));
    TRY(files_make_directory(output->path));
    TRY(output_lock(output->path, &output->lock));
    output->published = output_is_published(output);
    return check_recipe(output, recipe);
}

static Status write_recipe(const Output *output, const char *recipe) {
    char *path, *text = NULL;
    size_t size;
    TRY(output_path(output, "recipe.txt", &path));
    Status status = NULL;
    if (files_exists(path))
        status = files_read(path, &text, &size);
    if (!status && (!text || strcmp(text, recipe) != 0))
        status = files_write(path, recipe, strlen(recipe));
    free(text);
    free(path);
    return status;
}

Status output_begin(Output *output, const char *recipe) {
    TRY(write_recipe(output, recipe));
    output->begun = true;
    TRY(files_remove_unfinished(output->path));
    TRY(make_folder(output, "shards"));
    TRY(make_folder(output, "journal"));
    TRY(output_remove_spool(output));
    return make_folder(output, "spool");
}

Status output_open(const char *path, const char *recipe, Output *output) {
    *output = (Output){.lock = -1};
    TRY(files_path(&output->path, "%s", path));
    Status status = lock_folder(output, recipe);
    if (status)
        output_close(output);
    return status;
}

void output_close(Output *output) {
    if (output->lock >= 0)
        close(output->lock);
    free(output->path);
    *output = (Output){.lock = -1};
}

Status output_unpublish(const Output *output) {
    if (!output_is_published(output))
        return NULL;
    TRY(remove_named(output, "pack.json"));
    /* Otherwise a power cut could bring it back beside shards that it does not describe. */
    return files_sync_directory(output->path);
}

Status output_remove_leftovers(const Output *output, int count) {
    TRY(output_remove_spool(output));
    for (;; count++) {
        char *journal;
        TRY(output_journal(output, count, &journal));
        const bool there = files_exists(journal);
        free(journal);
        if (!there)
            return NULL;
        TRY(output_unpublish(output));
        TRY(output_remove_shard(output, count));
        TRY(output_remove_journal(output, count));
    }
}
