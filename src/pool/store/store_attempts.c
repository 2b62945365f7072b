/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/store/store_attempts.h"

#include "base/list.h"
#include "pool/database/statement.h"

#include <math.h>
#include <stdlib.h>

Status store_put_attempt(Store *store, const Attempt *attempt) {
    Statement statement;
    TRY(statement_open(&statement, store,
                       "INSERT OR REPLACE INTO attempts (job, number, epoch, gpus, began, ended, exit, signal, why, "
                       "pid, busy, joules, worked) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
    statement_put_integer(&statement, attempt->job);
    statement_put_integer(&statement, attempt->number);
    statement_put_integer(&statement, attempt->epoch);
    statement_put_gpus(&statement, attempt->gpus, attempt->gpu_count);
    statement_put_real(&statement, attempt->from);
    statement_put_real(&statement, attempt->to);
    statement_put_integer(&statement, attempt->end.exit);
    statement_put_integer(&statement, attempt->end.signal);
    statement_put_text(&statement, attempt->why);
    statement_put_integer(&statement, attempt->pid);
    statement_put_real(&statement, attempt->busy);
    statement_put_real(&statement, attempt->joules);
    statement_put_integer(&statement, attempt->worked);
    return statement_run(&statement);
}

static void take_attempt(Statement *statement, Attempt *attempt) {
    *attempt = (Attempt){.job = statement_take_integer(statement)};
    attempt->number = (int)statement_take_integer(statement);
    attempt->epoch = statement_take_integer(statement);
    attempt->gpu_count = statement_take_gpus(statement, attempt->gpus, POOL_GPUS);
    attempt->from = statement_take_real(statement);
    attempt->to = statement_take_real(statement);
    attempt->end.exit = (int)statement_take_integer(statement);
    attempt->end.signal = (int)statement_take_integer(statement);
    statement_take_name(statement, attempt->why, sizeof attempt->why);
    attempt->pid = statement_take_integer(statement);
    attempt->busy = statement_take_real(statement);
    attempt->joules = statement_take_real(statement);
    attempt->worked = statement_take_integer(statement);
}

#define EACH_ATTEMPT(where)                                                                                            \
    "SELECT job, number, epoch, gpus, began, ended, exit, signal, why, pid, busy, joules, worked FROM attempts " where \
    " ORDER BY job, number"

Status store_each_attempt(Store *store, int64_t job, bool open, StoreTakeAttempt take, void *context) {
    static const char *const texts[2][2] = {
        {EACH_ATTEMPT(""), EACH_ATTEMPT("WHERE ended = 0")},
        {EACH_ATTEMPT("WHERE job = ?"), EACH_ATTEMPT("WHERE job = ? AND ended = 0")}};
    Statement statement;
    bool row;
    TRY(statement_open(&statement, store, texts[job != 0][open]));
    if (job)
        statement_put_integer(&statement, job);
    Status status = statement_next(&statement, &row);
    while (!status && row) {
        Attempt attempt;
        take_attempt(&statement, &attempt);
        status = take(context, &attempt);
        if (!status)
            status = statement_next(&statement, &row);
    }
    return statement_close(&statement, status);
}

static Status add_attempt(void *context, const Attempt *attempt) {
    Attempts *attempts = context;
    TRY(list_grow(&attempts->list, attempts->count, &attempts->capacity, sizeof *attempts->list, "the attempts"));
    attempts->list[attempts->count++] = *attempt;
    return NULL;
}

Status store_read_attempts(Store *store, int64_t job, bool open, Attempts *attempts) {
    return store_each_attempt(store, job, open, add_attempt, attempts);
}

static int compare_reals(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

Status store_usual_seconds(Store *store, double *seconds) {
    enum { NEWEST = 100 };
    double lengths[NEWEST];
    int count = 0;
    Statement statement;
    bool row;
    *seconds = NAN;
    /* CROSS: the newest attempts are asked for their jobs, not all done jobs for their attempts. */
    TRY(statement_open(
        &statement, store,
        "SELECT ended - began FROM attempts CROSS JOIN jobs ON id = job WHERE ended > 0 AND state = 'done' "
        "ORDER BY ended DESC, began DESC LIMIT 100"));
    Status status = statement_next(&statement, &row);
    while (!status && row && count < NEWEST) {
        lengths[count++] = statement_take_real(&statement);
        status = statement_next(&statement, &row);
    }
    TRY(statement_close(&statement, status));
    qsort(lengths, (size_t)count, sizeof *lengths, compare_reals);
    if (count)
        *seconds = (lengths[(count - 1) / 2] + lengths[count / 2]) / 2;
    return NULL;
}

Status store_sum_busy(Store *store, const char *lane, double from, double *seconds) {
    Statement statement;
    bool row;
    *seconds = 0;
    TRY(statement_open(&statement, store,
                       "SELECT total(CASE WHEN began >= ?1 THEN busy ELSE busy * (ended - ?1) / (ended - began) END) "
                       "FROM attempts JOIN jobs ON jobs.id = attempts.job WHERE ended > ?1 AND lane = ?2"));
    statement_put_real(&statement, from);
    statement_put_text(&statement, lane);
    Status status = statement_next(&statement, &row);
    if (!status && row)
        *seconds = statement_take_real(&statement);
    return statement_close(&statement, status);
}
