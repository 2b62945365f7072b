/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/store/store_leases.h"
#include "pool/database/statement.h"

Status store_take_lease(Store *store, int gpu, int64_t job, int64_t epoch) {
    Statement statement;
    TRY(statement_open(&statement, store, "INSERT INTO leases (gpu, job, epoch, held) VALUES (?, ?, ?, 1)"));
    statement_put_integer(&statement, gpu);
    statement_put_integer(&statement, job);
    statement_put_integer(&statement, epoch);
    return statement_run(&statement);
}

Status store_drop_lease(Store *store, int gpu) {
    Statement statement;
    TRY(statement_open(&statement, store, "UPDATE leases SET held = 0 WHERE gpu = ? AND held"));
    statement_put_integer(&statement, gpu);
    return statement_run(&statement);
}

Status store_each_lease(Store *store, StoreTakeLease take, void *context) {
    Statement statement;
    bool row;
    TRY(statement_open(&statement, store, "SELECT gpu, job, epoch FROM leases WHERE held ORDER BY gpu"));
    Status status = statement_next(&statement, &row);
    while (!status && row) {
        const int gpu = (int)statement_take_integer(&statement);
        const int64_t job = statement_take_integer(&statement), epoch = statement_take_integer(&statement);
        status = take(context, gpu, job, epoch);
        if (!status)
            status = statement_next(&statement, &row);
    }
    return statement_close(&statement, status);
}

Status store_next_epoch(Store *store, int64_t *epoch) {
    Statement statement;
    bool row;
    *epoch = 0;
    TRY(statement_open(&statement, store, "UPDATE epochs SET last = last + 1 RETURNING last"));
    Status status = statement_next(&statement, &row);
    if (!status && row)
        *epoch = statement_take_integer(&statement);
    /* A statement that returns rows has written when it is run to its end. */
    if (!status)
        status = statement_next(&statement, &row);
    return statement_close(&statement, status);
}
