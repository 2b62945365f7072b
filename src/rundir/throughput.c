/* SPDX-License-Identifier: Apache-2.0 */
#include "rundir/throughput.h"

static const int64_t LAST_STEP = 200;

bool throughput_count(ThroughputWatch *watch, double seconds, double data_wait) {
    watch->steps++;
    if (watch->steps > LAST_STEP - THROUGHPUT_STEPS && watch->steps <= LAST_STEP) {
        watch->seconds += seconds;
        watch->data_wait += data_wait;
    }
    return watch->steps == LAST_STEP;
}

void throughput_print(const Throughput *throughput, Json *json) {
    if (!(throughput->images_per_s > 0)) {
        json_null(json, "throughput");
        return;
    }
    json_object(json, "throughput", JSON_LINE);
    json_real(json, "images_per_s", throughput->images_per_s);
    json_real(json, "data_wait", throughput->data_wait);
    json_integer(json, "micro_batch", throughput->micro_batch);
    json_string(json, "host", throughput->host);
    versions_print(&throughput->versions, json);
    json_end(json);
}

void throughput_read(Throughput *throughput, const cJSON *object) {
    const cJSON *rate = cJSON_GetObjectItemCaseSensitive(object, "images_per_s");
    const cJSON *data_wait = cJSON_GetObjectItemCaseSensitive(object, "data_wait");
    const cJSON *micro_batch = cJSON_GetObjectItemCaseSensitive(object, "micro_batch");
    const cJSON *host = cJSON_GetObjectItemCaseSensitive(object, "host");
    *throughput = (Throughput){0};
    if (!cJSON_IsNumber(rate) || !(rate->valuedouble > 0))
        return;
    throughput->images_per_s = rate->valuedouble;
    throughput->data_wait = cJSON_IsNumber(data_wait) ? data_wait->valuedouble : 0;
    throughput->micro_batch = cJSON_IsNumber(micro_batch) ? micro_batch->valueint : 0;
    if (cJSON_IsString(host))
        snprintf(throughput->host, sizeof throughput->host, "%s", host->valuestring);
    versions_read(&throughput->versions, cJSON_GetObjectItemCaseSensitive(object, "versions"));
}
