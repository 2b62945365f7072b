/* SPDX-License-Identifier: Apache-2.0 */
/* compare_control CASE.json OUT.json
 *
 * Compares what `control` wrote with a recorded case: verdict and reasons, score, p, and where the scrambled scores
 * lie. Prints each miss and exits with 1 when there is one. */
#include "base/files.h"
#include "base/program.h"

#include <cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* As many scrambles as the bounds were recorded for. */
enum { SCRAMBLES = 199 };

typedef struct {
    const char *expected, *output;
    int missed;
} Arguments;

static void miss(Arguments *a, const char *what, double got) {
    printf("MISS %s: %.6g\n", what, got);
    a->missed++;
}

static double number(const cJSON *from, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(from, key);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

static const char *text(const cJSON *from, const char *key) {
    const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(from, key));
    return value ? value : "";
}

static void compare_words(Arguments *a, const cJSON *want, const cJSON *got) {
    const cJSON *word, *reason;
    if (strcmp(text(want, "verdict"), text(got, "verdict")) != 0) {
        printf("MISS verdict: %s, want %s\n", text(got, "verdict"), text(want, "verdict"));
        a->missed++;
    }
    cJSON_ArrayForEach(word, cJSON_GetObjectItemCaseSensitive(want, "reasons")) {
        bool named = false;
        cJSON_ArrayForEach(reason, cJSON_GetObjectItemCaseSensitive(got, "reasons")) named |=
            strstr(reason->valuestring, word->valuestring) != NULL;
        if (!named) {
            printf("MISS reasons: none names %s\n", word->valuestring);
            a->missed++;
        }
    }
}

/* Without bounds (null) anything fits. */
static void compare_bounds(Arguments *a, const cJSON *want, const char *key, double got) {
    const cJSON *bounds = cJSON_GetObjectItemCaseSensitive(want, key);
    if (cJSON_IsArray(bounds) &&
        !(got >= cJSON_GetArrayItem(bounds, 0)->valuedouble && got <= cJSON_GetArrayItem(bounds, 1)->valuedouble))
        miss(a, key, got);
}

static void compare_numbers(Arguments *a, const cJSON *want, const cJSON *got) {
    const cJSON *null = cJSON_GetObjectItemCaseSensitive(got, "null"), *item;
    const double score = number(got, "score"), p = number(got, "p");
    const int count = cJSON_GetArraySize(null);
    double sum = 0, squares = 0, as_good = 1;
    cJSON_ArrayForEach(item, null) {
        sum += item->valuedouble;
        as_good += item->valuedouble >= score - 1e-12;
    }
    cJSON_ArrayForEach(item, null) squares += pow(item->valuedouble - sum / count, 2);
    if (!(fabs(score - number(want, "score")) <= number(want, "score_tolerance")))
        miss(a, "score", score);
    if (count < SCRAMBLES)
        miss(a, "scrambled scores", count);
    if (!(fabs(p - as_good / (count + 1)) <= 1e-9))
        miss(a, "p is not (c + 1) / (B + 1)", p);
    if (p > number(want, "p_most") || p < number(want, "p_least"))
        miss(a, "p", p);
    compare_bounds(a, want, "null_mean", sum / count);
    compare_bounds(a, want, "null_sd", sqrt(squares / (count - 1)));
}

static Status read_object(const char *path, cJSON **root) {
    char *data;
    size_t size;
    TRY(files_read(path, &data, &size));
    *root = cJSON_ParseWithLengthOpts(data, size + 1, NULL, true);
    free(data);
    return cJSON_IsObject(*root) ? NULL : status_error(EXIT_DATA, "%s: not a JSON object", path);
}

static const Option options[] = {
    {.name = "CASE.json", .type = OPTION_PATH, .offset = offsetof(Arguments, expected), .help = "The recorded case."},
    {.name = "OUT.json", .type = OPTION_PATH, .offset = offsetof(Arguments, output), .help = "What control wrote."},
    {0},
};
static const ExitCode exits[] = {EXIT_USAGE, EXIT_DATA, EXIT_IO, EXIT_OK};
static const Program program = {.name = "compare_control",
                                .about = "Compares a control's findings with a recorded case; exits with 1 on a miss.",
                                .options = options,
                                .exits = exits};

static Status run(void *context) {
    Arguments *a = context;
    cJSON *want = NULL, *got = NULL;
    Status status = read_object(a->expected, &want);
    if (!status)
        status = read_object(a->output, &got);
    if (!status) {
        compare_words(a, want, got);
        compare_numbers(a, want, got);
    }
    cJSON_Delete(want);
    cJSON_Delete(got);
    return status;
}

int main(int count, char **arguments) {
    Arguments a = {0};
    const int code = program_main(&program, count, arguments, &a, run);
    return code ? code : a.missed > 0;
}
