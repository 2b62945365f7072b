/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/request_files.h"

#include "base/digest.h"
#include "base/files.h"
#include "base/list.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Without waiting for a pipe's other end. */
static Status hash_file(const char *path, char hash[2 * DIGEST_SHA256 + 1]) {
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat info;
    Digest digest;
    if (descriptor < 0)
        return files_failure("read", path, errno);
    Status status = NULL;
    if (fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode))
        status = status_error(EXIT_IO, "cannot read %s: not a file", path);
    else
        status = digest_descriptor(descriptor, path, false, &digest);
    close(descriptor);
    if (!status)
        digest_to_hex(digest.sha256, DIGEST_SHA256, hash);
    return status;
}

/* Adds the file unless it cannot be read: one may be allowed to execute a program, but not to read it. */
static Status add_file(Request *request, const char *path) {
    int64_t capacity = request->file_count; /* a handful: grown one at a time */
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode) || access(path, R_OK) != 0)
        return NULL;
    RequestFile file = {0};
    char hash[2 * DIGEST_SHA256 + 1];
    TRY(hash_file(path, hash));
    TRY(list_grow(&request->files, request->file_count, &capacity, sizeof *request->files, "the list of files"));
    Status status = files_path(&file.path, "%s", path);
    if (!status)
        status = files_path(&file.hash, "%s", hash);
    request->files[request->file_count++] = file;
    return status;
}

static Status absolute_path(const Request *request, const char *path, char **absolute) {
    return *path == '/' ? files_path(absolute, "%s", path) : files_path(absolute, "%s/%s", request->folder, path);
}

static const char *find_variable(const Request *request, const char *name) {
    const size_t length = strlen(name);
    for (int i = 0; i < request->environment_count; i++)
        if (strncmp(request->environment[i], name, length) == 0 && request->environment[i][length] == '=')
            return request->environment[i] + length + 1;
    return NULL;
}

/* Where execvp(3) finds the program; *path is NULL when it does not. */
static Status find_program(const Request *request, char **path) {
    const char *program = request->arguments[0], *search = find_variable(request, "PATH");
    *path = NULL;
    if (strchr(program, '/'))
        return absolute_path(request, program, path);
    for (const char *at = search ? search : "/bin:/usr/bin"; at;) {
        const char *end = strchrnul(at, ':');
        char *part, *candidate;
        struct stat info;
        TRY(files_path(&part, "%.*s/%s", end == at ? 1 : (int)(end - at), end == at ? "." : at, program));
        Status status = absolute_path(request, part, &candidate);
        free(part);
        TRY(status);
        if (stat(candidate, &info) == 0 && S_ISREG(info.st_mode) && access(candidate, X_OK) == 0) {
            *path = candidate;
            return NULL;
        }
        free(candidate);
        at = *end ? end + 1 : NULL;
    }
    return NULL;
}

/* A program looks for the plugin beside its own file, which links do not move. */
static Status add_plugin(Request *request, const char *program) {
    char *real = realpath(program, NULL), *plugin;
    if (!real)
        return NULL;
    *strrchr(real, '/') = '\0';
    Status status = files_path(&plugin, "%s/libfovea_cuda.so", real);
    free(real);
    TRY(status);
    status = add_file(request, plugin);
    free(plugin);
    return status;
}

Status request_add_files(Request *request) {
    char *path;
    TRY(find_program(request, &path));
    Status status = path ? add_file(request, path) : NULL;
    if (path && !status)
        status = add_plugin(request, path);
    free(path);
    for (int i = 1; i < request->argument_count && !status; i++) {
        const char *argument = request->arguments[i];
        const size_t length = strlen(argument);
        if (length < 5 || length >= PATH_MAX || strcmp(argument + length - 4, ".ini") != 0)
            continue;
        status = absolute_path(request, argument, &path);
        if (!status)
            status = add_file(request, path);
        free(path);
    }
    return status;
}

Status request_check_files(const Request *request) {
    for (int i = 0; i < request->file_count; i++) {
        const RequestFile *file = &request->files[i];
        char hash[2 * DIGEST_SHA256 + 1];
        Status failure = hash_file(file->path, hash);
        if (failure) {
            Status changed =
                status_error(EXIT_DATA, "%s since the job was submitted; submit it again", status_message(failure));
            status_free(failure);
            return changed;
        }
        if (strcmp(hash, file->hash) != 0)
            return status_error(EXIT_DATA, "%s changed since the job was submitted; submit it again", file->path);
    }
    return NULL;
}
