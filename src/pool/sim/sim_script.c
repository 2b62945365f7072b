/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/sim/sim_script.h"

#include "base/files.h"

#include <cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A hundred years: beyond it, times would lose their milliseconds. */
static const double LONGEST = 3.2e9;
static const uid_t FIRST_UID = 1001;
static const double MOST_NUMBER = 1e6; /* of a GPU, and of processes on one */

/* An object of the script, for messages: "IN.json: jobs[3]". */
typedef struct {
    const char *path;
    const char *list; /* "": the script itself */
    int index;
    const cJSON *object;
} Place;

static Status refuse_field(const Place *place, const char *field, const char *why) {
    if (place->list[0])
        return status_error(EXIT_DATA, "%s: %s[%d].%s: %s", place->path, place->list, place->index, field, why);
    return status_error(EXIT_DATA, "%s: %s: %s", place->path, field, why);
}

/* Takes a whole number or a real in [least, most]; without the field leaves *value as it is. */
static Status take_number(const Place *place, const char *field, bool whole, double least, double most, double *value) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(place->object, field);
    if (!item)
        return NULL;
    const double number = cJSON_IsNumber(item) ? item->valuedouble : NAN;
    if (number >= least && number <= most && (!whole || number == floor(number))) {
        *value = number;
        return NULL;
    }
    char why[96];
    snprintf(why, sizeof why, "must be a %s from %g to %g", whole ? "whole number" : "number", least, most);
    return refuse_field(place, field, why);
}

/* The same for what a gauge may not support: null is `unsupported`. *found false: there is no such field. */
static Status take_gauge(const Place *place, const char *field, double most, double unsupported, double *value,
                         bool *found) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(place->object, field);
    *found = item;
    if (cJSON_IsNull(item)) {
        *value = unsupported;
        return NULL;
    }
    return take_number(place, field, false, 0, most, value);
}

static Status take_flag(const Place *place, const char *field, bool *value) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(place->object, field);
    if (item && !cJSON_IsBool(item))
        return refuse_field(place, field, "must be true or false");
    if (item)
        *value = cJSON_IsTrue(item);
    return NULL;
}

static Status require_field(const Place *place, const char *field) {
    return cJSON_GetObjectItemCaseSensitive(place->object, field) ? NULL : refuse_field(place, field, "is missing");
}

/* `known`: names, each before a NUL, the last before two. */
static Status check_names(const Place *place, const char *known) {
    if (!cJSON_IsObject(place->object))
        return status_error(EXIT_DATA, "%s: %s[%d]: must be an object", place->path, place->list, place->index);
    const cJSON *item;
    cJSON_ArrayForEach(item, place->object) {
        const char *name = known;
        while (*name && strcmp(name, item->string) != 0)
            name += strlen(name) + 1;
        if (*name == '\0')
            return refuse_field(place, item->string, "there is no such field");
    }
    return NULL;
}

static Status take_user(const Place *place, ScriptJob *jobs, int index) {
    ScriptJob *job = &jobs[index];
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(place->object, "user");
    const char *user = item ? cJSON_GetStringValue(item) : "user";
    if (!user || user[0] == '\0' || strlen(user) >= POOL_NAME)
        return refuse_field(place, "user", "must be a name of 1 to 63 bytes");
    snprintf(job->user, sizeof job->user, "%s", user);
    uid_t next = FIRST_UID;
    for (int i = 0; i < index; i++) {
        if (strcmp(jobs[i].user, user) == 0) {
            job->uid = jobs[i].uid;
            return NULL;
        }
        if (jobs[i].uid >= next)
            next = jobs[i].uid + 1;
    }
    job->uid = next;
    return NULL;
}

static Status take_exits(const Place *place, ScriptJob *job) {
    const char *why = "must be a list of numbers from 0 to 255 and \"hang\"";
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(place->object, "exits");
    const int count = list ? cJSON_GetArraySize(list) : 1;
    if (list && (!cJSON_IsArray(list) || count == 0))
        return refuse_field(place, "exits", why);
    job->exits = calloc((size_t)count, sizeof *job->exits);
    if (!job->exits)
        return status_no_memory("a job's exits", (size_t)count * sizeof *job->exits);
    job->exit_count = count;
    int at = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, list) {
        const bool hangs = cJSON_IsString(item) && strcmp(item->valuestring, "hang") == 0;
        const double code = cJSON_IsNumber(item) ? item->valuedouble : -1;
        if (!hangs && (code < 0 || code > 255 || code != floor(code)))
            return refuse_field(place, "exits", why);
        job->exits[at++] = hangs ? SCRIPT_HANGS : (int)code;
    }
    return NULL;
}

static Status read_job(const Place *place, Script *script) {
    ScriptJob *job = &script->jobs[place->index];
    double gpus = 1, priority = 0;
    bool found;
    *job = (ScriptJob){.util = 100};
    TRY(check_names(place, "at\0gpus\0seconds\0exits\0util\0priority\0user\0resumable\0"));
    TRY(require_field(place, "seconds"));
    TRY(take_number(place, "at", false, 0, LONGEST, &job->at));
    TRY(take_number(place, "seconds", false, 0, LONGEST, &job->seconds));
    TRY(take_number(place, "gpus", true, 1, POOL_GPUS, &gpus));
    TRY(take_number(place, "priority", true, -1e6, 1e6, &priority));
    TRY(take_gauge(place, "util", 100, NAN, &job->util, &found));
    TRY(take_flag(place, "resumable", &job->resumable));
    TRY(take_user(place, script->jobs, place->index));
    job->gpus = (int)gpus;
    job->priority = (int)priority;
    return take_exits(place, job);
}

static Status read_gauge(const Place *place, Script *script) {
    ScriptGauge *gauge = &script->gauges[place->index];
    double gpu = 0, memory = -1, processes = -1;
    *gauge = (ScriptGauge){.to = INFINITY, .util = NAN};
    TRY(check_names(place, "gpu\0from\0to\0util\0memory\0processes\0"));
    TRY(require_field(place, "gpu"));
    TRY(take_number(place, "gpu", true, 0, MOST_NUMBER, &gpu));
    TRY(take_number(place, "from", false, 0, LONGEST, &gauge->from));
    TRY(take_number(place, "to", false, 0, LONGEST, &gauge->to));
    TRY(take_gauge(place, "util", 100, NAN, &gauge->util, &gauge->has_util));
    TRY(take_gauge(place, "memory", 1e15, -1, &memory, &gauge->has_memory));
    TRY(take_gauge(place, "processes", MOST_NUMBER, -1, &processes, &gauge->has_processes));
    if (rule_gpu(&script->rule, (int64_t)gpu) < 0)
        return refuse_field(place, "gpu", "the rule has no such GPU");
    gauge->gpu = (int)gpu;
    gauge->memory = (int64_t)memory;
    gauge->processes = (int)processes;
    return NULL;
}

/* Reads the objects of a list, `item_size` bytes each, into *items. */
static Status read_list(const Place *top, const char *field, size_t item_size, void **items, int *count,
                        Status (*read)(const Place *place, Script *script), Script *script) {
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(top->object, field);
    if (list && !cJSON_IsArray(list))
        return refuse_field(top, field, "must be a list");
    const int size = cJSON_GetArraySize(list);
    *items = calloc((size_t)size + 1, item_size);
    if (!*items)
        return status_no_memory("the script's lists", ((size_t)size + 1) * item_size);
    Place place = {.path = top->path, .list = field};
    cJSON_ArrayForEach(place.object, list) {
        *count = place.index + 1;
        TRY(read(&place, script));
        place.index++;
    }
    return NULL;
}

static Status read_bad_gpus(const Place *top, Script *script) {
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(top->object, "bad_gpus"), *item;
    if (list && !cJSON_IsArray(list))
        return refuse_field(top, "bad_gpus", "must be a list");
    cJSON_ArrayForEach(item, list) {
        const double number = cJSON_IsNumber(item) ? item->valuedouble : -1;
        const bool whole = number >= 0 && number <= MOST_NUMBER && number == floor(number);
        const int index = whole ? rule_gpu(&script->rule, (int64_t)number) : -1;
        if (index < 0)
            return refuse_field(top, "bad_gpus", "contains what is no number of a GPU of the rule");
        script->bad[index] = true;
    }
    return NULL;
}

static Status read_rule(const Place *top, Script *script) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(top->object, "rule"));
    if (!text)
        return refuse_field(top, "rule", "must be the text of a rule file");
    char *warnings = NULL;
    size_t size;
    FILE *stream = open_memstream(&warnings, &size);
    if (!stream)
        return status_no_memory("the rule's warnings", 0);
    char path[256];
    snprintf(path, sizeof path, "%s: rule", top->path);
    Status status = rule_parse(text, path, stream, &script->rule);
    fclose(stream);
    free(warnings); /* that a GPU is named by its index matters only where there are GPUs */
    return status;
}

static Status read_script(const Place *top, Script *script) {
    if (!cJSON_IsObject(top->object))
        return status_error(EXIT_DATA, "%s: is not JSON, or not an object", top->path);
    TRY(check_names(top, "rule\0filler\0filler_off\0until\0bad_gpus\0jobs\0gauges\0"));
    TRY(read_rule(top, script));
    TRY(require_field(top, "until"));
    TRY(take_flag(top, "filler", &script->filler));
    TRY(take_number(top, "filler_off", false, 0, LONGEST, &script->filler_off));
    TRY(take_number(top, "until", false, 0, LONGEST, &script->until));
    TRY(read_bad_gpus(top, script));
    TRY(read_list(top, "jobs", sizeof *script->jobs, (void **)&script->jobs, &script->job_count, read_job, script));
    return read_list(top, "gauges", sizeof *script->gauges, (void **)&script->gauges, &script->gauge_count, read_gauge,
                     script);
}

Status script_open(const char *path, Script *script) {
    char *text;
    size_t size;
    *script = (Script){.filler = true, .filler_off = INFINITY};
    TRY(files_read(path, &text, &size));
    cJSON *json = cJSON_Parse(text);
    free(text);
    Status status = read_script(&(Place){.path = path, .list = "", .object = json}, script);
    cJSON_Delete(json);
    return status;
}

void script_close(Script *script) {
    for (int i = 0; script->jobs && i < script->job_count; i++)
        free(script->jobs[i].exits);
    free(script->jobs);
    free(script->gauges);
    *script = (Script){0};
}
