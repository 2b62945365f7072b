/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/sweep/sweep_jobs.h"

#include "base/json.h"
#include "base/text.h"
#include "pool/request.h"
#include "pool/request_files.h"
#include "pool/sweep/trials/trial_command.h"

#include <stdlib.h>
#include <string.h>

/* The files that must not change while the trial waits: the program, its configuration and the task. A shell before
 * them hides them, so they are found in a command without it. */
static Status add_files(const Sweep *sweep, const Trial *trial, Request *request) {
    Words words = {0};
    Request seen = {0};
    char *task = NULL;
    Status status = trial_command_words(sweep, trial->config, &words);
    if (!status && !words.count)
        status = words_add(&words, "sh");
    if (!status && words.count == 1)
        status = words_add(&words, "%s", trial->config);
    if (!status)
        status = trial_command_task(sweep, &task);
    if (!status && task)
        status = words_add(&words, "%s", task);
    if (!status)
        status = request_of_process(&seen, words.list);
    if (!status)
        status = request_add_files(&seen);
    if (!status) {
        request->files = seen.files;
        request->file_count = seen.file_count;
        seen.files = NULL;
        seen.file_count = 0;
    }
    request_free(&seen);
    free(task);
    words_free(&words);
    return status;
}

static Status replace_text(char **field, const char *format, const char *first, const char *second) {
    char *text;
    TRY(text_format(&text, format, first, second));
    free(*field);
    *field = text;
    return NULL;
}

static Status fill_request(const Sweep *sweep, const Trial *trial, Request *request) {
    request->wants.gpus = 1;
    request->wants.gpu_memory = trial->gpu_memory > 0 ? trial->gpu_memory : -1;
    request->wants.host_memory = trial->host_memory;
    request->wants.resumable = trial->micro_batch > 0 || trial_command_resumes(sweep);
    request->micro_batch = trial->micro_batch;
    TRY(replace_text(&request->name, "%s/%s", sweep->name, trial->id));
    TRY(replace_text(&request->sweep, "%s%s", sweep->name, ""));
    TRY(replace_text(&request->trial, "%s%s", trial->id, ""));
    TRY(replace_text(&request->run_dir, "%s/%s", request->folder, trial->run_dir));
    return add_files(sweep, trial, request);
}

/* `value` is JSON. */
static Status ask(PoolClient *client, const char *call, const char *key, const char *value, cJSON **answer) {
    Json json;
    char *text;
    size_t size;
    json_open(&json, NULL);
    json_object(&json, NULL, JSON_COMPACT);
    json_verbatim(&json, key, value);
    json_end(&json);
    TRY(json_close(&json, "a question to the pool", &text, &size));
    cJSON *arguments = cJSON_ParseWithLength(text, size);
    free(text);
    Status status =
        arguments ? pool_client_ask(client, call, arguments, answer) : status_no_memory("a question to the pool", size);
    cJSON_Delete(arguments);
    return status;
}

static Status ask_submit(PoolClient *client, const Request *request, int64_t *job) {
    char *text;
    cJSON *answer = NULL;
    TRY(request_print(request, &text));
    Status status = ask(client, "submit", "request", text, &answer);
    free(text);
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(answer, "job");
    if (!status && job && !cJSON_IsNumber(number))
        status = status_error(EXIT_INTERNAL, "the daemon queued a trial and gave it no number; look at `pool jobs`");
    if (!status && job)
        *job = (int64_t)number->valuedouble;
    cJSON_Delete(answer);
    return status;
}

Status sweep_jobs_submit(PoolClient *client, const Sweep *sweep, const Trial *trial, int64_t *job) {
    Words words;
    Request request = {0};
    Status status = trial_command_job(sweep, trial, &words);
    if (!status)
        status = request_of_process(&request, words.list);
    if (!status)
        status = fill_request(sweep, trial, &request);
    request.dry_run = !job;
    if (!status)
        status = ask_submit(client, &request, job);
    request_free(&request);
    words_free(&words);
    return status;
}

Status sweep_jobs_read(PoolClient *client, bool all, cJSON **jobs) {
    *jobs = NULL;
    return ask(client, "jobs", "all", all ? "true" : "false", jobs);
}

Status sweep_jobs_gpus(PoolClient *client, int64_t *count) {
    cJSON *answer;
    TRY(pool_client_ask(client, "status", NULL, &answer));
    *count = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(answer, "gpus"));
    cJSON_Delete(answer);
    return NULL;
}
