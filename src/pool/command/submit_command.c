/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/command/submit_command.h"
#include "base/quantity.h"
#include "pool/client.h"
#include "pool/command/arguments.h"
#include "pool/request_files.h"
#include "pool/sweep/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Options ------------------------------------------------------------------------------------------------------ */

static Status read_size(const char *text, const char *option, int64_t *bytes) {
    if (!text || quantity_read_size(text, bytes))
        return NULL;
    return status_error(EXIT_USAGE, "%s %s is no size; write 512M or 60G", option, text);
}

static Status read_gpu_ids(const char *text, JobWants *wants) {
    for (const char *at = text; at;) {
        int64_t number;
        TRY(arguments_next_number(&at, "number of a GPU for --gpu-ids", &number));
        if (wants->gpu_id_count == POOL_GPUS || number > INT32_MAX)
            return status_error(EXIT_USAGE, "--gpu-ids %s lists more than %d GPUs, or a number too large", text,
                                POOL_GPUS);
        wants->gpu_ids[wants->gpu_id_count++] = (int)number;
    }
    return NULL;
}

static Status read_after(const char *text, JobWants *wants) {
    size_t most = 1;
    for (const char *at = text; (at = strchr(at, ',')); at++)
        most++;
    wants->after = calloc(most, sizeof *wants->after);
    if (!wants->after)
        return status_no_memory("a list of jobs", most * sizeof *wants->after);
    for (const char *at = text; at;)
        TRY(arguments_next_number(&at, "number of a job for --after", &wants->after[wants->after_count++]));
    return NULL;
}

static Status read_wants(const PoolOptions *options, JobWants *wants) {
    wants->gpu_memory = wants->host_memory = -1;
    wants->priority = (int)options->priority;
    wants->resumable = options->resumable;
    TRY(read_size(options->gpu_memory, "--gpu-mem", &wants->gpu_memory));
    TRY(read_size(options->host_memory, "--host-mem", &wants->host_memory));
    if (options->time_limit &&
        (!quantity_read_duration(options->time_limit, &wants->time_limit) || wants->time_limit <= 0))
        return status_error(EXIT_USAGE, "--time %s is no duration above 0; write 90, 90m or 2h", options->time_limit);
    TRY(read_gpu_ids(options->gpu_ids, wants));
    if (options->after)
        TRY(read_after(options->after, wants));
    wants->gpus = options->gpus ? options->gpus : wants->gpu_id_count ? wants->gpu_id_count : 1;
    if (options->lane && strlen(options->lane) >= sizeof wants->lane)
        return status_error(EXIT_USAGE, "--lane %.70s is no lane: a name has at most %zu bytes", options->lane,
                            sizeof wants->lane - 1);
    if (options->lane)
        strcpy(wants->lane, options->lane);
    return NULL;
}

static Status copy_text(const char *text, char **copy) {
    free(*copy);
    *copy = strdup(text);
    return *copy ? NULL : status_no_memory("a request", 0);
}

/* --- Plan --------------------------------------------------------------------------------------------------------- */

/* What the options leave open a trainer's plan says. A program that is not there is the job's own failure. */
static Status apply_plan(Request *request) {
    Plan plan;
    Status status = plan_read(request->arguments, request->folder, request->environment, &plan);
    const int code = status_code(status);
    if (code == 126 || code == 127) {
        status_free(status);
        status = NULL;
    } else if (!status && plan.trainer) {
        if (request->wants.gpu_memory < 0 && plan.gpu_memory > 0)
            request->wants.gpu_memory = plan.gpu_memory;
        if (request->wants.host_memory < 0)
            request->wants.host_memory = plan.host_memory;
        request->micro_batch = plan.micro_batch;
        if (plan.run_dir)
            status = copy_text(plan.run_dir, &request->run_dir);
    }
    plan_free(&plan);
    return status;
}

Status submit_make_request(const PoolOptions *options, Request *request) {
    *request = (Request){0};
    /* The parser left room for the NULL, which takes the place of the program's own name. */
    options->words.list[options->words.count] = NULL;
    TRY(request_of_process(request, options->words.list));
    TRY(read_wants(options, &request->wants));
    if (options->name)
        TRY(copy_text(options->name, &request->name));
    request->now = options->now;
    request->dry_run = options->dry_run;
    TRY(apply_plan(request));
    return request_add_files(request);
}

Status submit_make_arguments(const Request *request, bool terminal, cJSON **arguments) {
    char *text;
    *arguments = NULL;
    TRY(request_print(request, &text));
    Json json;
    json_open(&json, NULL);
    json_object(&json, NULL, JSON_COMPACT);
    json_bool(&json, "terminal", terminal);
    json_verbatim(&json, "request", text);
    free(text);
    return arguments_end(&json, arguments);
}

/* --- Command ------------------------------------------------------------------------------------------------------ */

static Status send_request(const PoolOptions *options, const cJSON *arguments) {
    PoolClient *client;
    cJSON *answer;
    TRY(pool_client_open(options->state, true, &client));
    Status status = pool_client_ask(client, "submit", arguments, &answer);
    pool_client_close(client);
    TRY(status);
    const cJSON *job = cJSON_GetObjectItem(answer, "job"), *text = cJSON_GetObjectItem(answer, "text");
    if (cJSON_IsNumber(job))
        printf("%.0f\n", job->valuedouble);
    else if (cJSON_IsString(text))
        puts(text->valuestring);
    cJSON_Delete(answer);
    return NULL;
}

Status submit_command(const PoolOptions *options) {
    Request request;
    cJSON *arguments = NULL;
    Status status = submit_make_request(options, &request);
    if (!status)
        status = submit_make_arguments(&request, false, &arguments);
    request_free(&request);
    if (!status)
        status = send_request(options, arguments);
    cJSON_Delete(arguments);
    return status;
}
