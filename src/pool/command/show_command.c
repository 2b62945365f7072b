/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/command/show_command.h"
#include "base/files.h"
#include "pool/client.h"
#include "pool/command/arguments.h"
#include "pool/view/view_jobs.h"
#include "pool/view/view_status.h"
#include "pool/view/view_top.h"
#include "pool/view/view_words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef Status (*Show)(const ViewPage *page, const cJSON *answer);

/* A question and how its answer is shown. */
typedef struct {
    const PoolOptions *options;
    const char *call;
    const cJSON *arguments; /* NULL: none */
    Show show;
} Question;

/* --- One answer --------------------------------------------------------------------------------------------------- */

static Status ask(const Question *question, cJSON **answer) {
    PoolClient *client;
    TRY(pool_client_open(question->options->state, false, &client));
    Status status = pool_client_ask(client, question->call, question->arguments, answer);
    pool_client_close(client);
    return status;
}

static Status draw(void *context, const ViewPage *page) {
    const Question *question = context;
    cJSON *answer;
    TRY(ask(question, &answer));
    Status status = question->show(page, answer);
    cJSON_Delete(answer);
    return status;
}

static void print_json(const cJSON *value) {
    Json json;
    json_open(&json, stdout);
    json_copy(&json, NULL, value);
    json_newline(&json);
}

static Status show(Question *question) {
    if (!question->options->json)
        return view_watch(question->options->watch, draw, question);
    if (question->options->watch)
        return status_error(EXIT_USAGE, "--watch prints tables: drop --json");
    cJSON *answer;
    TRY(ask(question, &answer));
    print_json(answer);
    cJSON_Delete(answer);
    return NULL;
}

Status show_status(const PoolOptions *options) {
    return show(&(Question){.options = options, .call = "status", .show = view_status});
}

Status show_top(const PoolOptions *options) {
    return show(&(Question){.options = options, .call = "top", .show = view_top});
}

Status show_clock(const PoolOptions *options) {
    return show(&(Question){.options = options, .call = "clock", .show = view_clock});
}

/* Arguments of one flag. */
static Status make_flag(const char *name, bool value, cJSON **arguments) {
    Json json;
    json_open(&json, NULL);
    json_object(&json, NULL, JSON_COMPACT);
    json_bool(&json, name, value);
    return arguments_end(&json, arguments);
}

Status show_ghosts(const PoolOptions *options) {
    cJSON *arguments;
    TRY(make_flag("sweep", options->kill, &arguments));
    Status status =
        show(&(Question){.options = options, .call = "ghosts", .arguments = arguments, .show = view_ghosts});
    cJSON_Delete(arguments);
    return status;
}

Status show_jobs(const PoolOptions *options) {
    cJSON *arguments;
    TRY(make_flag("all", options->all, &arguments));
    Status status = show(&(Question){.options = options, .call = "jobs", .arguments = arguments, .show = view_jobs});
    cJSON_Delete(arguments);
    return status;
}

Status show_why(const PoolOptions *options) {
    const OptionTexts *what = &options->what;
    const bool gpu = what->count == 2 && strcmp(what->list[0], "gpu") == 0;
    if (!gpu && (what->count != 1 || strcmp(what->list[0], "gpu") == 0))
        return status_error(EXIT_USAGE, "why takes a job's number, or gpu and the number of a GPU: pool why gpu 3");
    int64_t number;
    cJSON *arguments;
    TRY(arguments_number(what->list[gpu], gpu ? "GPU's number" : "job's number", &number));
    TRY(arguments_of_number(gpu ? "gpu" : "job", number, &arguments));
    Status status = show(&(Question){
        .options = options, .call = "why", .arguments = arguments, .show = gpu ? view_why_gpu : view_why_job});
    cJSON_Delete(arguments);
    return status;
}

/* --- Lines -------------------------------------------------------------------------------------------------------- */

/* "2026-11-30 20:41" in the column of times, whatever the day. */
static void print_time(const char *name, double time) {
    printf("%s %s  ", name, view_time(time, 0).text);
}

static void print_member(const cJSON *member) {
    char *safe = NULL;
    if (cJSON_IsString(member) && member->valuestring[0]) {
        Status status = view_safe(member->valuestring, &safe);
        printf("%s %s  ", member->string, safe ? safe : "");
        status_free(status);
        free(safe);
    } else if (cJSON_IsNumber(member)) {
        printf("%s %.15g  ", member->string, member->valuedouble);
    } else if (cJSON_IsObject(member)) {
        printf("%s (", member->string);
        for (const cJSON *inner = member->child; inner; inner = inner->next)
            if (cJSON_IsNumber(inner) && strcmp(inner->string, "time") != 0)
                printf("%s %.15g%s", inner->string, inner->valuedouble, inner->next ? " " : "");
        fputs(")  ", stdout);
    }
}

/* The members of a line in its order, without those that say nothing. */
static void print_line(const cJSON *line) {
    for (const cJSON *member = line->child; member; member = member->next) {
        const bool time = strcmp(member->string, "time") == 0 || strcmp(member->string, "from") == 0 ||
                          strcmp(member->string, "to") == 0;
        if (time && cJSON_IsNumber(member))
            print_time(member->string, member->valuedouble);
        else
            print_member(member);
    }
    putchar('\n');
}

static Status print_lines(int descriptor, bool json) {
    FILE *in = fdopen(descriptor, "r");
    if (!in)
        return files_failure("read", "the daemon's answer", errno);
    char *text = NULL;
    size_t capacity = 0;
    rewind(in);
    while (getline(&text, &capacity, in) > 0) {
        cJSON *line = json ? NULL : cJSON_Parse(text);
        if (line)
            print_line(line);
        else
            fputs(text, stdout);
        cJSON_Delete(line);
    }
    free(text);
    fclose(in);
    return NULL;
}

Status show_lines(const PoolOptions *options, const char *call) {
    PoolClient *client;
    cJSON *answer = NULL;
    int lines;
    TRY(pool_client_open(options->state, false, &client));
    Status status = pool_client_pass(client, call, NULL, NULL, 0, &answer, &lines);
    pool_client_close(client);
    cJSON_Delete(answer);
    TRY(status);
    return lines < 0 ? status_error(EXIT_INTERNAL, "the daemon sent no lines") : print_lines(lines, options->json);
}
