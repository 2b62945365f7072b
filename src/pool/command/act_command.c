/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/command/act_command.h"
#include "pool/client.h"
#include "pool/command/arguments.h"

static Status ask_for_job(PoolClient *client, const char *call, const char *word) {
    int64_t job;
    cJSON *arguments, *answer = NULL;
    TRY(arguments_number(word, "job's number", &job));
    TRY(arguments_of_number("job", job, &arguments));
    Status status = pool_client_ask(client, call, arguments, &answer);
    cJSON_Delete(arguments);
    cJSON_Delete(answer);
    return status;
}

Status act_on_jobs(const PoolOptions *options, const char *call) {
    PoolClient *client;
    TRY(pool_client_open(options->state, false, &client));
    Status first = NULL;
    for (int i = 0; i < options->what.count; i++) {
        Status status = ask_for_job(client, call, options->what.list[i]);
        if (first)
            status_free(status);
        else
            first = status;
    }
    pool_client_close(client);
    return first;
}

static Status ask_once(const PoolOptions *options, const char *call, const cJSON *arguments) {
    PoolClient *client;
    cJSON *answer;
    TRY(pool_client_open(options->state, false, &client));
    Status status = pool_client_ask(client, call, arguments, &answer);
    pool_client_close(client);
    cJSON_Delete(answer);
    return status;
}

Status act_on_filler(const PoolOptions *options) {
    Json json;
    cJSON *arguments;
    json_open(&json, NULL);
    json_object(&json, NULL, JSON_COMPACT);
    json_bool(&json, "on", options->filler == 0);
    TRY(arguments_end(&json, &arguments));
    Status status = ask_once(options, "filler", arguments);
    cJSON_Delete(arguments);
    return status;
}

Status act_on_gpu(const PoolOptions *options) {
    Json json;
    cJSON *arguments;
    json_open(&json, NULL);
    json_object(&json, NULL, JSON_COMPACT);
    json_integer(&json, "gpu", options->number);
    json_bool(&json, "drain", options->act == 0);
    TRY(arguments_end(&json, &arguments));
    Status status = ask_once(options, "gpu", arguments);
    cJSON_Delete(arguments);
    return status;
}
