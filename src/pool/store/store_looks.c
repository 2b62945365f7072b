/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/store/store_looks.h"
#include "pool/database/statement.h"

#include <string.h>

static void put_look(Statement *statement, const Look *look) {
    statement_put_real(statement, look->time);
    statement_put_real(statement, look->util);
    statement_put_integer(statement, look->memory);
    statement_put_integer(statement, look->processes);
    statement_put_integer(statement, look->known);
    statement_put_integer(statement, look->unified);
}

#define COLUMNS                                                                                                        \
    "gpu, time_1, util_1, memory_1, processes_1, known_1, unified_1, time_2, util_2, memory_2, processes_2, known_2, " \
    "unified_2, verdict, why"

static Status insert_round(Store *store, const LookRound *round) {
    Statement statement;
    TRY(statement_open(&statement, store,
                       "INSERT INTO looks (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
    statement_put_integer(&statement, round->gpu);
    put_look(&statement, &round->first);
    put_look(&statement, &round->second);
    statement_put_text(&statement, look_verdict_name(round->verdict));
    statement_put_text(&statement, round->why);
    return statement_run(&statement);
}

/* Only the oldest ever go, so that numbers have no gap. */
static Status drop_oldest(Store *store, int64_t newest) {
    Statement statement;
    TRY(statement_open(&statement, store, "DELETE FROM looks WHERE id <= ?"));
    statement_put_integer(&statement, newest - STORE_LOOKS);
    return statement_run(&statement);
}

Status store_add_look(Store *store, const LookRound *round) {
    bool own;
    TRY(store_join(store, &own));
    Status status = insert_round(store, round);
    if (!status)
        status = drop_oldest(store, sqlite3_last_insert_rowid(store->database));
    return store_leave(store, own, status);
}

static void take_look(Statement *statement, Look *look) {
    look->time = statement_take_real(statement);
    look->util = statement_take_real(statement);
    look->memory = statement_take_integer(statement);
    look->processes = (int)statement_take_integer(statement);
    look->known = statement_take_integer(statement);
    look->unified = statement_take_integer(statement);
}

static LookVerdict verdict_of(const char *name) {
    for (LookVerdict verdict = LOOK_IDLE; verdict < LOOK_UNKNOWN; verdict++)
        if (strcmp(name, look_verdict_name(verdict)) == 0)
            return verdict;
    return LOOK_UNKNOWN;
}

Status store_each_look(Store *store, StoreTakeLook take, void *context) {
    Statement statement;
    bool row;
    TRY(statement_open(&statement, store, "SELECT " COLUMNS " FROM looks ORDER BY id"));
    Status status = statement_next(&statement, &row);
    while (!status && row) {
        char verdict[16];
        LookRound round = {.gpu = (int)statement_take_integer(&statement)};
        take_look(&statement, &round.first);
        take_look(&statement, &round.second);
        statement_take_name(&statement, verdict, sizeof verdict);
        round.verdict = verdict_of(verdict);
        statement_take_name(&statement, round.why, sizeof round.why);
        status = take(context, &round);
        if (!status)
            status = statement_next(&statement, &row);
    }
    return statement_close(&statement, status);
}
