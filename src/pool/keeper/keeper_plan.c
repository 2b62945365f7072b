/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/keeper/keeper_plan.h"

#include "base/files.h"
#include "base/json.h"

#include <math.h>
#include <sched.h>
#include <stdlib.h>

static const double EXACT = 9007199254740992; /* 2^53: JSON's numbers are exact up to here */

/* Compact, as cJSON prints it: its layout keeps bytes of the request that are not UTF-8. */
Status keeper_plan_write(const AttemptName *name, const KeeperPlan *plan, const char *request) {
    Json json;
    char *path;
    json_open(&json, NULL);
    json_object(&json, NULL, JSON_COMPACT);
    json_integer(&json, "epoch", plan->epoch);
    json_integer(&json, "uid", plan->uid);
    json_integer(&json, "micro_batch", plan->micro_batch);
    json_array(&json, "gpus", JSON_COMPACT);
    for (int i = 0; i < plan->gpu_count; i++)
        json_integer(&json, NULL, plan->gpus[i]);
    json_end(&json);
    json_string(&json, "uuids", plan->uuids);
    json_array(&json, "cores", JSON_COMPACT);
    for (int i = 0; i < plan->core_count; i++)
        json_integer(&json, NULL, plan->cores[i]);
    json_end(&json);
    json_bool(&json, "terminal", plan->terminal);
    json_bool(&json, "client", plan->client);
    json_bool(&json, "as_submitter", plan->as_submitter);
    json_bool(&json, "resume", plan->resume);
    json_double(&json, "grace", plan->grace);
    json_verbatim(&json, "request", request);
    json_end(&json);
    Status status = attempt_file(name, "start.json", &path);
    if (status) {
        char *text;
        size_t size;
        status_free(json_close(&json, "a plan", &text, &size));
        free(text);
        return status;
    }
    status = json_write(&json, path);
    free(path);
    return status;
}

static bool take_number(const cJSON *object, const char *key, double least, double most, int64_t *value) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= least && item->valuedouble <= most))
        return false;
    *value = (int64_t)item->valuedouble;
    return true;
}

static bool take_truth(const cJSON *object, const char *key, bool *value) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    *value = cJSON_IsTrue(item);
    return cJSON_IsBool(item);
}

/* Numbers from 0 to `below`, `room` of them at most. */
static bool take_numbers(const cJSON *object, const char *key, int below, int *list, int room, int *count) {
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(object, key), *item;
    cJSON_ArrayForEach(item, array) {
        if (*count == room || !cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble < below))
            return false;
        list[(*count)++] = (int)item->valuedouble;
    }
    return cJSON_IsArray(array);
}

static bool take_plan(const cJSON *object, KeeperPlan *plan) {
    const cJSON *uuids = cJSON_GetObjectItemCaseSensitive(object, "uuids");
    const cJSON *grace = cJSON_GetObjectItemCaseSensitive(object, "grace");
    if (!cJSON_IsString(uuids) || !cJSON_IsNumber(grace) || !(grace->valuedouble >= 0))
        return false;
    plan->uuids = uuids->valuestring;
    plan->grace = grace->valuedouble;
    return take_number(object, "epoch", 0, EXACT, &plan->epoch) && take_number(object, "uid", 0, EXACT, &plan->uid) &&
           take_number(object, "micro_batch", 0, EXACT, &plan->micro_batch) &&
           take_numbers(object, "gpus", INT32_MAX, plan->gpus, POOL_GPUS, &plan->gpu_count) &&
           take_numbers(object, "cores", CPU_SETSIZE, plan->cores, CPU_SETSIZE, &plan->core_count) &&
           take_truth(object, "terminal", &plan->terminal) && take_truth(object, "client", &plan->client) &&
           take_truth(object, "as_submitter", &plan->as_submitter) && take_truth(object, "resume", &plan->resume);
}

Status keeper_plan_read(const AttemptName *name, KeeperPlan *plan) {
    char *path, *text = NULL;
    size_t size;
    *plan = (KeeperPlan){.cores = calloc(CPU_SETSIZE, sizeof *plan->cores)};
    if (!plan->cores)
        return status_no_memory("a list of cores", CPU_SETSIZE * sizeof *plan->cores);
    TRY(attempt_file(name, "start.json", &path));
    Status status = files_read(path, &text, &size);
    if (!status) {
        plan->json = cJSON_ParseWithLength(text, size);
        if (!cJSON_IsObject(plan->json) || !take_plan(plan->json, plan))
            status = status_error(EXIT_DATA, "%s: damaged", path);
    }
    free(text);
    free(path);
    TRY(status);
    return request_read(cJSON_GetObjectItemCaseSensitive(plan->json, "request"), &plan->request);
}

void keeper_plan_free(KeeperPlan *plan) {
    request_free(&plan->request);
    cJSON_Delete(plan->json);
    free(plan->cores);
    *plan = (KeeperPlan){0};
}
