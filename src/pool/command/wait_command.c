/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/command/wait_command.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "pool/client.h"
#include "pool/command/arguments.h"
#include "pool/command/job_end.h"
#include "pool/view/view_words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Seconds: a daemon may be away; between two tries; between two looks at a log. */
#define PATIENCE 60.0
#define TRY_AGAIN 0.2
#define LOOK_AGAIN 0.2

enum { PIECE = 65536 };

static void sleep_for(double seconds) {
    usleep((useconds_t)(1e6 * seconds));
}

/* --- wait --------------------------------------------------------------------------------------------------------- */

static Status make_list(const PoolOptions *options, cJSON **arguments) {
    Json json;
    Status status = NULL;
    json_open(&json, NULL);
    json_object(&json, NULL, JSON_COMPACT);
    json_array(&json, "jobs", JSON_COMPACT);
    for (int i = 0; i < options->what.count && !status; i++) {
        int64_t number = 0;
        status = arguments_number(options->what.list[i], "job's number", &number);
        json_integer(&json, NULL, number);
    }
    json_end(&json);
    Status ended = arguments_end(&json, arguments);
    if (!status)
        return ended;
    status_free(ended);
    cJSON_Delete(*arguments);
    *arguments = NULL;
    return status;
}

/* Takes lines until all have ended. */
static Status take_ends(PoolOptions *options, PoolClient *client) {
    int64_t last;
    TRY(arguments_number(options->what.list[options->what.count - 1], "job's number", &last));
    for (;;) {
        cJSON *line;
        TRY(pool_client_next(client, &line));
        if (!line)
            return NULL;
        if (strcmp(view_text(line, "event"), "ended") == 0 && view_real(line, "job") == (double)last)
            options->exit = job_end_code(line);
        cJSON_Delete(line);
    }
}

static Status wait_once(PoolOptions *options, const cJSON *arguments, double *lost) {
    PoolClient *client;
    cJSON *answer;
    TRY(pool_client_open(options->state, false, &client));
    Status status = pool_client_ask(client, "wait", arguments, &answer);
    if (!status) {
        cJSON_Delete(answer);
        status = take_ends(options, client);
        *lost = clock_now();
    }
    pool_client_close(client);
    return status;
}

Status wait_command(PoolOptions *options) {
    cJSON *arguments;
    double lost = -PATIENCE;
    TRY(make_list(options, &arguments));
    Status status;
    while (status_code(status = wait_once(options, arguments, &lost)) == EXIT_MISSING &&
           clock_now() - lost < PATIENCE) {
        status_free(status);
        sleep_for(TRY_AGAIN);
    }
    cJSON_Delete(arguments);
    return status;
}

/* --- logs --------------------------------------------------------------------------------------------------------- */

/* Copies what the log has from byte *at on. */
static Status copy_log(int log, off_t *at) {
    char piece[PIECE];
    for (;;) {
        const ssize_t got = pread(log, piece, sizeof piece, *at);
        if (got < 0)
            return files_failure("read", "the job's log", errno);
        if (got == 0)
            return NULL;
        TRY(files_write_all(STDOUT_FILENO, "the standard output", piece, (size_t)got));
        *at += got;
    }
}

/* *ended: before the log was opened, so that all of it was copied. */
static Status copy_once(const PoolOptions *options, const cJSON *arguments, off_t *at, bool *ended) {
    PoolClient *client;
    cJSON *answer;
    int log;
    TRY(pool_client_open(options->state, false, &client));
    Status status = pool_client_pass(client, "logs", arguments, NULL, 0, &answer, &log);
    pool_client_close(client);
    TRY(status);
    *ended = cJSON_IsTrue(cJSON_GetObjectItem(answer, "ended"));
    cJSON_Delete(answer);
    if (log < 0) /* the job has not started */
        return NULL;
    status = copy_log(log, at);
    close(log);
    return status;
}

/* Waits while the daemon restarts. */
static Status follow_log(const PoolOptions *options, const cJSON *arguments, off_t *at) {
    double served = clock_now();
    for (bool ended = false; !ended;) {
        sleep_for(LOOK_AGAIN);
        Status status = copy_once(options, arguments, at, &ended);
        if (!status)
            served = clock_now();
        else if (status_code(status) != EXIT_MISSING || clock_now() - served > PATIENCE)
            return status;
        status_free(status);
    }
    return NULL;
}

Status logs_command(const PoolOptions *options) {
    int64_t job;
    cJSON *arguments;
    if (options->what.count != 1)
        return status_error(EXIT_USAGE, "logs takes the number of one job");
    TRY(arguments_number(options->what.list[0], "job's number", &job));
    TRY(arguments_of_number("job", job, &arguments));
    off_t at = 0;
    bool ended = false;
    Status status = copy_once(options, arguments, &at, &ended);
    if (!status && options->follow && !ended)
        status = follow_log(options, arguments, &at);
    cJSON_Delete(arguments);
    return status;
}
