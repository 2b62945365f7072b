/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file_tree.h"
#include "base/files.h"
#include "base/list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct {
    TreeFile *entries;
    size_t count;
    int64_t capacity;
} List;

typedef struct {
    const char *root;
    bool (*accepts)(const char *name);
    List files, directories, links, others;
} Walk;

/* Takes entry.path. */
static Status add_entry(List *list, TreeFile entry) {
    Status status =
        list_grow(&list->entries, (int64_t)list->count, &list->capacity, sizeof *list->entries, "a list of files");
    if (status) {
        free(entry.path);
        return status;
    }
    list->entries[list->count++] = entry;
    return NULL;
}

static void drop(List *list) {
    file_tree_free(list->entries, (int64_t)list->count);
    *list = (List){0};
}

/* Sorts one name of a directory into files, directories still to list, or nothing. A link that leads nowhere counts as
 * a file of 0 bytes: it was meant to be one, and must be reported, not ignored. */
static Status classify(Walk *walk, int directory, const char *within, const char *name) {
    struct stat st;
    if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT /* removed since it was listed */
                   ? NULL
                   : status_error(EXIT_DATA, "%s/%s%s: cannot be accessed: %s", walk->root, within, name,
                                  strerror(errno));
    char *path;
    if (S_ISDIR(st.st_mode)) {
        TRY(files_path(&path, "%s%s/", within, name));
        return add_entry(&walk->directories, (TreeFile){.path = path});
    }
    const bool link = S_ISLNK(st.st_mode), leads = !link || fstatat(directory, name, &st, 0) == 0;
    TRY(files_path(&path, "%s%s", within, name));
    if (link && leads && S_ISDIR(st.st_mode))
        return add_entry(&walk->links, (TreeFile){.path = path});
    const bool special = leads && !S_ISREG(st.st_mode);
    List *list = special || !walk->accepts(name) ? &walk->others : &walk->files;
    TreeFile entry = {.path = path, .special = special};
    if (leads) {
        entry.bytes = special ? 0 : (uint64_t)st.st_size;
        entry.device = (uint64_t)st.st_dev;
        entry.inode = (uint64_t)st.st_ino;
    }
    return add_entry(list, entry);
}

/* `within` is the directory below root, "" or ending in a slash. */
static Status list_directory(Walk *walk, const char *within) {
    char *path;
    TRY(files_path(&path, "%s%s%s", walk->root, *within ? "/" : "", within));
    DIR *stream = opendir(path);
    if (!stream) {
        Status status = status_error(EXIT_DATA, "%s: the folder cannot be read: %s", path, strerror(errno));
        free(path);
        return status;
    }
    Status status = NULL;
    struct dirent *entry;
    while (!status && (errno = 0, entry = readdir(stream)) != NULL)
        if (entry->d_name[0] != '.')
            status = classify(walk, dirfd(stream), within, entry->d_name);
    if (!status && errno)
        status = status_error(EXIT_DATA, "%s: the folder cannot be read completely: %s", path, strerror(errno));
    closedir(stream);
    free(path);
    return status;
}

/* One directory is open at a time, however deep the tree. */
static Status list_tree(Walk *walk) {
    Status status = list_directory(walk, "");
    while (!status && walk->directories.count) {
        char *within = walk->directories.entries[--walk->directories.count].path;
        status = list_directory(walk, within);
        free(within);
    }
    drop(&walk->directories);
    return status;
}

static int by_path(const void *a, const void *b) {
    return strcmp(((const TreeFile *)a)->path, ((const TreeFile *)b)->path);
}

/* Moves a list to the caller, sorted. */
static void take(List *list, TreeFile **entries, int64_t *count) {
    if (list->count)
        qsort(list->entries, list->count, sizeof *list->entries, by_path);
    *entries = list->entries;
    *count = (int64_t)list->count;
    *list = (List){0};
}

Status file_tree_read(const char *root, bool (*accepts)(const char *name), FileTree *listing) {
    *listing = (FileTree){0};
    Walk walk = {.root = root, .accepts = accepts};
    Status status = list_tree(&walk);
    if (!status) {
        take(&walk.files, &listing->files, &listing->count);
        take(&walk.links, &listing->links, &listing->link_count);
        take(&walk.others, &listing->others, &listing->other_count);
    }
    drop(&walk.files);
    drop(&walk.links);
    drop(&walk.others);
    return status;
}

Status file_tree_list(const char *root, bool (*accepts)(const char *name), TreeFile **files, int64_t *count) {
    FileTree listing;
    *files = NULL;
    *count = 0;
    TRY(file_tree_read(root, accepts, &listing));
    *files = listing.files;
    *count = listing.count;
    listing.files = NULL;
    listing.count = 0;
    file_tree_close(&listing);
    return NULL;
}

void file_tree_close(FileTree *listing) {
    file_tree_free(listing->files, listing->count);
    file_tree_free(listing->links, listing->link_count);
    file_tree_free(listing->others, listing->other_count);
    *listing = (FileTree){0};
}

void file_tree_free(TreeFile *files, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        free(files[i].path);
    free(files);
}
