/* SPDX-License-Identifier: Apache-2.0 */
#include "rundir/throughput.h"

#include "base/files.h"
#include "base/json.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const int64_t LAST_STEP = 200;
static const double ENOUGH = 0.9; /* share of the best figure */

bool throughput_count(ThroughputWatch *watch, double seconds, double data_wait) {
    watch->steps++;
    if (watch->steps > LAST_STEP - THROUGHPUT_STEPS && watch->steps <= LAST_STEP) {
        watch->seconds += seconds;
        watch->data_wait += data_wait;
    }
    return watch->steps == LAST_STEP;
}

void throughput_print(const Throughput *throughput, FILE *out) {
    if (!(throughput->images_per_s > 0)) {
        fputs("null", out);
        return;
    }
    fputs("{\"images_per_s\": ", out);
    json_number(out, throughput->images_per_s);
    fputs(", \"data_wait\": ", out);
    json_number(out, throughput->data_wait);
    fprintf(out, ", \"micro_batch\": %d, \"host\": ", throughput->micro_batch);
    json_string(out, throughput->host);
    fputs(", \"versions\": ", out);
    versions_print(&throughput->versions, out);
    fputc('}', out);
}

static bool is_text(const cJSON *object, const char *key, const char *text) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(item) && strcmp(item->valuestring, text) == 0;
}

static double number(const cJSON *object, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static bool is_comparable(const cJSON *record, const ThroughputKey *key) {
    char hash[17];
    snprintf(hash, sizeof hash, "%016" PRIx64, key->config_hash);
    return is_text(record, "config_hash", hash) && is_text(record, "device", key->device) &&
           number(record, "threads") == key->threads;
}

void throughput_read(const char *text, size_t size, const ThroughputKey *key, Throughput *throughput) {
    *throughput = (Throughput){0};
    cJSON *record = cJSON_ParseWithLength(text, size);
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(record, "throughput");
    const cJSON *host = cJSON_GetObjectItemCaseSensitive(found, "host");
    if (is_comparable(record, key) && number(found, "images_per_s") > 0) {
        throughput->images_per_s = number(found, "images_per_s");
        throughput->data_wait = number(found, "data_wait");
        throughput->micro_batch = (int)number(found, "micro_batch");
        if (cJSON_IsString(host))
            snprintf(throughput->host, sizeof throughput->host, "%s", host->valuestring);
        versions_read(&throughput->versions, cJSON_GetObjectItemCaseSensitive(found, "versions"));
    }
    cJSON_Delete(record);
}

/* Whether two paths are one directory. */
static bool is_same(const char *a, const char *b) {
    struct stat first, second;
    return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

static void look_at(const char *run_dir, const char *name, const ThroughputKey *key, Throughput *best) {
    char *directory, *path = NULL, *text = NULL;
    size_t size = 0;
    Throughput found;
    Status status = files_path(&directory, "%s/../%s", run_dir, name);
    if (!status)
        status = files_path(&path, "%s/run.json", directory);
    if (!status && !is_same(directory, run_dir) && files_exists(path))
        status = files_read(path, &text, &size);
    if (!status && text) {
        throughput_read(text, size, key, &found);
        snprintf(found.run, sizeof found.run, "%s", name);
        if (found.images_per_s > best->images_per_s)
            *best = found;
    }
    status_free(status); /* a run that cannot be read is not compared with */
    free(text);
    free(directory);
    free(path);
}

void throughput_best_beside(const char *run_dir, const ThroughputKey *key, Throughput *best) {
    char *parent;
    Status status = files_path(&parent, "%s/..", run_dir);
    DIR *list = status ? NULL : opendir(parent);
    status_free(status);
    free(parent);
    if (!list)
        return;
    for (const struct dirent *entry = readdir(list); entry; entry = readdir(list))
        if (entry->d_name[0] != '.')
            look_at(run_dir, entry->d_name, key, best);
    closedir(list);
}

/* Versions, micro-batch and host that are not the same. */
static void print_differences(const Throughput *now, const Throughput *best, FILE *out) {
    char *versions = NULL;
    size_t size;
    FILE *text = open_memstream(&versions, &size);
    if (text) {
        versions_differences(&now->versions, &best->versions, text);
        fclose(text);
    }
    if (versions && *versions)
        fprintf(out, "versions differ: %s", versions);
    else
        fputs("no version differs: look for lower clocks, a power limit and other processes (nvidia-smi, top)", out);
    free(versions);
    if (now->micro_batch != best->micro_batch)
        fprintf(out, "; micro-batch %d there, %d here", best->micro_batch, now->micro_batch);
    if (strcmp(now->host, best->host) != 0)
        fprintf(out, "; host %s there, %s here", best->host, now->host);
    fprintf(out, "; waiting for data took %.0f%% there, %.0f%% here", 100 * best->data_wait, 100 * now->data_wait);
}

Status throughput_warning(const Throughput *now, const Throughput *best, char **warning) {
    *warning = NULL;
    if (!(now->images_per_s < ENOUGH * best->images_per_s))
        return NULL;
    size_t size;
    FILE *out = open_memstream(warning, &size);
    if (!out)
        return status_no_memory("a warning", 512);
    fprintf(out, "slow: %.4g images/s are %.0f%% of the %.4g that %s%s reached with this configuration and device; ",
            now->images_per_s, 100 * now->images_per_s / best->images_per_s, best->images_per_s,
            *best->run ? "the run " : "this run", *best->run ? best->run : " once");
    print_differences(now, best, out);
    if (fclose(out) == 0)
        return NULL;
    free(*warning);
    *warning = NULL;
    return status_no_memory("a warning", 512);
}
