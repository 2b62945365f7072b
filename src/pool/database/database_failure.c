/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/database/database_failure.h"
#include "base/files.h"
#include "pool/database/newest_backup.h"

#include <errno.h>
#include <limits.h>

Status database_damaged(const char *path, const char *what) {
    char newest[PATH_MAX];
    if (newest_backup(path, newest))
        return status_error(EXIT_DATA,
                            "%s: the database is damaged: %s; it is left as it is; to go on from the newest backup, "
                            "move %s and %s-wal away and copy %s to %s",
                            path, what, path, path, newest, path);
    return status_error(EXIT_DATA,
                        "%s: the database is damaged: %s; it is left as it is, and there is no backup; move %s and "
                        "%s-wal away to begin a new one",
                        path, what, path, path);
}

static Status name_system_failure(sqlite3 *database, const char *file, int code) {
    const int cause = sqlite3_system_errno(database);
    const int primary = code & 0xff;
    const char *action = primary == SQLITE_CANTOPEN ? "open" : code == SQLITE_IOERR_READ ? "read" : "write to";
    if (cause)
        return files_failure(action, file, cause);
    return status_error(EXIT_IO, "cannot %s %s: %s; check the disk and who owns the folder", action, file,
                        sqlite3_errmsg(database));
}

Status database_failure(sqlite3 *database, const char *path, const char *file, int code) {
    switch (code & 0xff) {
    case SQLITE_FULL:
        return files_failure("write to", file, ENOSPC);
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
        return name_system_failure(database, file, code);
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return status_error(EXIT_IO,
                            "%s: the database cannot be written: %s; give it and its folder back to the "
                            "pool's user",
                            file, sqlite3_errmsg(database));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return status_error(EXIT_IO,
                            "%s: the database is locked: another process has it open, such as a second "
                            "daemon; end that one (fuser %s names it)",
                            file, file);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return database_damaged(path, sqlite3_errmsg(database));
    case SQLITE_NOMEM:
        return status_no_memory("the pool's database", 0);
    case SQLITE_TOOBIG:
        return status_error(EXIT_DATA, "%s: a text is larger than the database takes", file);
    default:
        return status_error(EXIT_INTERNAL, "%s: %s", file, sqlite3_errmsg(database));
    }
}
