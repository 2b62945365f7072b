/* SPDX-License-Identifier: Apache-2.0 */
/* Statements of the database: prepared once, kept, and used again. Parameters are given and columns taken in their
 * order. For this folder and the store.
 *
 *     Statement statement;
 *     TRY(statement_open(&statement, store, "SELECT name FROM jobs WHERE id = ?"));
 *     statement_put_integer(&statement, id);
 *     Status status = statement_next(&statement, &row);
 *     if (!status && row)
 *         status = statement_take_text(&statement, &name);
 *     return statement_close(&statement, status);
 *
 * Within a transaction the first failure is kept: no statement runs after it, since SQLite may have rolled back by
 * itself already, and what followed would be written alone. */
#ifndef FOVEA_POOL_DATABASE_STATEMENT_H
#define FOVEA_POOL_DATABASE_STATEMENT_H

#include "base/status.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *sql;
    sqlite3_stmt *handle;
    bool used;
} PreparedStatement;

struct Store {
    sqlite3 *database;
    char *path;
    PreparedStatement *prepared;
    int64_t prepared_count, prepared_capacity;
    bool in_transaction;
    Status failure; /* the first within the transaction */
};
typedef struct Store Store;

typedef struct {
    Store *store;
    int64_t index;         /* of store->prepared */
    sqlite3_stmt *handle;  /* of that */
    int parameter, column; /* that were given, that were taken */
    int code;              /* of the first parameter that failed */
} Statement;

/* `sql` is a literal. The caller closes the statement once it is open. */
Status statement_open(Statement *statement, Store *store, const char *sql) MUST_USE;
/* Texts are borrowed until the statement is closed. NAN becomes NULL. */
void statement_put_integer(Statement *statement, int64_t value);
void statement_put_real(Statement *statement, double value);
void statement_put_text(Statement *statement, const char *value);
/* Numbers as "2,3,5", copied. */
void statement_put_gpus(Statement *statement, const int *gpus, int count);
/* Runs to the next row; *row false: there is none. */
Status statement_next(Statement *statement, bool *row) MUST_USE;
/* NULL becomes 0, NAN, "". */
int64_t statement_take_integer(Statement *statement);
double statement_take_real(Statement *statement);
/* As much as fits. */
void statement_take_name(Statement *statement, char *text, size_t size);
/* The caller's. */
Status statement_take_text(Statement *statement, char **text) MUST_USE;
int statement_take_gpus(Statement *statement, int *gpus, int most);
/* Hands the statement back; returns `status`. */
Status statement_close(Statement *statement, Status status) MUST_USE;
/* Runs to the end, and closes. */
Status statement_run(Statement *statement) MUST_USE;

/* Text of SQL without parameters and rows. */
Status statement_execute(Store *store, const char *sql) MUST_USE;
/* The only column of the first row; 0 without one. */
Status statement_read_integer(Store *store, const char *sql, int64_t *value) MUST_USE;
/* Keeps a failure within a transaction, and returns it. */
Status statement_fail(Store *store, Status status) MUST_USE;
void statement_free_all(Store *store);

#endif
