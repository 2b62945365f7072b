/* SPDX-License-Identifier: Apache-2.0 */
/* The pool's database as a file: who may read it, who has it open, backups and upgrades, and files that are damaged,
 * newer, another program's, read-only or on a full disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pool/database/statement.h"
#include "tests/fixtures/temp.h"
#include "tests/pool/disk_hook.h"
#include "tests/pool/pool_jobs.h"

#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* A folder for one test, and the path of its database. */
typedef struct {
    char folder[TEMP_PATH * 2], path[TEMP_PATH * 2 + 16], backup[TEMP_PATH * 2 + 24];
} Place;

static Place make_place(void **state, const char *name) {
    Place place;
    temp_path(state, name, place.folder);
    assert_fine(files_make_directory(place.folder));
    snprintf(place.path, sizeof place.path, "%s/pool.db", place.folder);
    snprintf(place.backup, sizeof place.backup, "%s.bak", place.path);
    return place;
}

static Store *open_well(const char *path) {
    Store *store;
    assert_fine(store_open(&store, path));
    return store;
}

/* A database with some rows, closed. */
static void fill_database(const char *path) {
    Store *store = open_well(path);
    assert_fine(store_begin(store));
    for (int i = 1; i <= 20; i++) {
        Job job = make_job(i);
        assert_fine(store_add_job(store, &job));
        job_free(&job);
    }
    put_ledger(store, 1, 5, LEDGER_IDLE, 0, 0);
    assert_fine(store_commit(store));
    store_close(store);
}

static char *text_of(const char *path) {
    Store *store = open_well(path);
    char *text = print_store(store);
    store_close(store);
    return text;
}

static void assert_mode(const char *path, const char *suffix, mode_t mode) {
    char name[TEMP_PATH * 3];
    struct stat facts;
    snprintf(name, sizeof name, "%s%s", path, suffix);
    assert_int_equal(stat(name, &facts), 0);
    assert_int_equal(facts.st_mode & 07777, mode);
}

static void nobody_else_reads_it(void **state) {
    Place place = make_place(state, "modes");
    const mode_t before = umask(0);
    Store *store = open_well(place.path);
    assert_fine(store_put_fact(store, "a", 1));
    assert_fine(store_backup(store));
    assert_mode(place.path, "", 0600);
    assert_mode(place.path, "-wal", 0600);
    assert_mode(place.path, ".bak", 0600);
    char shared[TEMP_PATH * 3];
    snprintf(shared, sizeof shared, "%s-shm", place.path);
    assert_false(files_exists(shared)); /* one process alone needs none */
    store_close(store);
    assert_int_equal(chmod(place.path, 0664), 0);
    store = open_well(place.path);
    assert_mode(place.path, "", 0600);
    assert_fine(store_put_fact(store, "a", 2));
    assert_mode(place.path, "-wal", 0600);
    store_close(store);
    umask(before);
}

static int exit_of(pid_t pid) {
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Opens in a process of its own, which exits with the code. */
static int open_elsewhere(const char *path) {
    const pid_t pid = fork();
    if (pid == 0) {
        Store *store;
        Status status = store_open(&store, path);
        const bool told = !status || strstr(status_message(status), "another process has it open");
        _exit(told ? (int)status_code(status) : 99);
    }
    return exit_of(pid);
}

static void one_process_has_it(void **state) {
    Place place = make_place(state, "one");
    Store *store = open_well(place.path), *second;
    assert_int_equal(open_elsewhere(place.path), EXIT_IO);
    assert_fine(store_put_fact(store, "a", 1));
    assert_int_equal(open_elsewhere(place.path), EXIT_IO);
    /* Within one process, too; and that does not let others in. */
    assert_refused(store_open(&second, place.path), EXIT_IO, "another process has it open");
    assert_null(second);
    assert_int_equal(open_elsewhere(place.path), EXIT_IO);
    assert_fine(store_put_fact(store, "a", 2));
    store_close(store);
    assert_int_equal(open_elsewhere(place.path), 0);
}

/* --- Damage ------------------------------------------------------------------------------------------------------- */

static void assert_left_alone(const char *path, const char *part) {
    char *before, *after;
    size_t size, size_after;
    Store *store;
    assert_fine(files_read(path, &before, &size));
    assert_refused(store_open(&store, path), EXIT_DATA, part);
    assert_fine(files_read(path, &after, &size_after));
    assert_int_equal(size, size_after);
    assert_memory_equal(before, after, size);
    free(before);
    free(after);
}

static void overwrite(const char *path, long at, const char *bytes, size_t size) {
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, at < 0 ? SEEK_END : SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void damage_is_named_with_the_backup(void **state) {
    Place place = make_place(state, "damaged");
    char garbage[4096], *kept, *text, advice[TEMP_PATH * 10];
    size_t size;
    memset(garbage, 0x5a, sizeof garbage);
    fill_database(place.path);
    text = text_of(place.path);
    assert_fine(files_read(place.path, &kept, &size));
    overwrite(place.path, 4096, garbage, sizeof garbage);
    assert_left_alone(place.path, "the database is damaged");
    assert_left_alone(place.path, "there is no backup");
    /* With backups the newest is named: by their time, not by their name. */
    assert_fine(files_write(place.path, kept, size));
    Store *store = open_well(place.path);
    assert_fine(store_backup(store));
    store_close(store);
    char older[TEMP_PATH * 3];
    snprintf(older, sizeof older, "%s.v1.bak", place.path);
    assert_fine(files_write(older, "", 0));
    const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    assert_int_equal(utimensat(AT_FDCWD, older, times, 0), 0);
    snprintf(advice, sizeof advice, "move %s and %s-wal away and copy %s to %s", place.path, place.path, place.backup,
             place.path);
    overwrite(place.path, 4096, garbage, sizeof garbage); /* a table's page */
    assert_left_alone(place.path, advice);
    assert_fine(files_write(place.path, kept, size));
    overwrite(place.path, 0, garbage, 100); /* the header */
    assert_left_alone(place.path, advice);
    assert_fine(files_write(place.path, kept, size));
    assert_int_equal(truncate(place.path, (off_t)size / 2), 0);
    assert_left_alone(place.path, advice);
    assert_int_equal(truncate(place.path, 0), 0);
    assert_left_alone(place.path, advice);
    /* The advice works. */
    assert_fine(files_remove(place.path));
    assert_int_equal(rename(place.backup, place.path), 0);
    char *restored = text_of(place.path);
    assert_string_equal(restored, text);
    free(restored);
    free(text);
    free(kept);
}

/* Three commits that are in the log beside the database alone. */
static void leave_log(const char *path) {
    const pid_t pid = fork();
    if (pid == 0) {
        Store *store;
        Status status = store_open(&store, path);
        for (int i = 1; !status && i <= 3; i++)
            status = store_put_fact(store, "n", i);
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(exit_of(pid), -1);
}

/* The log of a damaged database is kept, too: people may get more out of both. */
static void damage_leaves_the_log(void **state) {
    Place place = make_place(state, "damaged-log");
    char garbage[4096], wal[TEMP_PATH * 3], *before, *after;
    size_t size, size_after;
    memset(garbage, 0x5a, sizeof garbage);
    snprintf(wal, sizeof wal, "%s-wal", place.path);
    fill_database(place.path);
    leave_log(place.path);
    overwrite(place.path, 4096, garbage, sizeof garbage);
    assert_fine(files_read(wal, &before, &size));
    assert_left_alone(place.path, "the database is damaged");
    assert_fine(files_read(wal, &after, &size_after));
    assert_int_equal(size, size_after);
    assert_memory_equal(before, after, size);
    free(before);
    free(after);
}

/* What a killed process left in the write-ahead log counts; a log that is cut or changed loses its end alone. */
static void a_cut_log_loses_its_end_alone(void **state) {
    Place place = make_place(state, "log");
    char wal[TEMP_PATH * 3], *text;
    snprintf(wal, sizeof wal, "%s-wal", place.path);
    fill_database(place.path);
    leave_log(place.path);
    struct stat facts;
    assert_int_equal(stat(wal, &facts), 0);
    assert_int_equal(truncate(wal, facts.st_size - 1), 0);
    Store *store = open_well(place.path);
    double value;
    assert_fine(store_get_fact(store, "n", &value));
    assert_true(value == 2);
    text = print_store(store);
    assert_non_null(strstr(text, "job 20 "));
    free(text);
    store_close(store);
}

static void what_is_no_database_of_ours_is_refused(void **state) {
    Place place = make_place(state, "others");
    sqlite3 *other;
    Store *store;
    assert_int_equal(sqlite3_open(place.path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "CREATE TABLE jobs (id); PRAGMA user_version = 1", NULL, NULL, NULL), 0);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    assert_left_alone(place.path, "an SQLite database of another program");
    assert_fine(files_write(place.path, "just some text, longer than a header would be: it is none, at that", 66));
    assert_left_alone(place.path, "the database is damaged");
    assert_fine(files_remove(place.path));
    assert_fine(files_make_directory(place.path));
    assert_refused(store_open(&store, place.path), EXIT_IO, "not a regular file");
    assert_fine(files_remove(place.path));
    assert_fine(files_write(place.path, "", 0)); /* killed between creating it and its first table */
    store_close(open_well(place.path));
    assert_refused(store_open(&store, "/proc/nowhere/pool.db"), EXIT_IO, "/proc/nowhere/pool.db");
}

/* --- Versions ----------------------------------------------------------------------------------------------------- */

static const char second[] = "ALTER TABLE jobs ADD COLUMN colour TEXT NOT NULL DEFAULT 'red';"
                             "CREATE TABLE colours (name TEXT NOT NULL);"
                             "INSERT INTO colours SELECT DISTINCT colour FROM jobs;";

/* This program's upgrades and one more. */
static Schema next_schema(const char *upgrades[16], const char *more) {
    const int version = schema_of_pool.version;
    for (int i = 0; i < version; i++)
        upgrades[i] = schema_of_pool.upgrades[i];
    upgrades[version] = more;
    return (Schema){upgrades, version + 1};
}

static void an_older_one_is_upgraded_after_a_backup(void **state) {
    Place place = make_place(state, "older");
    const char *upgrades[16];
    const Schema schema = next_schema(upgrades, second);
    char backup[TEMP_PATH * 3], newer[160];
    snprintf(backup, sizeof backup, "%s.v%d.bak", place.path, schema_of_pool.version);
    fill_database(place.path);
    char *text = text_of(place.path);
    assert_false(files_exists(backup)); /* nothing was upgraded yet */
    Store *store;
    int64_t value;
    assert_fine(store_open_schema(&store, place.path, &schema));
    char *upgraded = print_store(store);
    assert_string_equal(upgraded, text);
    assert_fine(statement_read_integer(store, "SELECT count(*) FROM jobs WHERE colour = 'red'", &value));
    assert_int_equal(value, 20);
    assert_fine(statement_read_integer(store, "SELECT count(*) FROM colours WHERE name = 'red'", &value));
    assert_int_equal(value, 1);
    store_close(store);
    free(upgraded);
    assert_mode(backup, "", 0600);
    /* This program does not read the new one, and says which backup it could; that one it does read. */
    snprintf(newer, sizeof newer, "the database has version %d, this program reads up to %d", schema.version,
             schema_of_pool.version);
    assert_left_alone(place.path, newer);
    assert_left_alone(place.path, backup);
    char *old = text_of(backup);
    assert_string_equal(old, text);
    free(old);
    free(text);
    /* The next time nothing is upgraded, so nothing is backed up. */
    assert_fine(files_remove(backup));
    assert_fine(store_open_schema(&store, place.path, &schema));
    store_close(store);
    assert_false(files_exists(backup));
}

static void a_failed_upgrade_changes_nothing(void **state) {
    Place place = make_place(state, "failed");
    const char *upgrades[16];
    const Schema schema = next_schema(upgrades, "ALTER TABLE jobs ADD COLUMN colour TEXT; DROP TABLE nothing;");
    Store *store;
    fill_database(place.path);
    char *text = text_of(place.path);
    assert_refused(store_open_schema(&store, place.path, &schema), EXIT_INTERNAL, "nothing");
    char *after = text_of(place.path); /* of version 1 still */
    assert_string_equal(after, text);
    free(after);
    free(text);
}

/* --- The disk ----------------------------------------------------------------------------------------------------- */

static void a_full_disk_loses_nothing(void **state) {
    Place place = make_place(state, "full");
    Store *store, *new;
    char other[TEMP_PATH * 3];
    disk_hook_set();
    fill_database(place.path);
    store = open_well(place.path);
    char *text = print_store(store);
    disk_hook.full = true;
    assert_refused(store_put_fact(store, "alone", 1), EXIT_IO, "disk full");
    assert_fine(store_begin(store));
    Job job = make_job(21);
    assert_fine(store_add_job(store, &job));
    assert_fine(store_take_lease(store, 1, job.id, 1));
    assert_refused(store_commit(store), EXIT_IO, "disk full");
    assert_refused(store_backup(store), EXIT_IO, "disk full");
    assert_false(files_exists(place.backup));
    char *after = print_store(store);
    assert_string_equal(after, text); /* rolled back, and it can be read */
    free(after);
    snprintf(other, sizeof other, "%s/new.db", place.folder);
    assert_refused(store_open(&new, other), EXIT_IO, "disk full");
    /* With room again the same goes through, for the same process. */
    disk_hook.full = false;
    double value;
    assert_fine(store_get_fact(store, "alone", &value));
    assert_true(isnan(value));
    assert_fine(store_begin(store));
    assert_fine(store_add_job(store, &job));
    assert_int_equal(job.id, 21);
    assert_fine(store_take_lease(store, 1, job.id, 1));
    assert_fine(store_commit(store));
    assert_fine(store_backup(store));
    store_close(store);
    store_close(open_well(other));
    disk_hook_unset();
    after = text_of(place.path);
    assert_memory_equal(after, text, 40);
    assert_non_null(strstr(after, "lease 1 21 1\n"));
    free(after);
    free(text);
    job_free(&job);
}

/* Root may write anywhere: the opener is another user. */
static int open_as_nobody(const char *path, const char *part) {
    const pid_t pid = fork();
    if (pid == 0) {
        enum { NOBODY = 65534 };
        Store *store;
        if (geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) != 0)
            _exit(98);
        Status status = store_open(&store, path);
        if (!status)
            store_close(store);
        if (status && !strstr(status_message(status), part))
            fprintf(stderr, "%s\n", status_message(status));
        _exit(!status || strstr(status_message(status), part) ? (int)status_code(status) : 97);
    }
    return exit_of(pid);
}

static void what_cannot_be_written_is_named(void **state) {
    enum { NOBODY = 65534 };
    Place place = make_place(state, "read-only");
    Temp *temp = *state;
    fill_database(place.path);
    if (geteuid() == 0) {
        assert_int_equal(chmod(temp->root, 0755), 0);
        assert_int_equal(chown(place.folder, NOBODY, NOBODY), 0);
        assert_int_equal(chown(place.path, NOBODY, NOBODY), 0);
    }
    assert_int_equal(open_as_nobody(place.path, ""), 0);
    assert_int_equal(chmod(place.path, 0400), 0);
    assert_int_equal(open_as_nobody(place.path, place.path), EXIT_IO);
    assert_int_equal(chmod(place.path, 0600), 0);
    assert_int_equal(chmod(place.folder, 0500), 0); /* no log can be made beside */
    assert_int_equal(open_as_nobody(place.path, place.path), EXIT_IO);
    assert_int_equal(chmod(place.folder, 0700), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(place.path, 0, 0), 0); /* another user's */
        assert_int_equal(open_as_nobody(place.path, place.path), EXIT_IO);
    }
}

static void backups_are_made_between_transactions(void **state) {
    Place place = make_place(state, "backups");
    Store *store = open_well(place.path);
    assert_fine(store_begin(store));
    assert_fine(store_put_fact(store, "a", 1));
    assert_refused(store_backup(store), EXIT_INTERNAL, "a backup within a transaction");
    assert_fine(store_commit(store));
    assert_fine(store_backup(store));
    assert_fine(store_put_fact(store, "a", 2));
    double value;
    Store *copy = open_well(place.backup);
    assert_fine(store_get_fact(copy, "a", &value));
    assert_true(value == 1);
    store_close(copy);
    assert_fine(store_backup(store)); /* over the old one */
    copy = open_well(place.backup);
    assert_fine(store_get_fact(copy, "a", &value));
    assert_true(value == 2);
    store_close(copy);
    store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_else_reads_it),
        cmocka_unit_test(one_process_has_it),
        cmocka_unit_test(damage_is_named_with_the_backup),
        cmocka_unit_test(damage_leaves_the_log),
        cmocka_unit_test(a_cut_log_loses_its_end_alone),
        cmocka_unit_test(what_is_no_database_of_ours_is_refused),
        cmocka_unit_test(an_older_one_is_upgraded_after_a_backup),
        cmocka_unit_test(a_failed_upgrade_changes_nothing),
        cmocka_unit_test(a_full_disk_loses_nothing),
        cmocka_unit_test(what_cannot_be_written_is_named),
        cmocka_unit_test(backups_are_made_between_transactions),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
