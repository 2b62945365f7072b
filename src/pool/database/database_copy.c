/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/database/database_copy.h"
#include "base/files.h"
#include "pool/database/database_failure.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* SQLite opens what is there, with the mode that it has. */
static Status make_empty(const char *path) {
    const int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return files_failure("create", path, errno);
    return close(descriptor) == 0 ? NULL : files_failure("create", path, errno);
}

static int copy_pages(sqlite3 *from, sqlite3 *to) {
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    if (!backup)
        return sqlite3_errcode(to);
    (void)sqlite3_backup_step(backup, -1); /* its failure is what sqlite3_backup_finish() returns */
    return sqlite3_backup_finish(backup);
}

static Status fill_copy(sqlite3 *database, const char *path, const char *to) {
    sqlite3 *copy = NULL;
    TRY(make_empty(to));
    int code = sqlite3_open_v2(to, &copy, SQLITE_OPEN_READWRITE, NULL);
    if (!code)
        code = sqlite3_exec(copy, "PRAGMA synchronous = FULL", NULL, NULL, NULL);
    if (!code)
        code = copy_pages(database, copy);
    /* A copy of a database in WAL mode is in that mode, too; alone it would leave files of its own beside. */
    if (!code)
        code = sqlite3_exec(copy, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
    Status status = code ? database_failure(copy ? copy : database, path, to, code) : NULL;
    sqlite3_close(copy);
    return status;
}

Status database_copy(sqlite3 *database, const char *path, const char *to) {
    char *unfinished;
    TRY(files_name_unfinished(to, &unfinished));
    Status status = files_remove(unfinished);
    return files_finish(unfinished, to, status ? status : fill_copy(database, path, unfinished));
}
