/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/store/store_facts.h"
#include "base/text.h"
#include "pool/database/statement.h"

#include <math.h>

static const char PUT[] = "INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)";

Status store_put_fact(Store *store, const char *name, double value) {
    Statement statement;
    TRY(statement_open(&statement, store, PUT));
    statement_put_text(&statement, name);
    statement_put_real(&statement, value);
    return statement_run(&statement);
}

Status store_put_fact_text(Store *store, const char *name, const char *value) {
    Statement statement;
    TRY(statement_open(&statement, store, PUT));
    statement_put_text(&statement, name);
    statement_put_text(&statement, value);
    return statement_run(&statement);
}

Status store_get_fact(Store *store, const char *name, double *value) {
    Statement statement;
    bool row;
    *value = NAN;
    TRY(statement_open(&statement, store, "SELECT value FROM facts WHERE name = ? AND typeof(value) <> 'text'"));
    statement_put_text(&statement, name);
    Status status = statement_next(&statement, &row);
    if (!status && row)
        *value = statement_take_real(&statement);
    return statement_close(&statement, status);
}

Status store_get_fact_text(Store *store, const char *name, char **value) {
    Statement statement;
    bool row;
    *value = NULL;
    TRY(statement_open(&statement, store, "SELECT value FROM facts WHERE name = ? AND typeof(value) = 'text'"));
    statement_put_text(&statement, name);
    Status status = statement_next(&statement, &row);
    if (!status)
        status = row ? statement_take_text(&statement, value) : text_format(value, "%s", "");
    return statement_close(&statement, status);
}
