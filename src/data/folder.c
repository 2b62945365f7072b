#include "folder.h"
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <xxhash.h>

typedef struct {
    char *path; /* relative to the root */
    uint64_t bytes;
} Entry;

typedef struct {
    Entry *entries;
    size_t count, capacity;
} List;

static Status add(List *list, char *path, uint64_t bytes) {
    if (!path)
        return status_no_memory("a list of files", sizeof(Entry));
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 64;
        Entry *grown = realloc(list->entries, capacity * sizeof *grown);
        if (!grown) {
            free(path);
            return status_no_memory("a list of files", capacity * sizeof *grown);
        }
        list->entries = grown;
        list->capacity = capacity;
    }
    list->entries[list->count++] = (Entry){path, bytes};
    return NULL;
}

static void drop(List *list) {
    for (size_t i = 0; i < list->count; i++)
        free(list->entries[i].path);
    free(list->entries);
    *list = (List){0};
}

static bool is_picture_name(const char *name) {
    static const char *const endings[] = {".jpg", ".jpeg", ".png"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return true;
    return false;
}

/* Sorts one name of a directory into pictures, directories still to list, or nothing. A link that leads nowhere is a
 * picture of no bytes: it was meant to be one, and is to be counted as bad rather than to vanish. */
static Status classify(int directory, const char *within, const char *name, List *pictures, List *directories) {
    struct stat about;
    if (fstatat(directory, name, &about, AT_SYMLINK_NOFOLLOW) != 0)
        return NULL; /* removed since it was listed */
    if (S_ISDIR(about.st_mode))
        return add(directories, files_path("%s%s/", within, name), 0);
    if (!is_picture_name(name))
        return NULL;
    if (S_ISLNK(about.st_mode) && fstatat(directory, name, &about, 0) != 0)
        return add(pictures, files_path("%s%s", within, name), 0);
    if (!S_ISREG(about.st_mode))
        return NULL;
    return add(pictures, files_path("%s%s", within, name), (uint64_t)about.st_size);
}

/* `within` is the directory below root, "" or ending in a slash. */
static Status list_directory(const char *root, const char *within, List *pictures, List *directories) {
    char *path = *within ? files_path("%s/%s", root, within) : strdup(root);
    if (!path)
        return status_no_memory("a path", strlen(root));
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
            status = classify(dirfd(stream), within, entry->d_name, pictures, directories);
    if (!status && errno)
        status = status_error(EXIT_DATA, "%s: the folder cannot be read to its end: %s", path, strerror(errno));
    closedir(stream);
    free(path);
    return status;
}

/* One directory is open at a time, however deep the tree. */
static Status list_tree(const char *root, List *pictures) {
    List directories = {0};
    Status status = list_directory(root, "", pictures, &directories);
    while (!status && directories.count) {
        char *within = directories.entries[--directories.count].path;
        status = list_directory(root, within, pictures, &directories);
        free(within);
    }
    drop(&directories);
    return status;
}

static int by_path(const void *a, const void *b) {
    return strcmp(((const Entry *)a)->path, ((const Entry *)b)->path);
}

/* Over each path with its NUL and each size, least byte first on any machine. */
static Status hash_list(const List *list, uint64_t *hash) {
    XXH3_state_t *state = XXH3_createState();
    if (!state)
        return status_no_memory("a hash", 0);
    XXH3_64bits_reset(state);
    for (size_t i = 0; i < list->count; i++) {
        uint8_t bytes[8];
        for (int b = 0; b < 8; b++)
            bytes[b] = (uint8_t)(list->entries[i].bytes >> 8 * b);
        XXH3_64bits_update(state, list->entries[i].path, strlen(list->entries[i].path) + 1);
        XXH3_64bits_update(state, bytes, sizeof bytes);
    }
    *hash = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return NULL;
}

/* Moves the sorted list into `folder`. */
static Status fill(Folder *folder, const char *root, List *list) {
    if (!list->count)
        return status_error(EXIT_DATA, "%s: the folder holds no picture (.jpg, .jpeg or .png)", root);
    qsort(list->entries, list->count, sizeof *list->entries, by_path);
    TRY(hash_list(list, &folder->hash));
    folder->root = strdup(root);
    folder->paths = malloc(list->count * sizeof *folder->paths);
    if (!folder->root || !folder->paths)
        return status_no_memory("a list of files", list->count * sizeof *folder->paths);
    for (size_t i = 0; i < list->count; i++)
        folder->paths[i] = list->entries[i].path;
    folder->count = (int64_t)list->count;
    list->count = 0;
    return NULL;
}

Status folder_open(const char *root, Folder *folder) {
    *folder = (Folder){0};
    List pictures = {0};
    Status status = list_tree(root, &pictures);
    if (!status)
        status = fill(folder, root, &pictures);
    drop(&pictures);
    if (status)
        folder_close(folder);
    return status;
}

void folder_close(Folder *folder) {
    for (int64_t i = 0; i < folder->count; i++)
        free(folder->paths[i]);
    free(folder->paths);
    free(folder->root);
    *folder = (Folder){0};
}
