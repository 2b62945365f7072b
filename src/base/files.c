/* SPDX-License-Identifier: Apache-2.0 */
#include "base/files.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PIECE = 1 << 20 }; /* largest single write(2) or first read(2) buffer, bytes */

Status files_failure(const char *action, const char *path, int cause) {
    if (cause == ENOSPC || cause == EDQUOT)
        return status_error(EXIT_IO,
                            "disk full: cannot %s %s (%s); free space there or choose a directory on another disk, "
                            "then run again",
                            action, path, strerror(cause));
    if (cause == EFBIG)
        return status_error(EXIT_IO,
                            "cannot %s %s: %s; raise the limit on the size of a file (ulimit -f), or use a file system "
                            "that allows larger files",
                            action, path, strerror(cause));
    return status_error(EXIT_IO, "cannot %s %s: %s", action, path, strerror(cause));
}

static bool is_directory(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* The directory that contains `path`, the caller's. */
static Status find_parent(const char *path, char **parent) {
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    while (length > 0 && path[length - 1] != '/')
        length--;
    while (length > 1 && path[length - 1] == '/')
        length--;
    return length ? files_path(parent, "%.*s", (int)length, path) : files_path(parent, ".");
}

bool files_exists(const char *path) {
    struct stat status;
    return stat(path, &status) == 0;
}

int64_t files_size(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) ? (int64_t)status.st_size : -1;
}

static Status read_all(int descriptor, const char *path, char **data, size_t *size) {
    struct stat st;
    if (fstat(descriptor, &st) != 0)
        return files_failure("read", path, errno);
    if (S_ISDIR(st.st_mode))
        return files_failure("read", path, EISDIR);
    /* One byte beyond the size, so that the end is seen without growing, and one for the NUL. */
    size_t capacity = (S_ISREG(st.st_mode) ? (size_t)st.st_size : (size_t)PIECE) + 2, used = 0;
    char *buffer = malloc(capacity);
    if (!buffer)
        return status_no_memory(path, capacity);
    for (;;) {
        if (used + 1 == capacity) {
            size_t wanted = capacity > SIZE_MAX / 2 ? SIZE_MAX : capacity * 2;
            char *grown = realloc(buffer, wanted);
            if (!grown) {
                free(buffer);
                return status_no_memory(path, wanted);
            }
            buffer = grown;
            capacity = wanted;
        }
        ssize_t got = read(descriptor, buffer + used, capacity - used - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            int cause = errno;
            free(buffer);
            return files_failure("read", path, cause);
        }
        if (got == 0)
            break;
        used += (size_t)got;
    }
    buffer[used] = '\0';
    *data = buffer;
    *size = used;
    return NULL;
}

Status files_read(const char *path, char **data, size_t *size) {
    *data = NULL;
    *size = 0;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return files_failure("read", path, errno);
    Status status = read_all(descriptor, path, data, size);
    close(descriptor);
    return status;
}

Status files_write_all(int descriptor, const char *path, const void *data, size_t size) {
    const char *next = data;
    while (size) {
        ssize_t wrote = write(descriptor, next, size < PIECE ? size : PIECE);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return files_failure("write", path, wrote < 0 ? errno : EIO);
        next += wrote;
        size -= (size_t)wrote;
    }
    return NULL;
}

Status files_write_at(int descriptor, const char *path, const void *data, size_t size, uint64_t offset) {
    const char *next = data;
    while (size) {
        ssize_t wrote = pwrite(descriptor, next, size < PIECE ? size : PIECE, (off_t)offset);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return files_failure("write", path, wrote < 0 ? errno : EIO);
        next += wrote;
        offset += (uint64_t)wrote;
        size -= (size_t)wrote;
    }
    return NULL;
}

Status files_read_at(int descriptor, const char *path, void *data, size_t size, uint64_t offset) {
    char *next = data;
    while (size) {
        ssize_t got = pread(descriptor, next, size, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return files_failure("read", path, errno);
        if (got == 0)
            return status_error(EXIT_IO, "cannot read %s: it ends too early, at byte %llu: it was cut short", path,
                                (unsigned long long)offset);
        next += got;
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    return NULL;
}

/* fsync(2), without an error where it is not possible: a pipe, a character device, directories of some network file
 * systems. */
static int sync_descriptor(int descriptor) {
    int result;
    do
        result = fsync(descriptor);
    while (result != 0 && errno == EINTR);
    return result != 0 && errno != EINVAL && errno != EROFS ? -1 : 0;
}

/* So that a new name in it survives a power cut. One may be allowed to write a directory, but not to read it. */
static Status sync_parent(const char *path) {
    char *parent;
    TRY(find_parent(path, &parent));
    const int descriptor = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    Status status =
        descriptor >= 0 && sync_descriptor(descriptor) != 0 ? files_failure("sync directory", parent, errno) : NULL;
    if (descriptor >= 0)
        close(descriptor);
    free(parent);
    return status;
}

static Status make_directory(const char *path) {
    if (mkdir(path, 0777) == 0)
        return sync_parent(path);
    const int cause = errno;
    /* Some file systems answer EROFS or EACCES rather than EEXIST for a directory that is there. */
    return is_directory(path) ? NULL : files_failure("create directory", path, cause == EEXIST ? ENOTDIR : cause);
}

Status files_make_directory(const char *path) {
    char *part;
    TRY(files_path(&part, "%s", path));
    Status status = NULL;
    size_t length = strlen(part);
    for (size_t end = 1; end <= length && !status; end++) {
        if (part[end] != '/' && part[end] != '\0')
            continue;
        char after = part[end];
        part[end] = '\0';
        status = make_directory(part);
        part[end] = after;
    }
    if (!status && !length)
        status = files_failure("create directory", "\"\"", ENOENT);
    free(part);
    return status;
}

Status files_new_open(const char *path, int *descriptor) {
    *descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return *descriptor < 0 ? files_failure("create", path, errno) : NULL;
}

Status files_new_close(int descriptor, const char *path, Status written) {
    struct stat st;
    bool regular = fstat(descriptor, &st) == 0 && S_ISREG(st.st_mode);
    if (!written && sync_descriptor(descriptor) != 0)
        written = files_failure("write", path, errno);
    /* Network file systems report a full disk only here. */
    if (close(descriptor) != 0 && errno != EINTR && !written)
        written = files_failure("write", path, errno);
    /* Only a file of ours: as root, removing /dev/full would be a nuisance. */
    if (written && regular)
        unlink(path);
    return written;
}

Status files_write_new(const char *path, const void *data, size_t size) {
    int descriptor;
    TRY(files_new_open(path, &descriptor));
    return files_new_close(descriptor, path, files_write_all(descriptor, path, data, size));
}

static const char UNFINISHED[] = ".tmp-";

bool files_is_unfinished(const char *name, size_t at) {
    const char digits[] = "0123456789";
    const size_t length = strlen(UNFINISHED);
    if (strnlen(name, at + 1) <= at || strncmp(name + at, UNFINISHED, length) != 0)
        return false;
    const char *process = name + at + length, *thread = process + strspn(process, digits);
    if (thread == process || *thread++ != '-')
        return false;
    const char *end = thread + strspn(thread, digits);
    return end > thread && !*end;
}

Status files_name_unfinished(const char *path, char **unfinished) {
    return files_path(unfinished, "%s%s%ld-%ld", path, UNFINISHED, (long)getpid(), (long)syscall(SYS_gettid));
}

Status files_finish(char *unfinished, const char *path, Status status) {
    if (!status)
        status = files_rename(unfinished, path);
    if (status)
        unlink(unfinished);
    free(unfinished);
    return status;
}

Status files_write(const char *path, const void *data, size_t size) {
    char *unfinished;
    TRY(files_name_unfinished(path, &unfinished));
    return files_finish(unfinished, path, files_write_new(unfinished, data, size));
}

Status files_sync_directory(const char *path) {
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return files_failure("open directory", path, errno);
    Status status = sync_descriptor(descriptor) != 0 ? files_failure("sync directory", path, errno) : NULL;
    close(descriptor);
    return status;
}

Status files_rename(const char *from, const char *to) {
    char *parent;
    TRY(find_parent(to, &parent));
    Status status = NULL;
    if (rename(from, to) != 0)
        status = status_error(EXIT_IO, "cannot rename %s to %s: %s", from, to, strerror(errno));
    else
        status = files_sync_directory(parent);
    free(parent);
    return status;
}

Status files_link(const char *target, const char *path) {
    char *fresh;
    TRY(files_name_unfinished(path, &fresh));
    const bool failed = (unlink(fresh) != 0 && errno != ENOENT) || symlink(target, fresh) != 0;
    return files_finish(fresh, path, failed ? files_failure("create link", path, errno) : NULL);
}

/* nftw(3) hands no context: the cause travels as the result. */
static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place) {
    (void)info;
    (void)kind;
    (void)place;
    return remove(path) != 0 && errno != ENOENT ? errno : 0;
}

Status files_remove(const char *path) {
    enum { OPEN_DIRECTORIES = 16 };
    int cause = nftw(path, remove_entry, OPEN_DIRECTORIES, FTW_DEPTH | FTW_PHYS);
    if (cause < 0)
        cause = errno;
    return cause && cause != ENOENT ? files_failure("remove", path, cause) : NULL;
}

Status files_remove_unfinished(const char *directory) {
    DIR *listing = opendir(directory);
    if (!listing)
        return files_failure("list", directory, errno);
    Status status = NULL;
    for (const struct dirent *entry; !status && (entry = readdir(listing));) {
        const char *last = strrchr(entry->d_name, '.');
        if (!last || !files_is_unfinished(entry->d_name, (size_t)(last - entry->d_name)))
            continue;
        char *path;
        status = files_path(&path, "%s/%s", directory, entry->d_name);
        if (!status)
            status = files_remove(path);
        free(path);
    }
    closedir(listing);
    return status;
}

Status files_path(char **path, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    Status status = text_format_list(path, "a path", format, arguments);
    va_end(arguments);
    return status;
}
