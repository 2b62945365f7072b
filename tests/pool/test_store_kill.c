/* SPDX-License-Identifier: Apache-2.0 */
/* kill -9 of the process that has the pool's database open, within each of its writes: what it had committed is there,
 * and of what it had not nothing. FOVEA_LONG kills in every write, otherwise in some. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pool/database/statement.h"
#include "tests/fixtures/temp.h"
#include "tests/pool/disk_hook.h"
#include "tests/pool/pool_jobs.h"

#include <sys/wait.h>

enum { GPUS = 3, STEPS = 24 };

/* --- The script: what a pool does, a transaction a step --------------------------------------------------------------
 */

static Status submit_job(Store *store, int step) {
    Job job = make_job(step);
    AuditLine line = {.time = step, .uid = job.uid, .user = job.user, .action = "submit", .what = "job", .detail = ""};
    /* Larger than a page, so that a transaction takes several writes. */
    free(job.request);
    job.request = calloc(1, 9000);
    memset(job.request, 'a' + step % 26, 8999);
    Status status = store_add_job(store, &job);
    if (!status)
        status = store_add_audit(store, &line);
    job_free(&job);
    return status;
}

static Status change_job(Store *store, int64_t id, JobState state, int attempts) {
    Job job;
    bool found;
    TRY(store_get_job(store, id, &job, &found));
    job.state = state;
    job.attempts = attempts;
    Status status = found ? store_put_job(store, &job) : status_error(EXIT_DATA, "job %d is lost", (int)id);
    job_free(&job);
    return status;
}

static Status start_job(Store *store, int64_t id, int gpu, double now) {
    Attempt attempt = {.job = id, .number = 1, .gpus = {gpu}, .gpu_count = 1, .from = now, .end.exit = -1};
    LedgerLine line = {.gpu = gpu, .from = now, .what = LEDGER_HELD, .job = id};
    TRY(store_next_epoch(store, &attempt.epoch));
    line.epoch = attempt.epoch;
    TRY(store_take_lease(store, gpu, id, attempt.epoch));
    TRY(store_put_attempt(store, &attempt));
    TRY(store_put_ledger(store, &line));
    return change_job(store, id, JOB_RUNNING, 1);
}

typedef struct {
    int64_t job;
    Attempt attempt;
} Found;

static Status find_attempt(void *context, const Attempt *attempt) {
    ((Found *)context)->attempt = *attempt;
    return NULL;
}

static Status end_job(Store *store, int64_t id, double now) {
    Found found = {.job = id};
    LookRound round = {.verdict = LOOK_IDLE};
    TRY(store_each_attempt(store, id, true, find_attempt, &found));
    found.attempt.to = now;
    found.attempt.end.exit = 0;
    const int gpu = found.attempt.gpus[0];
    LedgerLine line = {.gpu = gpu, .from = now, .what = LEDGER_IDLE, .uid = -1, .reason = "no job waits"};
    round.gpu = gpu;
    TRY(store_put_attempt(store, &found.attempt));
    TRY(store_drop_lease(store, gpu));
    TRY(store_put_ledger(store, &line));
    TRY(store_add_look(store, &round));
    return change_job(store, id, JOB_DONE, 1);
}

/* Jobs 1 to 8 start one step after they came and end two steps later, on three GPUs in turn. */
static Status change_store(Store *store, int step) {
    const int id = step / 3 + 1, gpu = id % GPUS;
    switch (step % 3) {
    case 0:
        return submit_job(store, step);
    case 1:
        return start_job(store, id, gpu, step);
    default:
        return end_job(store, id, step);
    }
}

static Status run_step(Store *store, int step) {
    if (step % 10 == 7)
        TRY(store_backup(store));
    TRY(store_begin(store));
    Status status = change_store(store, step);
    Status committed = store_commit(store);
    status_free(status); /* is what the commit returns */
    return committed;
}

/* --- The process that is killed --------------------------------------------------------------------------------------
 */

/* Reports each commit by a byte. Ends with SIGKILL in a write, or after all of them. */
static void run_child(const char *path, int report, const DiskHook *hook) {
    Store *store;
    disk_hook_set();
    disk_hook = *hook;
    Status status = store_open(&store, path);
    /* Every few transactions pages go from the log to the file: those writes are cut off, too. */
    if (!status)
        status = statement_execute(store, "PRAGMA wal_autocheckpoint = 20");
    for (int step = 0; !status && step < STEPS; step++) {
        status = run_step(store, step);
        if (!status && write(report, "c", 1) != 1)
            _exit(98);
    }
    if (status)
        fprintf(stderr, "%s\n", status_message(status));
    else
        store_close(store);
    dprintf(report, "%ld", disk_hook.writes);
    _exit(status ? 99 : 0);
}

/* Runs the script; *commits that it reported, and its writes if it lived to the end, else 0. */
static long run_until_killed(const char *path, const DiskHook *hook, int *commits) {
    int report[2], status;
    char text[STEPS + 32] = "";
    size_t length = 0;
    ssize_t got;
    assert_int_equal(pipe(report), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        close(report[0]);
        run_child(path, report[1], hook);
    }
    close(report[1]);
    while (length + 1 < sizeof text && (got = read(report[0], text + length, sizeof text - 1 - length)) > 0)
        length += (size_t)got;
    close(report[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    *commits = (int)strspn(text, "c");
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGKILL);
        return 0;
    }
    assert_int_equal(WEXITSTATUS(status), 0);
    return strtol(text + *commits, NULL, 10);
}

/* --- What must hold afterwards ------------------------------------------------------------------------------------ */

typedef struct {
    double from, to;
    int64_t epoch;
} LastLine;

static Status check_line(void *context, const LedgerLine *line) {
    LastLine *last = &((LastLine *)context)[line->gpu];
    assert_true(last->from == 0 || line->from == last->to); /* without gap and overlap */
    assert_true(line->to == 0 || line->to > line->from);
    if (line->epoch) {
        assert_true(line->epoch > last->epoch);
        last->epoch = line->epoch;
    }
    last->from = line->from;
    last->to = line->to;
    return NULL;
}

static Status check_lease(void *context, int gpu, int64_t job, int64_t epoch) {
    int *holders = context;
    (void)job;
    (void)epoch;
    assert_int_equal(holders[gpu]++, 0);
    return NULL;
}

static void assert_invariants(Store *store) {
    LastLine lines[GPUS] = {0};
    int holders[GPUS] = {0};
    assert_fine(store_each_ledger(store, check_line, lines));
    assert_fine(store_each_lease(store, check_lease, holders));
}

/* The database after each number of steps, by a run in memory. */
static void record_states(char *states[STEPS + 1]) {
    Store *store;
    assert_fine(store_open(&store, ":memory:"));
    for (int step = 0; step <= STEPS; step++) {
        states[step] = print_store(store);
        if (step < STEPS) {
            assert_fine(store_begin(store));
            assert_fine(change_store(store, step));
            assert_fine(store_commit(store));
        }
    }
    store_close(store);
}

/* All that was reported is there; of the next step all or nothing. And it goes on to the end. */
static void assert_survives(const char *path, char *const states[], int commits, bool killed) {
    Store *store;
    assert_fine(store_open(&store, path));
    assert_invariants(store);
    char *text = print_store(store);
    int step = commits;
    if (killed && commits < STEPS && strcmp(text, states[commits]) != 0)
        step++;
    assert_string_equal(text, states[step]);
    free(text);
    for (; step < STEPS; step++)
        assert_fine(run_step(store, step));
    text = print_store(store);
    assert_string_equal(text, states[STEPS]);
    free(text);
    store_close(store);
}

/* A backup, where there is one, is whole. */
static void assert_backup(const char *path, const char *suffix) {
    char backup[TEMP_PATH * 3];
    Store *store;
    snprintf(backup, sizeof backup, "%s%s", path, suffix);
    if (!files_exists(backup))
        return;
    assert_fine(store_open(&store, backup));
    assert_invariants(store);
    store_close(store);
}

static void a_kill_within_any_write_loses_nothing(void **state) {
    char *states[STEPS + 1], folder[TEMP_PATH * 2], path[TEMP_PATH * 2 + 16];
    const bool all = getenv("FOVEA_LONG") != NULL;
    const long stride = 17;
    int commits;
    long writes = 0;
    record_states(states);
    temp_path(state, "writes", folder);
    snprintf(path, sizeof path, "%s/pool.db", folder);
    /* Once without a kill: as many writes as there are to die in. */
    for (long at = 0; at <= writes; at += at ? (all ? 1 : stride) : 1)
        for (int part = 0; part < (all && at ? 2 : 1); part++) {
            const DiskHook hook = {.die_at = at, .part = (int)(at + 2 * part) % 4};
            assert_fine(files_make_directory(folder));
            const long counted = run_until_killed(path, &hook, &commits);
            if (!at)
                writes = counted;
            assert_survives(path, states, commits, at > 0);
            assert_backup(path, ".bak");
            assert_fine(files_remove(folder));
        }
    assert_true(writes > 100); /* there was something to die in */
    for (int i = 0; i <= STEPS; i++)
        free(states[i]);
}

/* Opens with one more upgrade than this program has, and dies in a write; returns the writes of one that lived. */
static long upgrade_until_killed(const char *path, const Schema *schema, long die_at) {
    int report[2], status;
    long writes = 0;
    assert_int_equal(pipe(report), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        Store *store;
        disk_hook_set();
        disk_hook = (DiskHook){.die_at = die_at, .part = (int)(die_at % 4)};
        Status opened = store_open_schema(&store, path, schema);
        if (!opened)
            store_close(store);
        _exit(opened || write(report[1], &disk_hook.writes, sizeof writes) != sizeof writes ? 99 : 0);
    }
    close(report[1]);
    if (read(report[0], &writes, sizeof writes) != sizeof writes)
        writes = 0;
    close(report[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
    return writes;
}

static void a_kill_within_an_upgrade_loses_nothing(void **state) {
    const char *upgrades[16];
    const int version = schema_of_pool.version;
    const bool all = getenv("FOVEA_LONG") != NULL;
    char folder[TEMP_PATH * 2], path[TEMP_PATH * 2 + 16], suffix[16], *content, *wanted;
    size_t size;
    Store *store;
    for (int i = 0; i < version; i++)
        upgrades[i] = schema_of_pool.upgrades[i];
    upgrades[version] = "ALTER TABLE jobs ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'; UPDATE jobs SET colour = name;"
                        "UPDATE requests SET request = request || ' ';";
    const Schema schema = {upgrades, version + 1};
    snprintf(suffix, sizeof suffix, ".v%d.bak", version);
    temp_path(state, "upgrade", folder);
    snprintf(path, sizeof path, "%s/pool.db", folder);
    assert_fine(files_make_directory(folder));
    assert_fine(store_open(&store, path));
    for (int step = 0; step < STEPS; step++)
        assert_fine(run_step(store, step));
    store_close(store);
    assert_fine(files_read(path, &content, &size));
    long writes = upgrade_until_killed(path, &schema, 0);
    assert_true(writes > 30);
    assert_fine(store_open_schema(&store, path, &schema));
    wanted = print_store(store);
    store_close(store);
    for (long at = 1; at <= writes; at += all ? 1 : 11) {
        assert_fine(files_remove(folder));
        assert_fine(files_make_directory(folder));
        assert_fine(files_write(path, content, size));
        assert_int_equal(upgrade_until_killed(path, &schema, at), 0);
        assert_backup(path, suffix);
        assert_fine(store_open_schema(&store, path, &schema));
        assert_invariants(store);
        char *text = print_store(store);
        assert_string_equal(text, wanted);
        free(text);
        store_close(store);
    }
    free(wanted);
    free(content);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kill_within_any_write_loses_nothing),
        cmocka_unit_test(a_kill_within_an_upgrade_loses_nothing),
    };
    /* A kill does not lose what the system has taken, so that a disk's syncs would only cost time. */
    if (access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 1);
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
