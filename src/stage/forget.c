/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/stage.h"

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

/* Lists or removes one file or folder that is there. */
static Status take(const char *path, bool remove_it, int *count) {
    if (!files_exists(path))
        return NULL;
    ++*count;
    puts(path);
    return remove_it ? files_remove(path) : NULL;
}

/* What lies in one of staging's folders, file by file, so that the list is whole. */
static Status take_folder(const char *path, bool remove_it, int *count) {
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
            status = take(file, remove_it, count);
        free(file);
    }
    closedir(listing);
    return status || !remove_it ? status : files_remove(path);
}

/* Lines of a damaged list may name what is somebody's: only files, named whole, are ever removed by it. */
static Status take_derived(const char *list, int number, const char *path, bool remove_it, int *count) {
    struct stat st;
    if (*path != '/')
        return status_error(EXIT_DATA, "%s:%d: \"%s\" is no whole path: the list is damaged; correct it", list, number,
                            path);
    if (lstat(path, &st) != 0)
        return NULL;
    if (S_ISDIR(st.st_mode))
        return status_error(EXIT_DATA, "%s:%d: %s is a folder, which no staging derives; correct the list", list,
                            number, path);
    ++*count;
    puts(path);
    return remove_it && unlink(path) != 0 ? files_failure("remove", path, errno) : NULL;
}

/* Derived files elsewhere: a line each of derived.tsv. */
static Status take_registered(const char *pack, bool remove_it, int *count) {
    char *path, *text = NULL, *field;
    size_t size = 0;
    TRY(files_path(&path, "%s/derived.tsv", pack));
    Status status = NULL;
    if (files_exists(path))
        status = files_read(path, &text, &size);
    if (!status && size && text[size - 1] != '\n')
        status = status_error(EXIT_DATA, "%s: its last line has no end: cut short; correct it", path);
    int number = 1;
    for (char *rest = text; rest && !status && tsv_take_line(&rest, &field, 1); number++)
        status = take_derived(path, number, field, remove_it, count);
    free(text);
    free(path);
    return status;
}

static Status forget(const char *pack, bool remove_it) {
    int count = 0;
    TRY(take_registered(pack, remove_it, &count));
    /* recipe.txt, which makes this folder one of ours, is the last name: a call that is stopped can be made again. */
    for (const char *const *name = output_names; *name; name++) {
        char *path;
        TRY(files_path(&path, "%s/%s", pack, *name));
        const bool folder = path[strlen(path) - 1] == '/';
        Status status = folder ? take_folder(path, remove_it, &count) : take(path, remove_it, &count);
        free(path);
        TRY(status);
    }
    if (remove_it)
        rmdir(pack); /* stays where something else lies in it */
    printf("%d files derived into %s %s\n", count, pack, remove_it ? "deleted" : "(--delete removes them)");
    return NULL;
}

Status stage_forget(const char *pack, bool remove_it) {
    char *recipe;
    TRY(files_path(&recipe, "%s/recipe.txt", pack));
    const bool staged = files_exists(recipe);
    free(recipe);
    if (!staged)
        return status_error(EXIT_DATA, "%s: nothing was staged into it (it has no recipe.txt)", pack);
    int lock = -1;
    if (remove_it)
        TRY(output_lock(pack, &lock));
    Status status = forget(pack, remove_it);
    if (lock >= 0)
        close(lock);
    return status;
}
