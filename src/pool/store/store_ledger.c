/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/store/store_ledger.h"
#include "pool/database/statement.h"

#include <string.h>

typedef struct {
    int64_t id; /* 0: there is none */
    double from, to;
} LastLine;

static Status find_last(Store *store, int gpu, LastLine *last) {
    Statement statement;
    bool row;
    *last = (LastLine){0};
    TRY(statement_open(&statement, store,
                       "SELECT id, began, ended FROM ledger WHERE gpu = ? ORDER BY began DESC LIMIT 1"));
    statement_put_integer(&statement, gpu);
    Status status = statement_next(&statement, &row);
    if (!status && row) {
        last->id = statement_take_integer(&statement);
        last->from = statement_take_real(&statement);
        last->to = statement_take_real(&statement);
    }
    return statement_close(&statement, status);
}

static Status end_line(Store *store, int64_t id, double to) {
    Statement statement;
    TRY(statement_open(&statement, store, "UPDATE ledger SET ended = ? WHERE id = ?"));
    statement_put_real(&statement, to);
    statement_put_integer(&statement, id);
    return statement_run(&statement);
}

static Status drop_line(Store *store, int64_t id) {
    Statement statement;
    TRY(statement_open(&statement, store, "DELETE FROM ledger WHERE id = ?"));
    statement_put_integer(&statement, id);
    return statement_run(&statement);
}

static Status add_line(Store *store, const LedgerLine *line) {
    Statement statement;
    TRY(statement_open(&statement, store,
                       "INSERT INTO ledger (gpu, began, ended, what, job, epoch, uid, reason) VALUES (?, ?, ?, ?, ?, "
                       "?, ?, ?)"));
    statement_put_integer(&statement, line->gpu);
    statement_put_real(&statement, line->from);
    statement_put_real(&statement, line->to);
    statement_put_text(&statement, ledger_what_name(line->what));
    statement_put_integer(&statement, line->job);
    statement_put_integer(&statement, line->epoch);
    statement_put_integer(&statement, line->uid);
    statement_put_text(&statement, line->reason);
    return statement_run(&statement);
}

static Status put_line(Store *store, const LedgerLine *line) {
    LastLine last;
    TRY(find_last(store, line->gpu, &last));
    const bool open = last.id && last.to == 0;
    const double free_from = open ? last.from : last.to;
    if (last.id && line->from < free_from)
        return statement_fail(store, status_error(EXIT_INTERNAL,
                                                  "%s: a line of GPU %d's ledger from %.3f would overlap with the one "
                                                  "up to %.3f",
                                                  store->path, line->gpu, line->from, free_from));
    if (open)
        TRY(line->from > last.from ? end_line(store, last.id, line->from) : drop_line(store, last.id));
    return add_line(store, line);
}

Status store_put_ledger(Store *store, const LedgerLine *line) {
    bool own;
    TRY(store_join(store, &own));
    return store_leave(store, own, put_line(store, line));
}

static void take_line(Statement *statement, LedgerLine *line) {
    char what[16];
    *line = (LedgerLine){.gpu = (int)statement_take_integer(statement)};
    line->from = statement_take_real(statement);
    line->to = statement_take_real(statement);
    statement_take_name(statement, what, sizeof what);
    line->what = ledger_what_of(what);
    line->job = statement_take_integer(statement);
    line->epoch = statement_take_integer(statement);
    line->uid = statement_take_integer(statement);
    statement_take_name(statement, line->reason, sizeof line->reason);
}

#define LINES "SELECT gpu, began, ended, what, job, epoch, uid, reason FROM ledger "

Status store_each_ledger(Store *store, StoreTakeLedger take, void *context) {
    Statement statement;
    bool row;
    TRY(statement_open(&statement, store, LINES "ORDER BY began, gpu"));
    Status status = statement_next(&statement, &row);
    while (!status && row) {
        LedgerLine line;
        take_line(&statement, &line);
        status = take(context, &line);
        if (!status)
            status = statement_next(&statement, &row);
    }
    return statement_close(&statement, status);
}

Status store_open_ledger(Store *store, int gpu, LedgerLine *line, bool *found) {
    Statement statement;
    *line = (LedgerLine){0};
    *found = false;
    TRY(statement_open(&statement, store, LINES "WHERE gpu = ? AND ended = 0"));
    statement_put_integer(&statement, gpu);
    Status status = statement_next(&statement, found);
    if (!status && *found)
        take_line(&statement, line);
    return statement_close(&statement, status);
}

/* The last line that began before `from` may reach into the time that is asked for, none before that one does. */
static Status sum_what(Store *store, int gpu, LedgerWhat what, double from, double now, double *seconds) {
    Statement statement;
    bool row;
    TRY(statement_open(&statement, store,
                       "SELECT total(max(CASE ended WHEN 0 THEN ?4 ELSE ended END - max(began, ?3), 0)) FROM ledger "
                       "WHERE gpu = ?1 AND what = ?2 AND began >= (SELECT coalesce(max(began), ?3) FROM ledger WHERE "
                       "gpu = ?1 AND what = ?2 AND began <= ?3)"));
    statement_put_integer(&statement, gpu);
    statement_put_text(&statement, ledger_what_name(what));
    statement_put_real(&statement, from);
    statement_put_real(&statement, now);
    Status status = statement_next(&statement, &row);
    if (!status && row)
        *seconds += statement_take_real(&statement);
    return statement_close(&statement, status);
}

Status store_sum_ledger(Store *store, const int *gpus, int count, double from, double now,
                        double seconds[LEDGER_WHATS]) {
    memset(seconds, 0, LEDGER_WHATS * sizeof *seconds);
    for (int i = 0; i < count; i++)
        for (int what = 0; what < LEDGER_WHATS; what++)
            TRY(sum_what(store, gpus[i], (LedgerWhat)what, from, now, &seconds[what]));
    return NULL;
}
