/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/request.h"

#include "base/digest.h"
#include "base/json.h"
#include "base/text.h"
#include "base/text_writer.h"
#include "base/utf8.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const double EXACT = 9007199254740992; /* 2^53: JSON's numbers are exact up to here */

static Status allocate_list(int64_t count, size_t size, const char *what, void *list) {
    void *fresh = calloc((size_t)count + 1, size);
    memcpy(list, &fresh, sizeof fresh);
    return fresh ? NULL : status_no_memory(what, ((unsigned long long)count + 1) * size);
}

/* --- From a process -------------------------------------------------------------------------------------------------
 */

static Status copy_arguments(Request *request, char *const *arguments) {
    int count = 0;
    while (arguments[count])
        count++;
    if (!count || !*arguments[0])
        return status_error(EXIT_USAGE, "the command is missing; write it after --");
    TRY(allocate_list(count, sizeof *request->arguments, "the arguments", &request->arguments));
    for (; request->argument_count < count; request->argument_count++)
        TRY(text_format(&request->arguments[request->argument_count], "%s", arguments[request->argument_count]));
    return NULL;
}

static bool is_variable(const char *entry) {
    const char *sign = strchr(entry, '=');
    return sign && sign != entry;
}

static Status copy_environment(Request *request) {
    int count = 0;
    while (environ && environ[count])
        count++;
    TRY(allocate_list(count, sizeof *request->environment, "the environment", &request->environment));
    for (int i = 0; i < count; i++)
        if (is_variable(environ[i])) {
            TRY(text_format(&request->environment[request->environment_count], "%s", environ[i]));
            request->environment_count++;
        }
    return NULL;
}

Status request_of_process(Request *request, char *const *arguments) {
    *request = (Request){.wants = {.gpus = 1, .gpu_memory = -1, .host_memory = -1}};
    char **const texts[] = {&request->name, &request->run_dir, &request->sweep, &request->trial};
    for (int i = 0; i < 4; i++)
        TRY(text_format(texts[i], "%s", ""));
    TRY(copy_arguments(request, arguments));
    TRY(copy_environment(request));
    request->folder = getcwd(NULL, 0);
    if (!request->folder)
        return status_error(EXIT_IO, "the current folder has no path: %s; change to another one", strerror(errno));
    request->umask = umask(0);
    umask(request->umask);
    for (int i = 0; i < REQUEST_LIMITS; i++)
        if (getrlimit((__rlimit_resource_t)i, &request->limits[i]) != 0)
            request->limits[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
    return NULL;
}

/* --- As JSON --------------------------------------------------------------------------------------------------------
 */

static void print_texts(Json *json, const char *key, char *const *texts, int count) {
    json_array(json, key, JSON_COMPACT);
    for (int i = 0; i < count; i++)
        json_string(json, NULL, texts[i]);
    json_end(json);
}

/* As text: a limit may have 64 bits. */
static void print_limit(Json *json, rlim_t limit) {
    char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)limit);
    json_string(json, NULL, limit == RLIM_INFINITY ? "unlimited" : text);
}

static void print_wants(Json *json, const JobWants *wants) {
    json_object(json, "wants", JSON_COMPACT);
    json_integer(json, "gpus", wants->gpus);
    json_array(json, "gpu_ids", JSON_COMPACT);
    for (int i = 0; i < wants->gpu_id_count; i++)
        json_integer(json, NULL, wants->gpu_ids[i]);
    json_end(json);
    json_string(json, "lane", wants->lane);
    json_integer(json, "gpu_memory", wants->gpu_memory);
    json_integer(json, "host_memory", wants->host_memory);
    json_double(json, "time_limit", wants->time_limit);
    json_integer(json, "priority", wants->priority);
    json_array(json, "after", JSON_COMPACT);
    for (int i = 0; i < wants->after_count; i++)
        json_integer(json, NULL, wants->after[i]);
    json_end(json);
    json_bool(json, "resumable", wants->resumable);
    json_bool(json, "foreground", wants->foreground);
    json_end(json);
}

/* cJSON's own layout keeps bytes that are not UTF-8, which paths and arguments may contain. */
Status request_print(const Request *request, char **text) {
    Json json;
    size_t size;
    json_open(&json, NULL);
    json_object(&json, NULL, JSON_COMPACT);
    print_texts(&json, "arguments", request->arguments, request->argument_count);
    print_texts(&json, "environment", request->environment, request->environment_count);
    json_string(&json, "folder", request->folder);
    json_integer(&json, "umask", request->umask);
    json_array(&json, "limits", JSON_COMPACT);
    for (int i = 0; i < REQUEST_LIMITS; i++) {
        json_array(&json, NULL, JSON_COMPACT);
        print_limit(&json, request->limits[i].rlim_cur);
        print_limit(&json, request->limits[i].rlim_max);
        json_end(&json);
    }
    json_end(&json);
    json_array(&json, "files", JSON_COMPACT);
    for (int i = 0; i < request->file_count; i++) {
        json_object(&json, NULL, JSON_COMPACT);
        json_string(&json, "path", request->files[i].path);
        json_string(&json, "hash", request->files[i].hash);
        json_end(&json);
    }
    json_end(&json);
    json_string(&json, "name", request->name);
    json_string(&json, "run_dir", request->run_dir);
    json_string(&json, "sweep", request->sweep);
    json_string(&json, "trial", request->trial);
    json_integer(&json, "micro_batch", request->micro_batch);
    print_wants(&json, &request->wants);
    json_bool(&json, "now", request->now);
    json_bool(&json, "dry_run", request->dry_run);
    json_end(&json);
    TRY(json_close(&json, "a request", text, &size));
    if (size <= REQUEST_BYTES)
        return NULL;
    free(*text);
    *text = NULL;
    return status_error(EXIT_USAGE, "the command and its environment take %zu bytes, and at most %d are allowed", size,
                        (int)REQUEST_BYTES);
}

static Status refuse_member(const char *key, const char *what) {
    return status_error(EXIT_USAGE, "request: \"%s\" %s", key, what);
}

static Status take_text(const cJSON *object, const char *key, char **text) {
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(member) ? text_format(text, "%s", member->valuestring)
                                  : refuse_member(key, "is missing or no text");
}

static bool is_whole(const cJSON *item, double least, double most) {
    return cJSON_IsNumber(item) && item->valuedouble >= least && item->valuedouble <= most &&
           item->valuedouble == floor(item->valuedouble);
}

static Status take_whole(const cJSON *object, const char *key, double least, double most, int64_t *value) {
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!is_whole(member, least, most))
        return refuse_member(key, "is missing or no whole number in its range");
    *value = (int64_t)member->valuedouble;
    return NULL;
}

static Status take_flag(const cJSON *object, const char *key, bool *value) {
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsBool(member))
        return refuse_member(key, "is missing, or neither true nor false");
    *value = cJSON_IsTrue(member);
    return NULL;
}

static Status find_array(const cJSON *object, const char *key, const cJSON **array) {
    *array = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsArray(*array) ? NULL : refuse_member(key, "is missing or no list");
}

static Status take_texts(const cJSON *object, const char *key, char ***texts, int *count) {
    const cJSON *array, *item;
    TRY(find_array(object, key, &array));
    TRY(allocate_list(cJSON_GetArraySize(array), sizeof **texts, key, texts));
    cJSON_ArrayForEach(item, array) {
        if (!cJSON_IsString(item))
            return refuse_member(key, "contains what is no text");
        TRY(text_format(&(*texts)[*count], "%s", item->valuestring));
        ++*count;
    }
    return NULL;
}

static bool read_limit(const cJSON *item, rlim_t *limit) {
    char *end;
    if (!cJSON_IsString(item))
        return false;
    *limit = RLIM_INFINITY;
    if (strcmp(item->valuestring, "unlimited") == 0)
        return true;
    if (strspn(item->valuestring, "0123456789") != strlen(item->valuestring))
        return false;
    errno = 0;
    *limit = strtoull(item->valuestring, &end, 10);
    return end != item->valuestring && !errno;
}

static Status take_limits(const cJSON *object, struct rlimit limits[REQUEST_LIMITS]) {
    const cJSON *array, *item;
    int i = 0;
    TRY(find_array(object, "limits", &array));
    if (cJSON_GetArraySize(array) != REQUEST_LIMITS)
        return refuse_member("limits", "has too many or too few items");
    cJSON_ArrayForEach(item, array) {
        struct rlimit *limit = &limits[i++];
        if (!cJSON_IsArray(item) || cJSON_GetArraySize(item) != 2 || !read_limit(item->child, &limit->rlim_cur) ||
            !read_limit(item->child->next, &limit->rlim_max) || limit->rlim_cur > limit->rlim_max)
            return refuse_member("limits", "contains what is no limit");
    }
    return NULL;
}

static Status take_files(const cJSON *object, Request *request) {
    const cJSON *array, *item;
    uint8_t bytes[DIGEST_SHA256];
    TRY(find_array(object, "files", &array));
    TRY(allocate_list(cJSON_GetArraySize(array), sizeof *request->files, "the list of files", &request->files));
    cJSON_ArrayForEach(item, array) {
        RequestFile *file = &request->files[request->file_count++];
        TRY(take_text(item, "path", &file->path));
        TRY(take_text(item, "hash", &file->hash));
        if (*file->path != '/' || !digest_from_hex(file->hash, DIGEST_SHA256, bytes))
            return refuse_member("files", "contains what is no file");
    }
    return NULL;
}

static Status take_gpu_ids(const cJSON *object, JobWants *wants) {
    const cJSON *array, *item;
    TRY(find_array(object, "gpu_ids", &array));
    if (cJSON_GetArraySize(array) > POOL_GPUS)
        return refuse_member("gpu_ids", "has too many items");
    cJSON_ArrayForEach(item, array) {
        if (!is_whole(item, 0, INT_MAX))
            return refuse_member("gpu_ids", "contains what is no number of a GPU");
        wants->gpu_ids[wants->gpu_id_count++] = (int)item->valuedouble;
    }
    return NULL;
}

static Status take_after(const cJSON *object, JobWants *wants) {
    const cJSON *array, *item;
    TRY(find_array(object, "after", &array));
    TRY(allocate_list(cJSON_GetArraySize(array), sizeof *wants->after, "the list of jobs", &wants->after));
    cJSON_ArrayForEach(item, array) {
        if (!is_whole(item, 1, EXACT))
            return refuse_member("after", "contains what is no number of a job");
        wants->after[wants->after_count++] = (int64_t)item->valuedouble;
    }
    return NULL;
}

static Status take_wants(const cJSON *request, JobWants *wants) {
    const cJSON *object = cJSON_GetObjectItemCaseSensitive(request, "wants");
    const cJSON *lane = cJSON_GetObjectItemCaseSensitive(object, "lane");
    const cJSON *limit = cJSON_GetObjectItemCaseSensitive(object, "time_limit");
    int64_t gpus, priority;
    TRY(take_whole(object, "gpus", 1, POOL_GPUS, &gpus));
    TRY(take_gpu_ids(object, wants));
    if (!cJSON_IsString(lane) || strlen(lane->valuestring) >= sizeof wants->lane)
        return refuse_member("lane", "is missing or too long");
    strcpy(wants->lane, lane->valuestring);
    TRY(take_whole(object, "gpu_memory", -1, EXACT, &wants->gpu_memory));
    TRY(take_whole(object, "host_memory", -1, EXACT, &wants->host_memory));
    if (!cJSON_IsNumber(limit) || !(limit->valuedouble >= 0 && limit->valuedouble <= EXACT))
        return refuse_member("time_limit", "is missing or no duration");
    TRY(take_whole(object, "priority", INT_MIN, INT_MAX, &priority));
    TRY(take_after(object, wants));
    TRY(take_flag(object, "resumable", &wants->resumable));
    TRY(take_flag(object, "foreground", &wants->foreground));
    wants->time_limit = limit->valuedouble;
    wants->gpus = (int)gpus;
    wants->priority = (int)priority;
    return NULL;
}

Status request_read(const cJSON *object, Request *request) {
    int64_t mask;
    *request = (Request){0};
    TRY(take_texts(object, "arguments", &request->arguments, &request->argument_count));
    if (!request->argument_count || !*request->arguments[0])
        return refuse_member("arguments", "names no program");
    TRY(take_texts(object, "environment", &request->environment, &request->environment_count));
    for (int i = 0; i < request->environment_count; i++)
        if (!is_variable(request->environment[i]))
            return refuse_member("environment", "contains what is not NAME=VALUE");
    TRY(take_text(object, "folder", &request->folder));
    if (*request->folder != '/')
        return refuse_member("folder", "is no absolute path");
    TRY(take_whole(object, "umask", 0, 0777, &mask));
    request->umask = (mode_t)mask;
    TRY(take_limits(object, request->limits));
    TRY(take_files(object, request));
    TRY(take_text(object, "name", &request->name));
    TRY(take_text(object, "run_dir", &request->run_dir));
    TRY(take_text(object, "sweep", &request->sweep));
    TRY(take_text(object, "trial", &request->trial));
    TRY(take_whole(object, "micro_batch", 0, EXACT, &request->micro_batch));
    TRY(take_wants(object, &request->wants));
    TRY(take_flag(object, "now", &request->now));
    return take_flag(object, "dry_run", &request->dry_run);
}

Status request_parse(const char *text, Request *request) {
    *request = (Request){0};
    if (strnlen(text, REQUEST_BYTES + 1) > REQUEST_BYTES)
        return status_error(EXIT_USAGE, "request: more than %d bytes", (int)REQUEST_BYTES);
    cJSON *object = cJSON_ParseWithOpts(text, NULL, true);
    if (!object)
        return status_error(EXIT_USAGE, "request: not JSON");
    Status status = request_read(object, request);
    cJSON_Delete(object);
    return status;
}

static void free_texts(char **texts, int count) {
    for (int i = 0; texts && i < count; i++)
        free(texts[i]);
    free(texts);
}

void request_free(Request *request) {
    free_texts(request->arguments, request->argument_count);
    free_texts(request->environment, request->environment_count);
    for (int i = 0; i < request->file_count; i++) {
        free(request->files[i].path);
        free(request->files[i].hash);
    }
    free(request->files);
    free(request->folder);
    free(request->name);
    free(request->run_dir);
    free(request->sweep);
    free(request->trial);
    free(request->wants.after);
    *request = (Request){0};
}

/* --- For people -----------------------------------------------------------------------------------------------------
 */

/* A terminal acts on control characters, also on those beyond ASCII, and shows other bytes as it likes. */
static void print_printable(FILE *out, const char *text) {
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        const size_t length = utf8_length((const char *)s);
        const bool control = *s < 0x20 || *s == 0x7f || (length == 2 && s[0] == 0xc2 && s[1] < 0xa0);
        if (!length || control)
            fputc('?', out);
        else if (*s == '\'')
            fputs("'\\''", out);
        else
            fwrite(s, 1, length, out);
        s += length ? length : 1;
    }
}

Status request_command(const Request *request, char **text) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-";
    TextWriter writer;
    TRY(text_writer_open(&writer, "a command"));
    for (int i = 0; i < request->argument_count; i++) {
        const char *word = request->arguments[i];
        const bool quoted = !*word || word[strspn(word, plain)];
        fputs(i ? " " : "", writer.out);
        fputs(quoted ? "'" : "", writer.out);
        print_printable(writer.out, word);
        fputs(quoted ? "'" : "", writer.out);
    }
    return text_writer_take(&writer, text);
}
