/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/database/schema.h"
#include "pool/database/newest_backup.h"

#include <stdio.h>

/* "fvpl": marks the file as a pool's for file(1) and for us. */
enum { APPLICATION = 0x6676706c };

/* Times are seconds since 1970; an `ended` of 0 goes on. Lists of GPUs and of jobs are numbers with commas. Requests
 * have a table of their own, so that reading jobs does not read their environments. */
static const char version_1[] =
    "CREATE TABLE jobs (id INTEGER PRIMARY KEY AUTOINCREMENT, uid INTEGER NOT NULL, user TEXT NOT NULL, name TEXT NOT "
    "NULL, command TEXT NOT NULL, gpus INTEGER NOT NULL, gpu_ids TEXT NOT NULL, lane TEXT NOT NULL, gpu_memory INTEGER "
    "NOT NULL, host_memory INTEGER NOT NULL, time_limit REAL NOT NULL, priority INTEGER NOT NULL, waits_for TEXT NOT "
    "NULL, resumable INTEGER NOT NULL, foreground INTEGER NOT NULL, run_dir TEXT NOT NULL, micro_batch INTEGER NOT "
    "NULL, sweep TEXT NOT NULL, trial TEXT NOT NULL, submitted REAL NOT NULL, state TEXT NOT NULL, exit INTEGER NOT "
    "NULL, signal INTEGER NOT NULL, reason TEXT NOT NULL, stop INTEGER NOT NULL, stop_at REAL NOT NULL, queued REAL "
    "NOT NULL, failures INTEGER NOT NULL, halvings INTEGER NOT NULL, attempts INTEGER NOT NULL);"
    "CREATE INDEX jobs_by_state ON jobs (state, id);"
    "CREATE TABLE requests (job INTEGER PRIMARY KEY, request TEXT NOT NULL);"

    "CREATE TABLE attempts (job INTEGER NOT NULL, number INTEGER NOT NULL, epoch INTEGER NOT NULL, gpus TEXT NOT NULL, "
    "began REAL NOT NULL, ended REAL NOT NULL, exit INTEGER NOT NULL, signal INTEGER NOT NULL, why TEXT NOT NULL, pid "
    "INTEGER NOT NULL, busy REAL NOT NULL, joules REAL NOT NULL, worked INTEGER NOT NULL, PRIMARY KEY (job, number)) "
    "WITHOUT ROWID;"
    "CREATE INDEX attempts_by_end ON attempts (ended, began, busy);"

    "CREATE TABLE leases (id INTEGER PRIMARY KEY, gpu INTEGER NOT NULL, job INTEGER NOT NULL, epoch INTEGER NOT NULL, "
    "held INTEGER NOT NULL, UNIQUE (gpu, epoch));"
    "CREATE UNIQUE INDEX leases_held ON leases (gpu) WHERE held;"
    "CREATE TABLE epochs (last INTEGER NOT NULL);"
    "INSERT INTO epochs VALUES (0);"

    "CREATE TABLE ledger (id INTEGER PRIMARY KEY, gpu INTEGER NOT NULL, began REAL NOT NULL, ended REAL NOT NULL, what "
    "TEXT NOT NULL, job INTEGER NOT NULL, epoch INTEGER NOT NULL, uid INTEGER NOT NULL, reason TEXT NOT NULL);"
    "CREATE UNIQUE INDEX ledger_open ON ledger (gpu) WHERE ended = 0;"
    "CREATE INDEX ledger_by_time ON ledger (began, gpu);"
    "CREATE INDEX ledger_by_gpu ON ledger (gpu, began);"
    "CREATE INDEX ledger_by_what ON ledger (gpu, what, began, ended);"

    "CREATE TABLE looks (id INTEGER PRIMARY KEY, gpu INTEGER NOT NULL, time_1 REAL NOT NULL, util_1 REAL, memory_1 "
    "INTEGER NOT NULL, processes_1 INTEGER NOT NULL, known_1 INTEGER NOT NULL, unified_1 INTEGER NOT NULL, time_2 REAL "
    "NOT NULL, util_2 REAL, memory_2 INTEGER NOT NULL, processes_2 INTEGER NOT NULL, known_2 INTEGER NOT NULL, "
    "unified_2 INTEGER NOT NULL, verdict TEXT NOT NULL, why TEXT NOT NULL);"

    "CREATE TABLE audit (id INTEGER PRIMARY KEY, time REAL NOT NULL, uid INTEGER NOT NULL, user TEXT NOT NULL, action "
    "TEXT NOT NULL, what TEXT NOT NULL, detail TEXT NOT NULL);"

    "CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;";

static const char *const upgrades[] = {version_1};

const Schema schema_of_pool = {upgrades, sizeof upgrades / sizeof *upgrades};

static Status refuse_newer(const Store *store, int64_t version, int known) {
    char newest[PATH_MAX], advice[PATH_MAX + 64] = "";
    if (newest_backup(store->path, newest))
        snprintf(advice, sizeof advice, ", or go on from the newest backup, %s", newest);
    return status_error(EXIT_DATA, "%s: the database has version %lld, this program reads up to %d; update fovea%s",
                        store->path, (long long)version, known, advice);
}

Status schema_read(Store *store, const Schema *schema, int *version) {
    int64_t user_version, application, tables;
    TRY(statement_read_integer(store, "SELECT count(*) FROM sqlite_schema", &tables));
    TRY(statement_read_integer(store, "PRAGMA user_version", &user_version));
    TRY(statement_read_integer(store, "PRAGMA application_id", &application));
    if (tables && (application != APPLICATION || user_version < 1))
        return status_error(EXIT_DATA, "%s: an SQLite database of another program; name another folder", store->path);
    if (user_version > schema->version)
        return refuse_newer(store, user_version, schema->version);
    *version = tables ? (int)user_version : 0;
    return NULL;
}

Status schema_upgrade(Store *store, const Schema *schema, int version) {
    char marks[96];
    snprintf(marks, sizeof marks, "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT", APPLICATION,
             schema->version);
    Status status = statement_execute(store, "BEGIN IMMEDIATE");
    for (int i = version; !status && i < schema->version; i++)
        status = statement_execute(store, schema->upgrades[i]);
    if (!status)
        status = statement_execute(store, marks);
    if (status && !sqlite3_get_autocommit(store->database))
        sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL);
    return status;
}
