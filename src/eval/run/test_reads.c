/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/run/test_reads.h"

#include "base/clock.h"
#include "base/file_lock.h"
#include "base/files.h"
#include "base/json.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const ENDING = ".ini";

Status test_reads_path(const char *task_path, char **path) {
    const size_t length = strlen(task_path), tail = strlen(ENDING);
    const bool named = length > tail && strcmp(task_path + length - tail, ENDING) == 0;
    return files_path(path, "%.*s.reads.jsonl", (int)(length - (named ? tail : 0)), task_path);
}

/* Which images with which labels a test split is. */
typedef struct {
    char data[17], labels[17];
} TestedSplit;

static TestedSplit split_of(const Evaluation *evaluation) {
    const Cohort *cohort = evaluation->external ? evaluation->external : evaluation->cohort;
    TestedSplit split;
    snprintf(split.data, sizeof split.data, "%016" PRIx64, cohort->records.hash);
    snprintf(split.labels, sizeof split.labels, "%016" PRIx64, cohort->label_hash);
    return split;
}

static bool is_text(const cJSON *line, const char *key, const char *value) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(line, key));
    return text && strcmp(text, value) == 0;
}

/* *whole: the bytes of whole lines. A crash may have cut the last one short, before anybody saw its score. */
static Status count_reads(const char *path, const char *text, size_t size, const TestedSplit *split, int64_t *count,
                          size_t *whole) {
    const char *at = text;
    TextLine line;
    int number = 0;
    *count = 0;
    *whole = size;
    while (text_next_line(&at, text + size, &line)) {
        number++;
        if (line.length == 0)
            continue;
        cJSON *json = cJSON_ParseWithLength(line.start, line.length);
        const bool read = cJSON_IsObject(json);
        *count += read && is_text(json, "data", split->data) && is_text(json, "labels", split->labels);
        cJSON_Delete(json);
        if (!read && !line.ended)
            *whole = (size_t)(line.start - text);
        else if (!read)
            return status_error(EXIT_DATA,
                                "%s:%d: is no line of the log of this test split; move the file away, and say so where "
                                "you report the score",
                                path, number);
    }
    return NULL;
}

static Status write_lines(const Evaluation *evaluation, const TestedSplit *split, bool unended, char **text,
                          size_t *size) {
    Json json;
    json_open(&json, NULL);
    if (unended)
        json_newline(&json);
    for (int i = 0; i < evaluation->count; i++) {
        const Evaluated *one = &evaluation->list[i];
        const ScoreLevel *level = &one->scores.image;
        char sha256[2 * DIGEST_SHA256 + 1];
        digest_to_hex(one->encoder.sha256, DIGEST_SHA256, sha256);
        json_object(&json, NULL, JSON_LINE);
        json_double(&json, "time", clock_date());
        json_string(&json, "checkpoint", one->name);
        json_string(&json, "weights", sha256);
        json_string(&json, "adapted", one->adapted);
        json_string(&json, "metric", evaluation->metric.name);
        json_double(&json, "score", level->count ? level->list[level->main].value : NAN);
        json_string(&json, "data", split->data);
        json_string(&json, "labels", split->labels);
        json_end(&json);
        json_newline(&json);
    }
    return json_close(&json, "the log of a test split", text, size);
}

static Status add_lines(Evaluation *evaluation, const char *path, int descriptor) {
    const TestedSplit split = split_of(evaluation);
    char *before = NULL, *text = NULL;
    size_t length, whole, size = 0;
    file_lock_wait(descriptor);
    TRY(files_read(path, &before, &length));
    Status status = count_reads(path, before, length, &split, &evaluation->reads_before, &whole);
    if (!status && whole < length && ftruncate(descriptor, (off_t)whole) != 0)
        status = files_failure("write", path, errno);
    if (!status)
        status = write_lines(evaluation, &split, whole && before[whole - 1] != '\n', &text, &size);
    if (!status)
        status = files_write_all(descriptor, path, text, size);
    if (!status && fsync(descriptor) != 0)
        status = files_failure("write", path, errno);
    free(before);
    free(text);
    return status;
}

/* With a descriptor that appends to it. */
static Status open_log(const Evaluation *evaluation, char **path, int *descriptor) {
    TRY(test_reads_path(evaluation->external ? evaluation->external_path : evaluation->task_path, path));
    *descriptor = open(*path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    return *descriptor < 0 ? files_failure("write", *path, errno) : NULL;
}

static Status close_log(char *path, int descriptor, Status status) {
    if (descriptor >= 0)
        close(descriptor);
    free(path);
    return status_code(status) == EXIT_IO
               ? status_append(status, "; each read of a test split is logged beside the task file: copy the task file "
                                       "to a folder that you may write to")
               : status;
}

static Status check_lines(const Evaluation *evaluation, const char *path) {
    const TestedSplit split = split_of(evaluation);
    char *text = NULL;
    size_t length, whole;
    int64_t count;
    TRY(files_read(path, &text, &length));
    Status status = count_reads(path, text, length, &split, &count, &whole);
    free(text);
    return status;
}

Status test_reads_check(const Evaluation *evaluation) {
    char *path = NULL;
    int descriptor = -1;
    Status status = open_log(evaluation, &path, &descriptor);
    if (!status)
        status = check_lines(evaluation, path);
    return close_log(path, descriptor, status);
}

Status test_reads_add(Evaluation *evaluation) {
    char *path = NULL;
    int descriptor = -1;
    Status status = open_log(evaluation, &path, &descriptor);
    if (!status)
        status = add_lines(evaluation, path, descriptor);
    return close_log(path, descriptor, status);
}
