/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/command/run_command.h"
#include "base/clock.h"
#include "base/json.h"
#include "pool/client.h"
#include "pool/command/arguments.h"
#include "pool/command/job_end.h"
#include "pool/command/submit_command.h"
#include "pool/command/terminal.h"
#include "pool/view/view_words.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Seconds that a daemon may be away; between two tries to reach it. */
#define PATIENCE 60.0
#define TRY_AGAIN 0.2

typedef struct {
    PoolOptions *options;
    const cJSON *arguments; /* of the call */
    PoolClient *client;     /* NULL: the daemon went away */
    double lost;            /* clock_now() when it did */
    int64_t job;
    int signals;
    int stdio[3];
    Terminal terminal;
    bool started, ended, asked; /* asked: to stop */
    bool again;                 /* the call is to be made again */
    bool input, output;         /* of the terminal are open */
} Session;

static Status catch_signals(Session *session) {
    sigset_t signals;
    sigemptyset(&signals);
    const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH};
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++)
        sigaddset(&signals, caught[i]);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    session->signals = signalfd(-1, &signals, SFD_CLOEXEC);
    return session->signals < 0 ? status_error(EXIT_IO, "cannot wait for signals: %s", strerror(errno)) : NULL;
}

/* --- The daemon --------------------------------------------------------------------------------------------------- */

static Status start_job(Session *session) {
    cJSON *answer;
    int none;
    TRY(pool_client_pass(session->client, "run", session->arguments, session->stdio, 3, &answer, &none));
    const cJSON *job = cJSON_GetObjectItem(answer, "job"), *text = cJSON_GetObjectItem(answer, "text");
    session->job = cJSON_IsNumber(job) ? (int64_t)job->valuedouble : 0;
    if (cJSON_IsString(text)) /* of a dry run */
        puts(text->valuestring);
    session->ended = session->job == 0;
    cJSON_Delete(answer);
    return NULL;
}

/* The job of a daemon that went away is found again with the next one. */
static Status attach_again(Session *session) {
    cJSON *arguments, *answer = NULL;
    TRY(arguments_of_number("job", session->job, &arguments));
    Status status = pool_client_open(session->options->state, false, &session->client);
    if (!status) {
        status = pool_client_ask(session->client, "attach", arguments, &answer);
        if (status) {
            pool_client_close(session->client);
            session->client = NULL;
        }
    }
    cJSON_Delete(arguments);
    cJSON_Delete(answer);
    if (status_code(status) == EXIT_MISSING && clock_now() - session->lost < PATIENCE) {
        status_free(status);
        return NULL;
    }
    return status;
}

/* A job that waited lost its descriptors with its daemon, and was cancelled by the next: it is asked for again. */
static bool was_dropped(const Session *session, const cJSON *line) {
    return session->lost > 0 && !session->started && cJSON_IsNull(cJSON_GetObjectItem(line, "exit")) &&
           view_real(line, "signal") == 0;
}

static Status take_event(Session *session, const cJSON *line) {
    const char *event = view_text(line, "event");
    if (strcmp(event, "waiting") == 0) {
        char *text;
        TRY(view_safe(view_text(line, "text"), &text));
        fprintf(stderr, "pool: job %lld waits: %s\n", (long long)session->job, text);
        free(text);
    } else if (strcmp(event, "notice") == 0) {
        char *text; /* names the job */
        TRY(view_safe(view_text(line, "text"), &text));
        /* Where the terminal is the job's, a line's end does not return to its start. */
        fprintf(stderr, "pool: %s%s\n", text, session->terminal.raw ? "\r" : "");
        free(text);
    } else if (strcmp(event, "started") == 0) {
        session->started = true;
        terminal_begin(&session->terminal);
    } else if (strcmp(event, "ended") == 0 && was_dropped(session, line)) {
        session->again = true;
    } else if (strcmp(event, "ended") == 0) {
        session->ended = true;
        terminal_close(&session->terminal);
        session->options->exit = job_end_code(line);
    }
    return NULL;
}

static Status take_events(Session *session) {
    do {
        cJSON *line;
        Status status = pool_client_next(session->client, &line);
        if (status_code(status) == EXIT_MISSING) {
            status_free(status);
            pool_client_close(session->client);
            session->client = NULL;
            session->lost = clock_now();
            return NULL;
        }
        TRY(status);
        if (!line && session->again) {
            session->again = false;
            session->lost = 0;
            return start_job(session);
        }
        if (!line) /* the end; that of the job came before */
            return session->ended ? NULL
                                  : status_error(EXIT_INTERNAL, "the daemon forgot job %lld", (long long)session->job);
        status = take_event(session, line);
        cJSON_Delete(line);
        TRY(status);
    } while (!session->ended && pool_client_pending(session->client));
    return NULL;
}

/* --- Signals ------------------------------------------------------------------------------------------------------ */

/* A job with a terminal has Ctrl-C from there; another one is cancelled, and this process waits for its end. */
static Status stop_job(Session *session) {
    PoolClient *client;
    cJSON *arguments, *answer = NULL;
    TRY(arguments_of_number("job", session->job, &arguments));
    Status status = pool_client_open(session->options->state, false, &client);
    if (!status) {
        status = pool_client_ask(client, "cancel", arguments, &answer);
        pool_client_close(client);
    }
    cJSON_Delete(arguments);
    cJSON_Delete(answer);
    session->asked = !status;
    return status;
}

static Status take_signal(Session *session) {
    struct signalfd_siginfo signal;
    if (read(session->signals, &signal, sizeof signal) != sizeof signal)
        return NULL;
    const int number = (int)signal.ssi_signo;
    if (number == SIGWINCH) {
        terminal_resize(&session->terminal);
        return NULL;
    }
    if (session->started && number != SIGHUP)
        return session->asked ? NULL : stop_job(session);
    /* Hanging up takes the job out of the queue, and ends one that runs. */
    session->options->exit = 128 + number;
    session->ended = true;
    return NULL;
}

/* --- Session ------------------------------------------------------------------------------------------------------ */

static Status wait_for_events(Session *session) {
    const short events = terminal_events(&session->terminal);
    struct pollfd list[] = {
        {.fd = session->signals, .events = POLLIN},
        {.fd = session->client ? pool_client_descriptor(session->client) : -1, .events = POLLIN},
        {.fd = session->output && events ? session->terminal.master : -1, .events = events},
        {.fd = session->input && terminal_listens(&session->terminal) ? STDIN_FILENO : -1, .events = POLLIN},
    };
    const bool pending = session->client && pool_client_pending(session->client);
    if (poll(list, 4, pending ? 0 : session->client ? -1 : (int)(1000 * TRY_AGAIN)) < 0 && errno != EINTR)
        return status_error(EXIT_INTERNAL, "cannot wait for the job: %s", strerror(errno));
    if (list[2].revents & POLLOUT)
        terminal_type(&session->terminal);
    if (list[2].revents & ~POLLOUT)
        session->output = terminal_copy_out(&session->terminal);
    if (list[3].revents)
        session->input = terminal_copy_in(&session->terminal);
    if (list[0].revents)
        TRY(take_signal(session));
    if (!session->ended && session->client && (list[1].revents || pending))
        return take_events(session);
    return session->ended || session->client ? NULL : attach_again(session);
}

static Status run_session(Session *session) {
    TRY(catch_signals(session));
    TRY(pool_client_open(session->options->state, true, &session->client));
    TRY(start_job(session));
    Status status = NULL;
    while (!session->ended && !status)
        status = wait_for_events(session);
    return status;
}

Status run_command(PoolOptions *options) {
    Session session = {.options = options, .signals = -1, .input = true, .output = true};
    Request request;
    cJSON *arguments = NULL;
    Status status = submit_make_request(options, &request);
    if (!status)
        status = terminal_open(&session.terminal, session.stdio);
    if (!status)
        status = submit_make_arguments(&request, session.terminal.on, &arguments);
    request_free(&request);
    if (!status) {
        session.arguments = arguments;
        status = run_session(&session);
        terminal_close(&session.terminal);
    }
    pool_client_close(session.client);
    if (session.signals >= 0)
        close(session.signals);
    cJSON_Delete(arguments);
    return status;
}
