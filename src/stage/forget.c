/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/forget.h"

#include "base/files.h"
#include "base/tsv.h"
#include "stage/pack/output.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Lists or removes one file or folder, if it exists. */
static Status forget_path(const char *path, bool remove_it, int *count) {
    if (!files_exists(path))
        return NULL;
    ++*count;
    puts(path);
    return remove_it ? files_remove(path) : NULL;
}

/* Lists or removes one of staging's folders, file by file, so that the list is complete. */
static Status forget_folder(const char *path, bool remove_it, int *count) {
    DIR *listing = opendir(path);
    if (!listing)
        return errno == ENOENT ? NULL : status_error(EXIT_IO, "cannot list %s: %s", path, strerror(errno));
    Status status = NULL;
    for (const struct dirent *entry; !status && (entry = readdir(listing));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        char *file;
        status = files_path(&file, "%s%s", path, entry->d_name);
        if (!status)
            status = forget_path(file, remove_it, count);
        free(file);
    }
    closedir(listing);
    return status || !remove_it ? status : files_remove(path);
}

/* A damaged list may name somebody's files: only an absolute path of a file is accepted. */
static Status forget_derived(const char *list, int number, const char *path, bool remove_it, int *count) {
    struct stat st;
    if (*path != '/')
        return status_error(EXIT_DATA, "%s:%d: \"%s\" is not an absolute path: the list is damaged; correct it", list,
                            number, path);
    if (lstat(path, &st) != 0)
        return NULL;
    if (S_ISDIR(st.st_mode))
        return status_error(EXIT_DATA, "%s:%d: %s is a folder, but only files are derived; correct the list", list,
                            number, path);
    ++*count;
    puts(path);
    return remove_it && unlink(path) != 0 ? files_failure("remove", path, errno) : NULL;
}

/* Lists or removes the files derived elsewhere, which derived.tsv lists. */
static Status forget_registered(const char *pack, bool remove_it, int *count) {
    char *path, *text = NULL, *field;
    size_t size = 0;
    TRY(files_path(&path, "%s/derived.tsv", pack));
    Status status = NULL;
    if (files_exists(path))
        status = files_read(path, &text, &size);
    if (!status && size && text[size - 1] != '\n')
        status = status_error(EXIT_DATA, "%s: the last line has no line end: truncated; correct it", path);
    int number = 1;
    for (char *rest = text; rest && !status && tsv_take_line(&rest, &field, 1); number++)
        status = forget_derived(path, number, field, remove_it, count);
    free(text);
    free(path);
    return status;
}

static Status forget_pack(const char *pack, bool remove_it) {
    int count = 0;
    TRY(forget_registered(pack, remove_it, &count));
    /* recipe.txt, which marks the folder as staged, comes last: an interrupted call can be repeated. */
    for (const char *const *name = output_names; *name; name++) {
        char *path;
        TRY(files_path(&path, "%s/%s", pack, *name));
        const bool folder = path[strlen(path) - 1] == '/';
        Status status = folder ? forget_folder(path, remove_it, &count) : forget_path(path, remove_it, &count);
        free(path);
        TRY(status);
    }
    if (remove_it)
        rmdir(pack); /* fails, and keeps the folder, when it contains other files */
    printf("%d file%s derived into %s%s\n", count, count == 1 ? "" : "s", pack,
           remove_it ? " deleted" : "; --delete removes them");
    return NULL;
}

Status stage_forget(const char *pack, bool remove_it) {
    char *recipe;
    TRY(files_path(&recipe, "%s/recipe.txt", pack));
    const bool staged = files_exists(recipe);
    free(recipe);
    if (!staged)
        return status_error(EXIT_DATA, "%s: nothing was staged there (no recipe.txt)", pack);
    int lock = -1;
    if (remove_it)
        TRY(output_lock(pack, &lock));
    Status status = forget_pack(pack, remove_it);
    if (lock >= 0)
        close(lock);
    return status;
}
