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
    FolderFile *entries;
    size_t count, capacity;
} List;

typedef struct {
    const char *root;
    bool (*wants)(const char *name);
    List files, directories, links, others;
} Walk;

static Status add(List *list, char *path, uint64_t bytes, bool special) {
    if (!path)
        return status_no_memory("a list of files", sizeof(FolderFile));
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 64;
        FolderFile *grown = realloc(list->entries, capacity * sizeof *grown);
        if (!grown) {
            free(path);
            return status_no_memory("a list of files", capacity * sizeof *grown);
        }
        list->entries = grown;
        list->capacity = capacity;
    }
    list->entries[list->count++] = (FolderFile){path, bytes, special};
    return NULL;
}

static void drop(List *list) {
    folder_list_free(list->entries, (int64_t)list->count);
    *list = (List){0};
}

bool folder_is_picture(const char *name) {
    static const char *const endings[] = {".jpg", ".jpeg", ".png"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return true;
    return false;
}

/* Sorts one name of a directory into files, directories still to list, or nothing. A link that leads nowhere is a file
 * of no bytes: it was meant to be one, and is to be counted as bad rather than to vanish. */
static Status classify(Walk *walk, int directory, const char *within, const char *name) {
    struct stat about;
    if (fstatat(directory, name, &about, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT /* removed since it was listed */
                   ? NULL
                   : status_error(EXIT_DATA, "%s/%s%s: cannot be looked at: %s", walk->root, within, name,
                                  strerror(errno));
    if (S_ISDIR(about.st_mode))
        return add(&walk->directories, files_path("%s%s/", within, name), 0, false);
    const bool link = S_ISLNK(about.st_mode), leads = !link || fstatat(directory, name, &about, 0) == 0;
    if (link && leads && S_ISDIR(about.st_mode))
        return add(&walk->links, files_path("%s%s", within, name), 0, false);
    const bool special = leads && !S_ISREG(about.st_mode);
    List *list = special || !walk->wants(name) ? &walk->others : &walk->files;
    return add(list, files_path("%s%s", within, name), leads && !special ? (uint64_t)about.st_size : 0, special);
}

/* `within` is the directory below root, "" or ending in a slash. */
static Status list_directory(Walk *walk, const char *within) {
    char *path = *within ? files_path("%s/%s", walk->root, within) : strdup(walk->root);
    if (!path)
        return status_no_memory("a path", strlen(walk->root));
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
        status = status_error(EXIT_DATA, "%s: the folder cannot be read to its end: %s", path, strerror(errno));
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
    return strcmp(((const FolderFile *)a)->path, ((const FolderFile *)b)->path);
}

/* Hands a list over, sorted. */
static void take(List *list, FolderFile **entries, int64_t *count) {
    if (list->count)
        qsort(list->entries, list->count, sizeof *list->entries, by_path);
    *entries = list->entries;
    *count = (int64_t)list->count;
    *list = (List){0};
}

Status folder_list_all(const char *root, bool (*wants)(const char *name), FolderListing *listing) {
    *listing = (FolderListing){0};
    Walk walk = {.root = root, .wants = wants};
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

Status folder_list(const char *root, bool (*wants)(const char *name), FolderFile **files, int64_t *count) {
    FolderListing listing;
    *files = NULL;
    *count = 0;
    TRY(folder_list_all(root, wants, &listing));
    *files = listing.files;
    *count = listing.count;
    listing.files = NULL;
    listing.count = 0;
    folder_listing_free(&listing);
    return NULL;
}

void folder_listing_free(FolderListing *listing) {
    folder_list_free(listing->files, listing->count);
    folder_list_free(listing->links, listing->link_count);
    folder_list_free(listing->others, listing->other_count);
    *listing = (FolderListing){0};
}

void folder_list_free(FolderFile *files, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        free(files[i].path);
    free(files);
}

/* Over each path with its NUL and each size, least byte first on any machine. */
static Status hash_list(const FolderFile *files, int64_t count, uint64_t *hash) {
    XXH3_state_t *state = XXH3_createState();
    if (!state)
        return status_no_memory("a hash", 0);
    XXH3_64bits_reset(state);
    for (int64_t i = 0; i < count; i++) {
        uint8_t bytes[8];
        for (int b = 0; b < 8; b++)
            bytes[b] = (uint8_t)(files[i].bytes >> 8 * b);
        XXH3_64bits_update(state, files[i].path, strlen(files[i].path) + 1);
        XXH3_64bits_update(state, bytes, sizeof bytes);
    }
    *hash = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return NULL;
}

/* Moves the paths of the sorted list into `folder`. */
static Status fill(Folder *folder, const char *root, FolderFile *files, int64_t count) {
    if (!count)
        return status_error(EXIT_DATA, "%s: the folder holds no picture (.jpg, .jpeg or .png)", root);
    TRY(hash_list(files, count, &folder->hash));
    folder->root = strdup(root);
    folder->paths = malloc((size_t)count * sizeof *folder->paths);
    if (!folder->root || !folder->paths)
        return status_no_memory("a list of files", (size_t)count * sizeof *folder->paths);
    for (int64_t i = 0; i < count; i++) {
        folder->paths[i] = files[i].path;
        files[i].path = NULL;
    }
    folder->count = count;
    return NULL;
}

Status folder_open(const char *root, Folder *folder) {
    *folder = (Folder){0};
    FolderListing listing;
    TRY(folder_list_all(root, folder_is_picture, &listing));
    Status status = fill(folder, root, listing.files, listing.count);
    folder->links = listing.link_count;
    if (listing.link_count) {
        folder->first_link = listing.links[0].path;
        listing.links[0].path = NULL;
    }
    folder_listing_free(&listing);
    if (status)
        folder_close(folder);
    return status;
}

void folder_close(Folder *folder) {
    for (int64_t i = 0; i < folder->count; i++)
        free(folder->paths[i]);
    free(folder->paths);
    free(folder->root);
    free(folder->first_link);
    *folder = (Folder){0};
}
