/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/keeper/attempt_files.h"

#include "base/files.h"
#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

Status attempt_file(const AttemptName *name, const char *kind, char **path) {
    return files_path(path, "%s/jobs/%" PRId64 "/%d.%s", name->state, name->job, name->number, kind);
}

Status attempt_log(const AttemptName *name, char **path) {
    return files_path(path, "%s/jobs/%" PRId64 "/log", name->state, name->job);
}

Status attempt_lease(const AttemptName *name, char **path) {
    return files_path(path, "%s/leases/%" PRId64, name->state, name->job);
}

/* Whatever the daemon's umask. Takes the path and the status of printing it. */
static Status make_folder(Status printed, char *path, mode_t mode) {
    Status status = printed;
    const bool made = !status && mkdir(path, mode) == 0;
    if (!status && !made && errno != EEXIST)
        status = files_failure("create directory", path, errno);
    if (made && chmod(path, mode) != 0)
        status = files_failure("set the mode of", path, errno);
    free(path);
    return status;
}

Status attempt_folders(const AttemptName *name) {
    char *path;
    Status printed = files_path(&path, "%s/jobs", name->state);
    TRY(make_folder(printed, path, 0700));
    printed = files_path(&path, "%s/jobs/%" PRId64, name->state, name->job);
    TRY(make_folder(printed, path, 0700));
    printed = files_path(&path, "%s/leases", name->state);
    return make_folder(printed, path, 0755);
}

Status attempt_put_lease(const AttemptName *name, int64_t epoch) {
    char *path, *unfinished, text[32];
    TRY(attempt_lease(name, &path));
    Status status = files_name_unfinished(path, &unfinished);
    if (!status) {
        snprintf(text, sizeof text, "%" PRId64 "\n", epoch);
        status = files_write_new(unfinished, text, strlen(text));
        if (!status && chmod(unfinished, 0644) != 0)
            status = files_failure("set the mode of", unfinished, errno);
        status = files_finish(unfinished, path, status);
    }
    free(path);
    return status;
}

Status attempt_drop_lease(const AttemptName *name) {
    char *path;
    TRY(attempt_lease(name, &path));
    Status status = unlink(path) != 0 && errno != ENOENT ? files_failure("remove", path, errno) : NULL;
    free(path);
    return status;
}

/* --- JSON -----------------------------------------------------------------------------------------------------------
 */

static Status write_object(const AttemptName *name, const char *kind, Json *json) {
    char *path, *text;
    size_t size;
    json_end(json);
    TRY(json_close(json, kind, &text, &size));
    Status status = attempt_file(name, kind, &path);
    if (!status)
        status = files_write(path, text, size);
    free(path);
    free(text);
    return status;
}

/* *object is the caller's to delete; NULL: there is no such file. */
static Status read_object(const AttemptName *name, const char *kind, cJSON **object) {
    char *path, *text = NULL;
    size_t size;
    *object = NULL;
    TRY(attempt_file(name, kind, &path));
    Status status = files_exists(path) ? files_read(path, &text, &size) : NULL;
    if (text) {
        *object = cJSON_ParseWithLength(text, size);
        if (!cJSON_IsObject(*object))
            status = status_error(EXIT_DATA, "%s: not a JSON object", path);
    }
    free(text);
    free(path);
    return status;
}

static double read_number(const cJSON *object, const char *key, double otherwise) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : otherwise;
}

Status attempt_put_first(const AttemptName *name, const Process *first) {
    char boot[PROCESS_BOOT];
    Json json;
    process_boot(boot);
    json_open(&json, NULL);
    json_object(&json, NULL, JSON_LINE);
    json_integer(&json, "pid", first->pid);
    json_unsigned(&json, "start", first->start);
    json_string(&json, "boot", boot);
    return write_object(name, "pid.json", &json);
}

Status attempt_get_first(const AttemptName *name, Process *first, bool *found) {
    char boot[PROCESS_BOOT];
    cJSON *object;
    Status status = read_object(name, "pid.json", &object);
    const cJSON *of = cJSON_GetObjectItemCaseSensitive(object, "boot");
    process_boot(boot);
    *first =
        (Process){.pid = (int64_t)read_number(object, "pid", 0), .start = (uint64_t)read_number(object, "start", 0)};
    *found = !status && first->pid > 0 && cJSON_IsString(of) && strcmp(of->valuestring, boot) == 0;
    cJSON_Delete(object);
    return status;
}

Status attempt_put_end(const AttemptName *name, const AttemptEnd *end) {
    Json json;
    json_open(&json, NULL);
    json_object(&json, NULL, JSON_LINE);
    if (end->end.exit < 0)
        json_null(&json, "exit");
    else
        json_integer(&json, "exit", end->end.exit);
    json_integer(&json, "signal", end->end.signal);
    json_double(&json, "ended", end->ended);
    json_string(&json, "why", end->why);
    return write_object(name, "exit.json", &json);
}

Status attempt_get_end(const AttemptName *name, AttemptEnd *end, bool *found) {
    cJSON *object;
    Status status = read_object(name, "exit.json", &object);
    const cJSON *why = cJSON_GetObjectItemCaseSensitive(object, "why");
    *end = (AttemptEnd){
        .end = {.exit = (int)read_number(object, "exit", -1), .signal = (int)read_number(object, "signal", 0)},
        .ended = read_number(object, "ended", 0)};
    snprintf(end->why, sizeof end->why, "%s", cJSON_IsString(why) ? why->valuestring : "");
    *found = !status && object;
    cJSON_Delete(object);
    return status;
}

Status attempt_claim(const AttemptName *name) {
    char *path;
    TRY(attempt_file(name, "claimed", &path));
    const int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    Status status = NULL;
    if (descriptor < 0 && errno == EEXIST)
        status = status_error(EXIT_INTERNAL, "%s is there: another keeper took this attempt", path);
    else if (descriptor < 0)
        status = files_failure("create", path, errno);
    else
        status = files_new_close(descriptor, path, NULL);
    if (!status) {
        *strrchr(path, '/') = '\0';
        status = files_sync_directory(path);
    }
    free(path);
    return status;
}
