/* SPDX-License-Identifier: Apache-2.0 */
/* What a job gets from its keeper, how it is stopped, what is reported, and that nothing of it is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fixtures/attempt.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* --- How it ends ----------------------------------------------------------------------------------------------------
 */

static void assert_end(KeeperReport report, int code, int number, const char *why) {
    if (report.end.exit != code || report.end.signal != number || !strstr(report.why, why))
        fail_msg("exit %d, signal %d, \"%s\" instead of %d, %d, \"%s\"", report.end.exit, report.end.signal, report.why,
                 code, number, why);
    assert_true(report.ended > 1e9 && report.ended <= clock_date());
}

static void codes_and_signals(void **state) {
    static const struct {
        const char *script;
        int exit, signal;
    } cases[] = {{"exit 0", 0, 0}, {"exit 75", 75, 0}, {"kill -9 $$", -1, SIGKILL}, {"kill -TERM $$", -1, SIGTERM}};
    Trial trial;
    for (int i = 0; i < 4; i++) {
        trial_script(&trial, state, i + 1, cases[i].script);
        assert_end(trial_run(&trial), cases[i].exit, cases[i].signal, "");
    }
}

/* As a shell has them, and each with the reason, which the log has, too. */
static void cannot_be_run(void **state) {
    char *const missing[] = {"no-such-program", NULL}, *const folder[] = {"/", NULL};
    char path[TEMP_PATH * 2];
    char *const plain[] = {(char *)temp_path(state, "plain", path), NULL};
    Trial trial;
    assert_fine(files_write(path, "", 0));
    trial_make(&trial, state, 10, missing);
    trial_start(&trial);
    assert_end(trial_end(&trial), 127, 0, "cannot run no-such-program: it is not there");
    char log[TEMP_PATH * 3], *text;
    size_t size;
    snprintf(log, sizeof log, "%s/jobs/10/log", trial.state);
    assert_fine(files_read(log, &text, &size));
    assert_non_null(strstr(text, "cannot run no-such-program"));
    free(text);
    trial_free(&trial);
    trial_make(&trial, state, 11, folder);
    assert_end(trial_run(&trial), 126, 0, "cannot run /: Permission denied");
    trial_make(&trial, state, 12, plain);
    assert_end(trial_run(&trial), 126, 0, "Permission denied");
    trial_script(&trial, state, 13, "exit 0");
    assert_fine(files_remove(trial.folder));
    assert_end(trial_run(&trial), 126, 0, "cannot change to the folder");
}

static void changed_since_submission(void **state) {
    char config[TEMP_PATH * 2];
    char *const arguments[] = {"sh", "-c", "touch ran", (char *)temp_path(state, "a.ini", config), NULL};
    Trial trial;
    assert_fine(files_write(config, "[a]\n", 4));
    trial_make(&trial, state, 20, arguments);
    assert_fine(request_add_files(&trial.request));
    assert_true(trial.request.file_count >= 2);
    assert_fine(files_write(config, "[b]\n", 4));
    trial_start(&trial);
    assert_end(trial_end(&trial), EXIT_DATA, 0, "a.ini changed since the job was submitted");
    char ran[TEMP_PATH * 3];
    snprintf(ran, sizeof ran, "%s/ran", trial.folder);
    assert_false(files_exists(ran));
    trial_free(&trial);
}

/* A megabyte of arguments arrives; more than the system takes is refused in words. */
static void long_arguments(void **state) {
    enum { WORD = 64 << 10, SOME = 16, MANY = 48 };
    char *arguments[MANY + 5] = {"sh", "-c", "echo $# ${#1} >count", "sh"}, *word = malloc(WORD + 1);
    memset(word, 'w', WORD);
    word[WORD] = '\0';
    for (int i = 0; i < SOME; i++)
        arguments[4 + i] = word;
    Trial trial;
    trial_make(&trial, state, 30, arguments);
    trial_start(&trial);
    assert_end(trial_end(&trial), 0, 0, "");
    char *count = trial_file(&trial, "count");
    assert_string_equal(count, "16 65536\n");
    free(count);
    trial_free(&trial);
    for (int i = 0; i < MANY; i++)
        arguments[4 + i] = word;
    trial_make(&trial, state, 31, arguments);
    assert_end(trial_run(&trial), 126, 0, "longer than the system allows");
    free(word);
}

/* --- What it gets ---------------------------------------------------------------------------------------------------
 */

static void assert_contains(const char *text, const char *part) {
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void environment_folder_and_limits(void **state) {
    static const char script[] = "env >env; pwd >pwd; umask >umask; ulimit -Sn >nofile; ulimit -Hn >>nofile;"
                                 "grep -E '^SigBlk|Cpus_allowed_list' /proc/self/status >status; sed -n "
                                 "'s/SigIgn:.//p' /proc/self/status >ignored; ls /proc/self/fd >fd";
    Trial trial;
    const int leaked = open("/dev/null", O_RDONLY); /* as a descriptor of the daemon's that lacks close-on-exec */
    assert_true(leaked > 2);
    setenv("CUDA_VISIBLE_DEVICES", "7", 1);
    setenv("FOVEA_GPUS", "7", 1);
    setenv("FOVEA_LEASE", "/nowhere:1", 1);
    setenv("FOVEA_MINE", "kept", 1);
    trial_script(&trial, state, 40, script);
    unsetenv("CUDA_VISIBLE_DEVICES");
    unsetenv("FOVEA_GPUS");
    unsetenv("FOVEA_LEASE");
    trial.request.umask = 027;
    trial.request.limits[RLIMIT_NOFILE].rlim_cur = 333;
    trial.request.limits[RLIMIT_NOFILE].rlim_max = 444;
    trial.start.uuids = "GPU-a,GPU-b";
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    int core = 0;
    while (!CPU_ISSET(core, &set))
        core++;
    trial.start.cores = &core;
    trial.start.core_count = 1;
    trial_start(&trial);
    assert_end(trial_end(&trial), 0, 0, "");
    close(leaked);
    char *text = trial_file(&trial, "env"), wanted[TEMP_PATH * 3];
    snprintf(wanted, sizeof wanted, "FOVEA_LEASE=%s/leases/40:140\n", trial.state);
    assert_contains(text, wanted);
    assert_contains(text, "CUDA_VISIBLE_DEVICES=GPU-a,GPU-b\n");
    assert_contains(text, "CUDA_DEVICE_ORDER=PCI_BUS_ID\n");
    assert_contains(text, "FOVEA_JOB=40\n");
    assert_contains(text, "FOVEA_GPUS=2,3\n");
    assert_contains(text, "FOVEA_MINE=kept\n");
    assert_null(strstr(text, "=7\n"));
    free(text);
    text = trial_file(&trial, "pwd");
    assert_contains(text, "/40\n");
    free(text);
    text = trial_file(&trial, "umask");
    assert_contains(text, "027\n");
    free(text);
    text = trial_file(&trial, "nofile");
    assert_string_equal(text, "333\n444\n");
    free(text);
    text = trial_file(&trial, "status");
    snprintf(wanted, sizeof wanted, "Cpus_allowed_list:\t%d\n", core);
    assert_contains(text, wanted);
    assert_contains(text, "SigBlk:\t0000000000000000\n");
    free(text);
    /* posix_spawn(3) leaves the two ignored that glibc's threads use among themselves. */
    text = trial_file(&trial, "ignored");
    assert_true(strcmp(text, "0000000180000000\n") == 0 || strcmp(text, "0000000000000000\n") == 0);
    free(text);
    text = trial_file(&trial, "fd"); /* 3 is ls' own */
    assert_string_equal(text, "0\n1\n2\n240\n3\n");
    free(text);
    trial_free(&trial);
}

/* A second attempt has its options, and its output after the first's. */
static void second_attempt(void **state) {
    char *const arguments[] = {"sh", "-c", "echo \"$@\"", "sh", "a.ini", NULL};
    Trial trial;
    trial_make(&trial, state, 41, arguments);
    trial_start(&trial);
    assert_end(trial_end(&trial), 0, 0, "");
    close(trial.pidfd);
    trial.attempt.number = 2;
    trial.start.resume = true;
    trial.start.micro_batch = 24;
    trial_start(&trial);
    assert_end(trial_end(&trial), 0, 0, "");
    char log[TEMP_PATH * 3], *text;
    size_t size;
    snprintf(log, sizeof log, "%s/jobs/41/log", trial.state);
    assert_fine(files_read(log, &text, &size));
    assert_string_equal(text, "a.ini\na.ini --resume --set train.micro_batch=24\n");
    free(text);
    struct stat info;
    snprintf(log, sizeof log, "%s/jobs/41", trial.state);
    assert_int_equal(stat(log, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    trial_free(&trial);
}

/* Others read a lease while it is valid, whatever the daemon's umask; then it is gone. */
static void lease_while_it_runs(void **state) {
    char lease[TEMP_PATH * 3], *text;
    size_t size;
    struct stat info;
    Trial trial;
    const mode_t before = umask(077);
    trial_script(&trial, state, 42, "echo >ready; read -r line <gate");
    char gate[TEMP_PATH * 3];
    snprintf(gate, sizeof gate, "%s/gate", trial.folder);
    assert_int_equal(mkfifo(gate, 0600), 0);
    trial_start(&trial);
    umask(before);
    free(trial_file(&trial, "ready"));
    snprintf(lease, sizeof lease, "%s/leases/42", trial.state);
    assert_fine(files_read(lease, &text, &size));
    assert_string_equal(text, "142\n");
    free(text);
    assert_int_equal(stat(lease, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0644);
    const int descriptor = open(gate, O_WRONLY);
    assert_int_equal(write(descriptor, "\n", 1), 1);
    close(descriptor);
    assert_end(trial_end(&trial), 0, 0, "");
    assert_false(files_exists(lease));
    trial_free(&trial);
}

/* --- How it is stopped ----------------------------------------------------------------------------------------------
 */

static void stopped_by_signals(void **state) {
    static const char traps[] = "trap 'echo >got.term; exit 75' TERM; trap 'echo >got.int' INT; echo >ready;"
                                "while :; do sleep 0.01; done";
    Trial trial;
    trial_script(&trial, state, 50, traps);
    trial_start(&trial);
    free(trial_file(&trial, "ready"));
    trial_signal(&trial, SIGINT);
    free(trial_file(&trial, "got.int"));
    trial_signal(&trial, SIGTERM);
    free(trial_file(&trial, "got.term"));
    assert_end(trial_end(&trial), 75, 0, "");
    /* One that has ended is no error. */
    trial_signal(&trial, SIGTERM);
    trial_signal(&trial, SIGKILL);
    trial_free(&trial);
    /* Right after the start, before there is a group: it must not get lost. */
    trial_script(&trial, state, 51, "sleep 1000");
    trial.start.grace = 5;
    trial_start(&trial);
    trial_signal(&trial, SIGTERM);
    assert_end(trial_end(&trial), -1, SIGTERM, "");
    trial_free(&trial);
    /* A stopped job sees it, too. */
    trial_script(&trial, state, 52, "echo >ready; kill -STOP $$; exit 3");
    trial_start(&trial);
    free(trial_file(&trial, "ready"));
    trial_signal(&trial, SIGTERM);
    KeeperReport report = trial_end(&trial);
    assert_true(report.end.signal == SIGTERM || report.end.exit == 3); /* it may not have stopped yet */
    trial_free(&trial);
}

static void killed_after_the_grace(void **state) {
    static const char deaf[] = "trap '' TERM; (trap '' TERM; sleep 1000) & echo $! >child; echo >ready; while :; do "
                               "sleep 0.01; done";
    Trial trial;
    trial_script(&trial, state, 53, deaf);
    trial.start.grace = 0.05;
    trial_start(&trial);
    free(trial_file(&trial, "ready"));
    trial_signal(&trial, SIGTERM);
    assert_end(trial_end(&trial), -1, SIGKILL, "did not end within 0.05 s of SIGTERM");
    assert_true(is_gone(trial_number(&trial, "child")));
    trial_free(&trial);
    trial_script(&trial, state, 54, deaf);
    trial_start(&trial);
    free(trial_file(&trial, "ready"));
    trial_signal(&trial, SIGKILL);
    assert_end(trial_end(&trial), -1, SIGKILL, "");
    assert_true(is_gone(trial_number(&trial, "child")));
    trial_free(&trial);
}

/* --- What it leaves -------------------------------------------------------------------------------------------------
 */

static const char *own_path(void) {
    static char path[PATH_MAX];
    assert_true(readlink("/proc/self/exe", path, sizeof path - 1) > 0);
    return path;
}

/* Those of a process that live; its first one may be a zombie. */
static int count_threads(int64_t pid) {
    char path[64];
    int count = 0;
    snprintf(path, sizeof path, "/proc/%lld/task", (long long)pid);
    DIR *directory = opendir(path);
    while (directory && readdir(directory))
        count++;
    if (directory)
        closedir(directory);
    return count > 3 ? count - 2 : 0; /* "." and "..", and one that waits to be reaped */
}

/* Children in sessions of their own, without environment, without descriptors, stopped, and a crowd. */
static void nothing_is_left(void **state) {
    static const char script[] =
        "(setsid sh -c 'echo $$ >setsid; exec sleep 1000' &)\n"
        "setsid env -i /bin/sh -c 'echo $$ >cleared; exec sleep 1000' &\n"
        "setsid env -i \"$EXE\" bare &\n"
        "(trap '' TERM HUP; sh -c 'echo $$ >deaf; exec sleep 1000' &)\n"
        "sh -c 'echo $$ >stopped; kill -STOP $$; exec sleep 1000' &\n"
        "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24; do sleep 1000 & echo $! >>crowd; "
        "done\n"
        "echo >>crowd\n"
        "setsid \"$EXE\" threads &\n"
        "for f in setsid cleared bare deaf stopped threads; do while [ ! -s $f ]; do sleep 0.01; done; done\n"
        "exit 4";
    static const char *const names[] = {"setsid", "cleared", "bare", "deaf", "stopped", "threads"};
    Trial trial;
    setenv("EXE", own_path(), 1);
    trial_script(&trial, state, 60, script);
    const pid_t outsider = trial_outsider(&trial); /* as a service of the user's that was handed the environment */
    trial_start(&trial);
    assert_end(trial_end(&trial), 4, 0, "");
    for (int i = 0; i < 6; i++)
        assert_true(is_gone(trial_number(&trial, names[i])));
    assert_int_equal(waitpid(outsider, NULL, WNOHANG), outsider);
    assert_int_equal(count_threads(trial_number(&trial, "threads")), 0);
    char *crowd = trial_file(&trial, "crowd");
    int count = 0;
    for (char *at = crowd, *end; *at != '\n'; at = end + 1, count++) {
        const int64_t pid = strtoll(at, &end, 10);
        assert_true(is_gone(pid));
    }
    assert_int_equal(count, 24);
    free(crowd);
    trial_free(&trial);
}

/* A process that forks and ends at once is never seen twice. */
static void nothing_gets_away(void **state) {
    char *const arguments[] = {"sh", "-c", "setsid \"$0\" chain & while [ ! -s chain ]; do sleep 0.01; done",
                               (char *)own_path(), NULL};
    Trial trial;
    trial_make(&trial, state, 61, arguments);
    trial_start(&trial);
    assert_end(trial_end(&trial), 0, 0, "");
    char survived[TEMP_PATH * 3];
    snprintf(survived, sizeof survived, "%s/survived", trial.folder);
    assert_false(files_exists(survived)); /* it did not end by itself */
    trial_free(&trial);
}

/* The first thread ends, the others go on: such a process shows as a zombie, and is none. */
static void *sleep_long(void *unused) {
    sleep(1000);
    return unused;
}

static void write_number(const char *path) {
    char text[32];
    const int length = snprintf(text, sizeof text, "%d\n", (int)getpid());
    const int descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (descriptor < 0 || write(descriptor, text, (size_t)length) != length)
        _exit(1);
    close(descriptor);
}

static int live_as_zombie(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, sleep_long, NULL) != 0)
        return 1;
    write_number("threads");
    pthread_exit(NULL);
}

static int live_bare(void) {
    for (int descriptor = 3; descriptor < 1024; descriptor++)
        close(descriptor);
    write_number("bare");
    sleep(1000);
    return 0;
}

/* Ends by itself after a few seconds, should the keeper fail. */
static int live_as_chain(void) {
    write_number("chain");
    for (const double start = clock_now(); clock_now() - start < 10;) {
        const pid_t child = fork();
        if (child != 0)
            _exit(0);
        setsid(); /* nor is its group */
    }
    write_number("survived");
    return 0;
}

/* --- In the foreground ----------------------------------------------------------------------------------------------
 */

static void in_the_foreground(void **state) {
    int in[2], out[2];
    char text[64] = "";
    Trial trial;
    assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
    trial_script(&trial, state, 70, "read -r line; echo \"got $line\"; echo err >&2");
    trial.start.stdio = (int[]){in[0], out[1], out[1]};
    trial_start(&trial);
    close(in[0]);
    close(out[1]);
    assert_int_equal(write(in[1], "word\n", 5), 5);
    close(in[1]);
    size_t size = 0;
    for (ssize_t got; (got = read(out[0], text + size, sizeof text - 1 - size)) > 0;) /* to its end: nobody holds it */
        size += (size_t)got;
    close(out[0]);
    assert_string_equal(text, "got word\nerr\n");
    assert_end(trial_end(&trial), 0, 0, "");
    trial_free(&trial);
}

static void with_a_terminal(void **state) {
    Trial trial;
    const int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(master >= 0);
    assert_int_equal(grantpt(master) | unlockpt(master), 0);
    const int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(slave >= 0);
    /* Its own terminal, in its foreground: a background group would be stopped when it reads. */
    trial_script(&trial, state, 71,
                 "read -r a b c d e f g foreground h </proc/self/stat; echo $foreground $$ >groups; read -r line "
                 "</dev/tty; echo \"$line\" >line");
    trial.start.stdio = (int[]){slave, slave, slave};
    trial.start.terminal = true;
    trial_start(&trial);
    close(slave);
    assert_int_equal(write(master, "typed\n", 6), 6);
    assert_end(trial_end(&trial), 0, 0, "");
    char *line = trial_file(&trial, "line"), *groups = trial_file(&trial, "groups");
    assert_string_equal(line, "typed\n");
    int64_t foreground, own;
    assert_int_equal(sscanf(groups, "%ld %ld", &foreground, &own), 2);
    assert_int_equal(foreground, own);
    free(line);
    free(groups);
    close(master);
    trial_free(&trial);
}

/* A client that is gone takes its job along. */
static void without_its_client(void **state) {
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    Trial trial;
    const pid_t client = fork();
    if (client == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pause();
        _exit(0);
    }
    trial_script(&trial, state, 72, "trap 'exit 75' TERM; echo >ready; while :; do sleep 0.01; done");
    trial.start.stdio = (int[]){null, null, null};
    trial.start.client = client;
    trial_start(&trial);
    free(trial_file(&trial, "ready"));
    assert_int_equal(kill(client, SIGKILL), 0);
    assert_end(trial_end(&trial), 75, 0, "its client ended");
    assert_int_equal(waitpid(client, NULL, 0), client);
    trial_free(&trial);
    /* It was gone before. */
    trial_script(&trial, state, 73, "exit 0");
    trial.start.client = client;
    assert_fine(request_print(&trial.request, &trial.job.request));
    assert_refused(keeper_start(&trial.start, &trial.keeper, &trial.pidfd), EXIT_REFUSED, "client of job 73");
    KeeperReport report;
    assert_fine(keeper_look(trial.state, 73, 1, &report));
    assert_int_equal(report.state, KEEPER_NOT_STARTED);
    trial_free(&trial);
    close(null);
}

int main(int argc, char **argv) {
    int code;
    if (attempt_main(argc, argv, &code))
        return code;
    if (argc == 2 && strcmp(argv[1], "threads") == 0)
        return live_as_zombie();
    if (argc == 2 && strcmp(argv[1], "bare") == 0)
        return live_bare();
    if (argc == 2 && strcmp(argv[1], "chain") == 0)
        return live_as_chain();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_and_signals),
        cmocka_unit_test(cannot_be_run),
        cmocka_unit_test(changed_since_submission),
        cmocka_unit_test(long_arguments),
        cmocka_unit_test(environment_folder_and_limits),
        cmocka_unit_test(second_attempt),
        cmocka_unit_test(lease_while_it_runs),
        cmocka_unit_test(stopped_by_signals),
        cmocka_unit_test(killed_after_the_grace),
        cmocka_unit_test(nothing_is_left),
        cmocka_unit_test(nothing_gets_away),
        cmocka_unit_test(in_the_foreground),
        cmocka_unit_test(with_a_terminal),
        cmocka_unit_test(without_its_client),
    };
    return cmocka_run_group_tests(tests, temp_open, trial_close);
}
