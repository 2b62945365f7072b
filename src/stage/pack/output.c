/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/pack/output.h"

#include "base/files.h"
#include "base/tsv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
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

char *output_path(const Output *output, const char *name) {
    return files_path("%s/%s", output->path, name);
}

char *output_shard(const Output *output, int number) {
    return files_path("%s/shards/%05d.h5", output->path, number);
}

char *output_journal(const Output *output, int number) {
    return files_path("%s/journal/%05d.tsv", output->path, number);
}

char *output_spool(const Output *output, int number) {
    return files_path("%s/spool/%05d.pixels", output->path, number);
}

static bool is_own(const char *name) {
    for (const char *const *own = output_names; *own; own++) {
        const size_t length = strcspn(*own, "/");
        if (strncmp(*own, name, length) == 0 && (name[length] == '\0' || strncmp(name + length, ".tmp-", 5) == 0))
            return true;
    }
    return false;
}

/* A folder without a recipe is taken only when it is empty: what lies in it is somebody's. */
static Status check_strangers(const char *path) {
    DIR *listing = opendir(path);
    if (!listing)
        return status_error(EXIT_IO, "cannot list %s: %s", path, strerror(errno));
    Status status = NULL;
    for (const struct dirent *entry; !status && (entry = readdir(listing));)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") && !is_own(entry->d_name))
            status = status_error(EXIT_USAGE, "%s holds %s, which no staging made; name an empty or a new folder", path,
                                  entry->d_name);
    closedir(listing);
    return status;
}

static Status check_recipe(const Output *output, const char *recipe) {
    char *path = output_path(output, "recipe.txt"), *text = NULL;
    size_t size;
    if (!path)
        return status_no_memory("a path", 0);
    Status status = NULL;
    if (!files_exists(path)) {
        status = check_strangers(output->path);
    } else {
        status = files_read(path, &text, &size);
        if (!status && strncmp(text, "pack ", 5) != 0)
            status = status_error(EXIT_DATA,
                                  "%s is damaged: whose pack lies there cannot be told; remove that file to stage over "
                                  "what is there, or name another folder",
                                  path);
        /* Before anything was published another recipe starts anew: no journal of the first one fits it. */
        if (!status && output->published && strcmp(text, recipe) != 0)
            status = status_error(EXIT_USAGE,
                                  "%s was staged by another recipe:\n%sand now it would be:\n%sname another folder, or "
                                  "remove that pack first (stage forget %s --delete)",
                                  output->path, text, recipe, output->path);
    }
    free(text);
    free(path);
    return status;
}

Status output_lock(const char *pack, int *lock) {
    char *path = files_path("%s/.lock", pack);
    if (!path)
        return status_no_memory("a path", 0);
    Status status = NULL;
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*lock < 0)
        status = files_failure("write", path, errno);
    else if (flock(*lock, LOCK_EX | LOCK_NB) != 0)
        status =
            status_error(EXIT_USAGE, "another process is staging into %s: wait for it, or name another folder", pack);
    if (status && *lock >= 0) {
        close(*lock);
        *lock = -1;
    }
    free(path);
    return status;
}

static Status remove_named(char *path) {
    Status status = path ? files_remove(path) : status_no_memory("a path", 0);
    free(path);
    return status;
}

Status output_remove_spool(const Output *output) {
    return remove_named(output_path(output, "spool"));
}

bool output_is_published(const Output *output) {
    char *manifest = output_path(output, "pack.json");
    const bool there = manifest && files_exists(manifest);
    free(manifest);
    return there;
}

static Status make_folder(const Output *output, const char *name) {
    char *path = output_path(output, name);
    Status status = path ? files_make_directory(path) : status_no_memory("a path", 0);
    if (!status)
        status = files_remove_unfinished(path);
    free(path);
    return status;
}

/* What stands where the folder is to be. */
static Status check_place(const char *path) {
    struct stat st;
    if (lstat(path, &st) != 0)
        return NULL; /* nothing, or making it says what is wrong */
    if (stat(path, &st) != 0)
        return status_error(EXIT_USAGE, "%s is a link that leads nowhere; name a folder", path);
    return S_ISDIR(st.st_mode) ? NULL : status_error(EXIT_USAGE, "%s is there, and is no folder; name one", path);
}

static Status take(Output *output, const char *recipe) {
    TRY(check_place(output->path));
    TRY(files_make_directory(output->path));
    TRY(output_lock(output->path, &output->lock));
    output->published = output_is_published(output);
    return check_recipe(output, recipe);
}

static Status write_recipe(const Output *output, const char *recipe) {
    char *path = output_path(output, "recipe.txt"), *text = NULL;
    size_t size;
    Status status = path ? NULL : status_no_memory("a path", 0);
    if (!status && files_exists(path))
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
    *output = (Output){.path = strdup(path), .lock = -1};
    if (!output->path)
        return status_no_memory("a path", strlen(path));
    Status status = take(output, recipe);
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

Status output_unfinish(const Output *output) {
    return remove_named(output_path(output, "pack.json"));
}

Status output_tidy(const Output *output, int count) {
    TRY(output_remove_spool(output));
    for (;; count++) {
        char *journal = output_journal(output, count);
        const bool there = journal && files_exists(journal);
        free(journal);
        if (!there)
            return NULL;
        TRY(output_unfinish(output));
        TRY(remove_named(output_shard(output, count)));
        TRY(remove_named(output_journal(output, count)));
    }
}

Status output_register(const char *pack, const char *derived) {
    char *path = files_path("%s/derived.tsv", pack), *text = NULL, whole[PATH_MAX];
    size_t size = 0;
    if (!path)
        return status_no_memory("a path", 0);
    /* The folder's own path, since the file is not there yet. */
    const char *slash = strrchr(derived, '/');
    char *folder = slash ? strndup(derived, (size_t)(slash - derived) + 1) : strdup(".");
    Status status = NULL;
    if (!folder)
        status = status_no_memory("a path", strlen(derived));
    else if (!realpath(folder, whole))
        status = status_error(EXIT_IO, "%s: there is no such folder: %s", folder, strerror(errno));
    if (!status && files_exists(path))
        status = files_read(path, &text, &size);
    char *grown = NULL;
    size_t length = 0;
    FILE *out = status ? NULL : open_memstream(&grown, &length);
    if (out) {
        char *full = files_path("%s/%s", whole, slash ? slash + 1 : derived);
        fputs(text ? text : "", out);
        tsv_put_line(out, (const char *const[]){full ? full : ""}, 1);
        free(full);
        status = fclose(out) ? status_no_memory("the list of derived files", 0) : files_write(path, grown, length);
    } else if (!status) {
        status = status_no_memory("the list of derived files", 0);
    }
    free(grown);
    free(text);
    free(folder);
    free(path);
    return status;
}
