/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/database/database.h"
#include "base/files.h"
#include "base/text.h"
#include "pool/database/database_copy.h"
#include "pool/database/database_failure.h"
#include "pool/database/newest_backup.h"
#include "pool/database/statement.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUSY_MS = 500 }; /* a daemon that is just ending has that long */

/* SQLite gives the files beside the mode of the database. A file that is there is not opened: closing it would drop the
 * locks that this process holds on it. */
static Status prepare_file(const char *path) {
    struct stat facts;
    char newest[PATH_MAX];
    if (stat(path, &facts) != 0) {
        const int descriptor = errno == ENOENT ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
        if (descriptor < 0 && errno != EEXIST) /* another process was faster: it has the lock, or ends soon */
            return files_failure("create", path, errno);
        if (descriptor >= 0)
            close(descriptor);
        return NULL;
    }
    if (!S_ISREG(facts.st_mode))
        return status_error(EXIT_IO, "%s: the database is not a regular file; name another folder", path);
    if (facts.st_size == 0 && newest_backup(path, newest))
        return database_damaged(path, "the file is empty");
    if ((facts.st_mode & 077) && chmod(path, facts.st_mode & 0700) != 0)
        return files_failure("keep others from reading", path, errno);
    return NULL;
}

static Status check_pages(Store *store) {
    Statement statement;
    char verdict[256] = "";
    bool row;
    TRY(statement_open(&statement, store, "PRAGMA quick_check(1)"));
    Status status = statement_next(&statement, &row);
    if (!status && row)
        statement_take_name(&statement, verdict, sizeof verdict);
    TRY(statement_close(&statement, status));
    return strcmp(verdict, "ok") == 0 ? NULL : database_damaged(store->path, verdict);
}

static Status upgrade_database(Store *store, const Schema *schema, int version) {
    if (version > 0) {
        char *backup;
        TRY(files_path(&backup, "%s.v%d.bak", store->path, version));
        Status status = database_copy(store->database, store->path, backup);
        free(backup);
        TRY(status);
    }
    return schema_upgrade(store, schema, version);
}

static Status open_database(Store *store, const Schema *schema) {
    int version;
    if (strcmp(store->path, ":memory:") != 0)
        TRY(prepare_file(store->path));
    int code = sqlite3_open_v2(store->path, &store->database, SQLITE_OPEN_READWRITE, NULL);
    if (code && !store->database)
        return status_no_memory("the pool's database", 0);
    if (!code)
        code = sqlite3_extended_result_codes(store->database, 1);
    if (!code)
        code = sqlite3_busy_timeout(store->database, BUSY_MS);
    /* Until it is known to be sound, closing it changes nothing. */
    if (!code)
        code = sqlite3_db_config(store->database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (code)
        return database_failure(store->database, store->path, store->path, code);
    TRY(statement_execute(store, "PRAGMA locking_mode = EXCLUSIVE"));
    TRY(schema_read(store, schema, &version));
    if (version > 0)
        TRY(check_pages(store));
    TRY(statement_execute(store, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"));
    if (version < schema->version)
        TRY(upgrade_database(store, schema, version));
    (void)sqlite3_db_config(store->database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    return NULL;
}

Status store_open_schema(Store **store, const char *path, const Schema *schema) {
    Store *made = calloc(1, sizeof *made);
    *store = NULL;
    if (!made)
        return status_no_memory("the pool's database", sizeof *made);
    Status status = text_format(&made->path, "%s", path);
    if (!status)
        status = open_database(made, schema);
    if (status) {
        store_close(made);
        return status;
    }
    *store = made;
    return NULL;
}

Status store_open(Store **store, const char *path) {
    return store_open_schema(store, path, &schema_of_pool);
}

void store_close(Store *store) {
    if (!store)
        return;
    store_rollback(store);
    statement_free_all(store);
    sqlite3_close(store->database);
    free(store->path);
    free(store);
}

Status store_backup(Store *store) {
    char *backup;
    if (store->in_transaction)
        return status_error(EXIT_INTERNAL, "%s: a backup within a transaction", store->path);
    TRY(files_path(&backup, "%s.bak", store->path));
    Status status = database_copy(store->database, store->path, backup);
    free(backup);
    return status;
}

Status store_begin(Store *store) {
    if (store->in_transaction)
        return status_error(EXIT_INTERNAL, "%s: a transaction within a transaction", store->path);
    TRY(statement_execute(store, "BEGIN IMMEDIATE"));
    store->in_transaction = true;
    return NULL;
}

void store_rollback(Store *store) {
    if (store->database && !sqlite3_get_autocommit(store->database))
        sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL); /* cannot fail in a way that leaves it open */
    status_free(store->failure);
    store->failure = NULL;
    store->in_transaction = false;
}

Status store_commit(Store *store) {
    Status status = store->failure;
    if (!store->in_transaction)
        return status_error(EXIT_INTERNAL, "%s: a commit outside a transaction", store->path);
    store->failure = NULL;
    store->in_transaction = false; /* the failure below is not one to keep */
    if (!status)
        status = statement_execute(store, "COMMIT");
    if (status)
        store_rollback(store);
    return status;
}

Status store_join(Store *store, bool *own) {
    *own = !store->in_transaction;
    return *own ? store_begin(store) : NULL;
}

Status store_leave(Store *store, bool own, Status status) {
    if (own && status)
        store_rollback(store);
    return own && !status ? store_commit(store) : status;
}
