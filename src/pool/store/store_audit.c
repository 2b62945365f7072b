/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/store/store_audit.h"
#include "pool/database/statement.h"

#include <stdlib.h>

Status store_add_audit(Store *store, const AuditLine *line) {
    Statement statement;
    TRY(statement_open(&statement, store,
                       "INSERT INTO audit (time, uid, user, action, what, detail) VALUES (?, ?, ?, ?, ?, ?)"));
    statement_put_real(&statement, line->time);
    statement_put_integer(&statement, line->uid);
    statement_put_text(&statement, line->user);
    statement_put_text(&statement, line->action);
    statement_put_text(&statement, line->what);
    statement_put_text(&statement, line->detail);
    return statement_run(&statement);
}

static Status hand_line(Statement *statement, StoreTakeAudit take, void *context) {
    AuditLine line = {.time = statement_take_real(statement)};
    line.uid = statement_take_integer(statement);
    char *texts[4] = {0};
    Status status = NULL;
    for (int i = 0; i < 4 && !status; i++)
        status = statement_take_text(statement, &texts[i]);
    line.user = texts[0];
    line.action = texts[1];
    line.what = texts[2];
    line.detail = texts[3];
    if (!status)
        status = take(context, &line);
    for (int i = 0; i < 4; i++)
        free(texts[i]);
    return status;
}

Status store_each_audit(Store *store, StoreTakeAudit take, void *context) {
    Statement statement;
    bool row;
    TRY(statement_open(&statement, store, "SELECT time, uid, user, action, what, detail FROM audit ORDER BY id"));
    Status status = statement_next(&statement, &row);
    while (!status && row) {
        status = hand_line(&statement, take, context);
        if (!status)
            status = statement_next(&statement, &row);
    }
    return statement_close(&statement, status);
}
