/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever of job, keeper and client is killed, when and in which order: a daemon that looks afterwards learns what
 * became of the attempt, and nothing of it is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "tests/fixtures/attempt.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* Children that stay when the first process is killed, each in another way. */
static const char *const children[] = {"plain", "session", "double", "cleared", "deaf"};
enum { CHILDREN = sizeof children / sizeof *children };
static const char script[] =
    "echo $$ >first\n"
    "sh -c 'echo $$ >plain; exec sleep 1000' &\n"
    "setsid sh -c 'echo $$ >session; exec sleep 1000' &\n"
    "(setsid sh -c 'echo $$ >double; exec sleep 1000' &)\n"
    "setsid env -i /bin/sh -c 'echo $$ >cleared; exec sleep 1000' &\n"
    "(trap '' TERM HUP INT; sh -c 'echo $$ >deaf; exec sleep 1000' &)\n"
    "for f in plain session double cleared deaf; do while [ ! -s $f ]; do sleep 0.01; done; done\n"
    "echo >ready\n"
    "exec sleep 1000";

static void kill_exactly(pid_t pid, int number) {
    assert_true(pid > 1);
    assert_int_equal(kill(pid, number), 0);
}

/* What a daemon does that has just been started. Returns what the attempt came to. */
static KeeperReport reclaim(Trial *trial) {
    KeeperReport report;
    if (trial->pidfd >= 0)
        close(trial->pidfd);
    trial->pidfd = -1;
    for (;;) {
        assert_fine(keeper_look(trial->state, trial->job.id, 1, &report));
        if (report.state != KEEPER_RUNS)
            break;
        struct pollfd event = {.fd = report.pidfd, .events = POLLIN};
        assert_int_equal(poll(&event, 1, TRIAL_PATIENCE * 1000), 1);
        close(report.pidfd);
    }
    int left = 0;
    const double start = clock_now();
    if (report.state == KEEPER_KILLED)
        do
            assert_fine(keeper_sweep(trial->state, trial->job.id, 1, trial->attempt.epoch, &left));
        while (left && clock_now() - start < TRIAL_PATIENCE);
    assert_int_equal(left, 0);
    waitpid(trial->keeper, NULL, 0);
    return report;
}

/* No process has the attempt's lease or its descriptor. */
static void assert_none(const Trial *trial) {
    ProcessTable table;
    assert_fine(process_table_read(&table));
    int64_t *pids = calloc((size_t)table.count, sizeof *pids);
    bool *owns = calloc((size_t)table.count, sizeof *owns);
    for (int64_t i = 0; i < table.count; i++)
        pids[i] = table.list[i].pid;
    keeper_owns(trial->state, trial->job.id, 1, trial->attempt.epoch, pids, (int)table.count, owns);
    for (int64_t i = 0; i < table.count; i++)
        if (owns[i])
            fail_msg("job %lld: process %lld is left", (long long)trial->job.id, (long long)pids[i]);
    free(owns);
    free(pids);
    process_table_free(&table);
}

static pid_t start_client(void) {
    const pid_t client = fork();
    if (client == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pause();
        _exit(0);
    }
    assert_true(client > 0);
    return client;
}

static void pause_for(Random *random, double most) {
    const double seconds = random_between(random, 0, most);
    nanosleep(&(struct timespec){.tv_nsec = (long)(seconds * 1e9)}, NULL);
}

enum { JOB, KEEPER, CLIENT, VICTIMS };

/* Kills one to three of them in an order of the round's; returns which was the first, and whether the keeper was one.
 */
static int kill_some(Random *random, const pid_t pids[VICTIMS], bool *keeper) {
    int order[VICTIMS] = {JOB, KEEPER, CLIENT};
    for (int i = VICTIMS - 1; i > 0; i--) {
        const int other = (int)random_below(random, (uint32_t)i + 1), kept = order[i];
        order[i] = order[other];
        order[other] = kept;
    }
    const int count = 1 + (int)random_below(random, VICTIMS);
    *keeper = false;
    for (int i = 0; i < count; i++) {
        /* The job is the keeper's child, which may have reaped it: others may have its number then. */
        Process process;
        if (order[i] == JOB && process_read(pids[JOB], &process) && process.parent == pids[KEEPER])
            process_signal(&process, SIGKILL);
        else if (order[i] != JOB)
            kill_exactly(pids[order[i]], SIGKILL);
        *keeper = *keeper || order[i] == KEEPER;
        if (random_below(random, 2))
            pause_for(random, 0.02);
    }
    return order[0];
}

/* The job runs with all its children. */
static void a_round(void **state, int round) {
    Random random;
    Trial trial;
    pid_t pids[VICTIMS];
    int64_t gone[CHILDREN];
    bool keeper;
    random_start(&random, 16, RANDOM_TEST, 0, (uint64_t)round);
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    trial_script(&trial, state, 1000 + round, script);
    pids[CLIENT] = trial.start.client = start_client();
    trial.start.stdio = (int[]){null, null, null};
    trial.start.grace = 0.1;
    trial_start(&trial);
    close(null);
    free(trial_file(&trial, "ready"));
    for (int i = 0; i < CHILDREN; i++)
        gone[i] = trial_number(&trial, children[i]);
    pids[JOB] = (pid_t)trial_number(&trial, "first");
    pids[KEEPER] = trial.keeper;
    const int first = kill_some(&random, pids, &keeper);
    KeeperReport report = reclaim(&trial);
    assert_true(report.state == KEEPER_ENDED || (keeper && report.state == KEEPER_KILLED));
    assert_int_equal(report.pid, pids[JOB]);
    assert_true(is_gone(pids[JOB]));
    for (int i = 0; i < CHILDREN; i++)
        if (!is_gone(gone[i]))
            fail_msg("round %d: the process %s is left", round, children[i]);
    assert_none(&trial);
    if (report.state == KEEPER_ENDED && first == JOB)
        assert_true(report.end.exit == -1 && report.end.signal == SIGKILL);
    if (report.state == KEEPER_ENDED && first == CLIENT)
        assert_true(report.end.exit == -1 && (report.end.signal == SIGTERM || report.end.signal == SIGKILL));
    kill(pids[CLIENT], SIGKILL); /* not reaped yet, so the number is its own */
    assert_int_equal(waitpid(pids[CLIENT], NULL, 0), pids[CLIENT]);
    assert_fine(files_remove(trial.folder));
    trial_free(&trial);
}

/* The keeper is killed at some moment of its start: the job runs or never does, and a daemon can tell. */
static void an_early_round(void **state, int round) {
    Random random;
    Trial trial;
    char marker[TEMP_PATH * 4];
    random_start(&random, 17, RANDOM_TEST, 0, (uint64_t)round);
    trial_script(&trial, state, 5000 + round, "echo >ran; exec sleep 1000");
    trial_start(&trial);
    pause_for(&random, 0.03);
    kill_exactly(trial.keeper, SIGKILL);
    KeeperReport report = reclaim(&trial);
    assert_true(report.state == KEEPER_KILLED || report.state == KEEPER_NOT_STARTED);
    assert_none(&trial);
    snprintf(marker, sizeof marker, "%s/ran", trial.folder);
    if (report.state == KEEPER_NOT_STARTED)
        assert_false(files_exists(marker));
    assert_fine(files_remove(trial.folder));
    trial_free(&trial);
}

static void killed_in_any_order(void **state) {
    const int rounds = getenv("FOVEA_LONG") ? 500 : 4;
    for (int i = 0; i < rounds; i++)
        a_round(state, i);
}

static void killed_while_it_starts(void **state) {
    const int rounds = getenv("FOVEA_LONG") ? 500 : 8;
    for (int i = 0; i < rounds; i++)
        an_early_round(state, i);
}

/* --- What a daemon can tell -----------------------------------------------------------------------------------------
 */

static void states_of_an_attempt(void **state) {
    Trial trial;
    KeeperReport report;
    trial_script(&trial, state, 1, "exit 3");
    assert_fine(keeper_look(trial.state, 1, 1, &report)); /* it was in the database alone */
    assert_int_equal(report.state, KEEPER_NOT_STARTED);
    trial_start(&trial);
    for (int i = 0; i < 20; i++) { /* from the first moment on: a keeper that starts is never taken for none */
        assert_fine(keeper_look(trial.state, 1, 1, &report));
        assert_true(report.state == KEEPER_RUNS || report.state == KEEPER_ENDED);
        assert_true(report.state == KEEPER_ENDED || report.keeper == trial.keeper);
        if (report.pidfd >= 0)
            close(report.pidfd);
    }
    assert_refused(keeper_start(&trial.start, &(pid_t){0}, &(int){0}), EXIT_INTERNAL, "has a keeper");
    report = trial_end(&trial);
    assert_int_equal(report.state, KEEPER_ENDED);
    assert_int_equal(report.end.exit, 3);
    assert_fine(keeper_look(trial.state, 1, 2, &report)); /* another attempt of it */
    assert_int_equal(report.state, KEEPER_NOT_STARTED);
    trial_free(&trial);
}

/* The number in N.pid.json has been given to another process since. */
static void a_number_used_again(void **state) {
    Trial trial;
    char path[TEMP_PATH * 3], text[256];
    Process process;
    int left;
    trial_script(&trial, state, 2, "exit 0");
    trial_start(&trial);
    assert_int_equal(trial_end(&trial).state, KEEPER_ENDED);
    const pid_t bystander = start_client();
    assert_true(process_read(bystander, &process));
    snprintf(path, sizeof path, "%s/jobs/2/1.pid.json", trial.state);
    for (int same = 0; same < 2; same++) {
        char boot[PROCESS_BOOT];
        process_boot(boot);
        snprintf(text, sizeof text, "{\"pid\": %d, \"start\": %llu, \"boot\": \"%s\"}", bystander,
                 (unsigned long long)process.start - !same, boot);
        assert_fine(files_write(path, text, strlen(text)));
        assert_fine(keeper_sweep(trial.state, 2, 1, trial.attempt.epoch, &left));
        assert_int_equal(left, 0);
        assert_int_equal(is_gone(bystander), same);
    }
    assert_int_equal(waitpid(bystander, NULL, 0), bystander);
    trial_free(&trial);
}

/* The same start ticks before another boot are another process. */
static void another_boot(void **state) {
    Trial trial;
    char path[TEMP_PATH * 3], text[256];
    Process process;
    int left;
    trial_script(&trial, state, 3, "exit 0");
    trial_start(&trial);
    assert_int_equal(trial_end(&trial).state, KEEPER_ENDED);
    const pid_t bystander = start_client();
    assert_true(process_read(bystander, &process));
    snprintf(path, sizeof path, "%s/jobs/3/1.pid.json", trial.state);
    snprintf(text, sizeof text, "{\"pid\": %d, \"start\": %llu, \"boot\": \"earlier\"}", bystander,
             (unsigned long long)process.start);
    assert_fine(files_write(path, text, strlen(text)));
    assert_fine(keeper_sweep(trial.state, 3, 1, trial.attempt.epoch, &left));
    assert_false(is_gone(bystander));
    kill_exactly(bystander, SIGKILL);
    assert_int_equal(waitpid(bystander, NULL, 0), bystander);
    trial_free(&trial);
}

static void whose_processes_and_memory(void **state) {
    enum { PIDS = 7, HELD = 4000000 };
    Trial trial;
    bool owns[PIDS];
    trial_script(
        &trial, state, 4,
        "(setsid env -i /bin/sh -c 'echo $$ >cleared; exec sleep 1000' &)\n"
        "(setsid bash -c \"exec 240>&-; env -i sh -c 'echo \\$\\$ >bare; exec sleep 1000' & wait\" &)\n"
        "text=$(head -c 4000000 /dev/zero | tr '\\0' x); while [ ! -s cleared ] || [ ! -s bare ]; do sleep 0.01; done; "
        "echo $$ >first; read -r line <gate; echo ${#text}");
    char gate[TEMP_PATH * 4];
    snprintf(gate, sizeof gate, "%s/gate", trial.folder);
    assert_int_equal(mkfifo(gate, 0600), 0);
    trial_start(&trial);
    const int64_t first = trial_number(&trial, "first"), cleared = trial_number(&trial, "cleared");
    const int64_t bare = trial_number(&trial, "bare"); /* a child of one that has the lease, but not the descriptor */
    const pid_t outsider = trial_outsider(&trial);
    const int64_t pids[PIDS] = {getpid(), first, trial.keeper, cleared, 1, bare, outsider};
    for (int killed = 0; killed < 2; killed++) { /* with and without its keeper */
        keeper_owns(trial.state, 4, 1, trial.attempt.epoch, pids, PIDS, owns);
        for (int i = 0; i < PIDS; i++)
            assert_int_equal(owns[i], i == 1 || i == 3 || i >= 5);
        assert_in_range(keeper_memory(trial.state, 4, 1, trial.attempt.epoch), HELD, 1 << 30);
        if (!killed)
            kill_exactly(trial.keeper, SIGKILL);
        waitpid(trial.keeper, NULL, 0);
    }
    assert_int_equal(reclaim(&trial).state, KEEPER_KILLED);
    assert_true(is_gone(first) && is_gone(cleared) && is_gone(bare));
    assert_int_equal(waitpid(outsider, NULL, 0), outsider);
    assert_int_equal(keeper_memory(trial.state, 4, 1, trial.attempt.epoch), 0);
    trial_free(&trial);
}

static void a_revoked_lease(void **state) {
    Trial trial;
    char lease[TEMP_PATH * 3];
    trial_script(&trial, state, 5, "echo >ready; exec sleep 1000");
    trial_start(&trial);
    free(trial_file(&trial, "ready"));
    snprintf(lease, sizeof lease, "%s/leases/5", trial.state);
    assert_true(files_exists(lease));
    assert_fine(keeper_revoke(trial.state, 5));
    assert_fine(keeper_revoke(trial.state, 5));
    assert_false(files_exists(lease));
    trial_signal(&trial, SIGKILL);
    assert_int_equal(trial_end(&trial).end.signal, SIGKILL);
    trial_free(&trial);
}

/* --- As root: jobs of others ----------------------------------------------------------------------------------------
 */

enum { NOBODY = 65534 };

static void as_another_user(void **state) {
    if (geteuid() != 0 || !getpwuid(NOBODY)) {
        print_message("only root can become another user\n");
        skip();
    }
    Trial trial;
    assert_int_equal(chmod(((Temp *)*state)->root, 0711), 0);
    trial_script(&trial, state, 6,
                 "id -u >id; id -G >groups; grep -E 'Cap(Eff|Prm)|NoNewPrivs' /proc/self/status >status;"
                 "echo >../pool/escaped; kill -9 $PPID; ulimit -Hn >nofile; cat ../pool/jobs/6/1.start.json >secret;"
                 "cat $(echo $FOVEA_LEASE | sed 's/:[0-9]*$//') >lease; exit 5");
    trial.job.uid = NOBODY;
    trial.start.as_submitter = true;
    trial.request.limits[RLIMIT_NOFILE] = (struct rlimit){200, 300};
    assert_int_equal(chown(trial.folder, NOBODY, (gid_t)-1), 0);
    assert_int_equal(chmod(trial.state, 0711), 0);
    const gid_t root = 0; /* a group of the daemon's, which the job must not keep */
    assert_int_equal(setgroups(1, &root), 0);
    trial_start(&trial);
    KeeperReport report = trial_end(&trial);
    assert_int_equal(report.state, KEEPER_ENDED);
    assert_int_equal(report.end.exit, 5);
    char *id = trial_file(&trial, "id"), *status = trial_file(&trial, "status"), *groups = trial_file(&trial, "groups");
    char *nofile = trial_file(&trial, "nofile"), *lease = trial_file(&trial, "lease"), path[TEMP_PATH * 4];
    assert_string_equal(id, "65534\n");
    assert_string_equal(nofile, "300\n");
    assert_string_equal(lease, "106\n");
    assert_null(strstr(groups, "0\n"));
    assert_non_null(strstr(status, "CapPrm:\t0000000000000000\n"));
    assert_non_null(strstr(status, "CapEff:\t0000000000000000\n"));
    assert_non_null(strstr(status, "NoNewPrivs:\t0\n")); /* sudo works in a session */
    snprintf(path, sizeof path, "%s/escaped", trial.state);
    assert_false(files_exists(path));
    snprintf(path, sizeof path, "%s/secret", trial.folder);
    assert_int_equal(files_size(path), 0);
    free(id);
    free(status);
    free(groups);
    free(nofile);
    free(lease);
    trial_free(&trial);
    /* A number without a user is in no group. */
    trial_script(&trial, state, 7, "[ \"$(id -u) $(id -G)\" = '4242424 65534' ]");
    trial.job.uid = 4242424;
    trial.start.as_submitter = true;
    report = trial_run(&trial);
    assert_int_equal(report.end.exit, 0);
}

/* Files are read with the submitter's rights, not with root's. */
static void files_of_another_user(void **state) {
    if (geteuid() != 0 || !getpwuid(NOBODY)) {
        print_message("only root can become another user\n");
        skip();
    }
    char config[TEMP_PATH * 2];
    char *const arguments[] = {"sh", "-c", "exit 0", (char *)temp_path(state, "secret.ini", config), NULL};
    Trial trial;
    assert_fine(files_write(config, "[a]\n", 4));
    assert_int_equal(chmod(config, 0600), 0);
    assert_int_equal(chmod(((Temp *)*state)->root, 0711), 0);
    trial_make(&trial, state, 8, arguments);
    assert_fine(request_add_files(&trial.request));
    trial.job.uid = NOBODY;
    trial.start.as_submitter = true;
    assert_int_equal(chown(trial.folder, NOBODY, (gid_t)-1), 0);
    KeeperReport report = trial_run(&trial);
    assert_int_equal(report.end.exit, EXIT_DATA);
    assert_non_null(strstr(report.why, "secret.ini"));
}

int main(int argc, char **argv) {
    int code;
    if (attempt_main(argc, argv, &code))
        return code;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_of_an_attempt),   cmocka_unit_test(killed_in_any_order),
        cmocka_unit_test(killed_while_it_starts), cmocka_unit_test(a_number_used_again),
        cmocka_unit_test(another_boot),           cmocka_unit_test(whose_processes_and_memory),
        cmocka_unit_test(a_revoked_lease),        cmocka_unit_test(as_another_user),
        cmocka_unit_test(files_of_another_user),
    };
    return cmocka_run_group_tests(tests, temp_open, trial_close);
}
