/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/database/statement.h"
#include "base/list.h"
#include "base/text.h"
#include "pool/database/database_failure.h"
#include "pool/limits.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static Status copy_failure(const Store *store) {
    return status_error(status_code(store->failure), "%s", status_message(store->failure));
}

Status statement_fail(Store *store, Status status) {
    if (status && store->in_transaction && !store->failure) {
        store->failure = status;
        return copy_failure(store);
    }
    return status;
}

static Status name_failure(Store *store, int code) {
    return statement_fail(store, database_failure(store->database, store->path, store->path, code));
}

/* One that nobody uses: the same text may be open twice, by a callback of the first. */
static Status find_prepared(Store *store, const char *sql, int64_t *index) {
    for (*index = 0; *index < store->prepared_count; ++*index) {
        const PreparedStatement *prepared = &store->prepared[*index];
        if (!prepared->used && (prepared->sql == sql || strcmp(prepared->sql, sql) == 0))
            return NULL;
    }
    TRY(list_grow(&store->prepared, store->prepared_count, &store->prepared_capacity, sizeof *store->prepared,
                  "the database's statements"));
    PreparedStatement made = {.sql = sql};
    const int code = sqlite3_prepare_v3(store->database, sql, -1, SQLITE_PREPARE_PERSISTENT, &made.handle, NULL);
    if (code)
        return name_failure(store, code);
    store->prepared[store->prepared_count++] = made;
    return NULL;
}

Status statement_open(Statement *statement, Store *store, const char *sql) {
    int64_t index;
    if (store->failure)
        return copy_failure(store);
    TRY(find_prepared(store, sql, &index));
    store->prepared[index].used = true;
    *statement = (Statement){.store = store, .index = index, .handle = store->prepared[index].handle};
    return NULL;
}

static void note_code(Statement *statement, int code) {
    if (!statement->code)
        statement->code = code;
}

void statement_put_integer(Statement *statement, int64_t value) {
    note_code(statement, sqlite3_bind_int64(statement->handle, ++statement->parameter, value));
}

void statement_put_real(Statement *statement, double value) {
    note_code(statement, sqlite3_bind_double(statement->handle, ++statement->parameter, value));
}

void statement_put_text(Statement *statement, const char *value) {
    note_code(statement, sqlite3_bind_text(statement->handle, ++statement->parameter, value, -1, SQLITE_STATIC));
}

void statement_put_gpus(Statement *statement, const int *gpus, int count) {
    char text[POOL_GPUS * 12 + 1] = "";
    size_t at = 0;
    for (int i = 0; i < count && at < sizeof text; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%d", i ? "," : "", gpus[i]);
    note_code(statement, sqlite3_bind_text(statement->handle, ++statement->parameter, text, -1, SQLITE_TRANSIENT));
}

Status statement_next(Statement *statement, bool *row) {
    Store *store = statement->store;
    *row = false;
    if (store->failure)
        return copy_failure(store);
    if (statement->code)
        return name_failure(store, statement->code);
    statement->column = 0;
    const int code = sqlite3_step(statement->handle);
    *row = code == SQLITE_ROW;
    return *row || code == SQLITE_DONE ? NULL : name_failure(store, code);
}

int64_t statement_take_integer(Statement *statement) {
    return sqlite3_column_int64(statement->handle, statement->column++);
}

double statement_take_real(Statement *statement) {
    const int column = statement->column++;
    const bool none = sqlite3_column_type(statement->handle, column) == SQLITE_NULL;
    return none ? NAN : sqlite3_column_double(statement->handle, column);
}

void statement_take_name(Statement *statement, char *text, size_t size) {
    const unsigned char *value = sqlite3_column_text(statement->handle, statement->column++);
    snprintf(text, size, "%s", value ? (const char *)value : "");
}

Status statement_take_text(Statement *statement, char **text) {
    const unsigned char *value = sqlite3_column_text(statement->handle, statement->column++);
    return text_format(text, "%s", value ? (const char *)value : "");
}

int statement_take_gpus(Statement *statement, int *gpus, int most) {
    const unsigned char *value = sqlite3_column_text(statement->handle, statement->column++);
    const char *at = value ? (const char *)value : "";
    int count = 0;
    while (*at && count < most) {
        char *end;
        gpus[count++] = (int)strtol(at, &end, 10);
        at = *end == ',' ? end + 1 : "";
    }
    return count;
}

Status statement_close(Statement *statement, Status status) {
    sqlite3_reset(statement->handle); /* repeats the failure of the last step */
    sqlite3_clear_bindings(statement->handle);
    statement->store->prepared[statement->index].used = false;
    return status;
}

Status statement_run(Statement *statement) {
    bool row = true;
    Status status = NULL;
    while (row && !status)
        status = statement_next(statement, &row);
    return statement_close(statement, status);
}

Status statement_execute(Store *store, const char *sql) {
    const int code = sqlite3_exec(store->database, sql, NULL, NULL, NULL);
    return code ? name_failure(store, code) : NULL;
}

Status statement_read_integer(Store *store, const char *sql, int64_t *value) {
    Statement statement;
    bool row;
    *value = 0;
    TRY(statement_open(&statement, store, sql));
    Status status = statement_next(&statement, &row);
    if (!status && row)
        *value = statement_take_integer(&statement);
    return statement_close(&statement, status);
}

void statement_free_all(Store *store) {
    for (int64_t i = 0; i < store->prepared_count; i++)
        sqlite3_finalize(store->prepared[i].handle);
    free(store->prepared);
}
