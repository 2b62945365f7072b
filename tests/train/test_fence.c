/* SPDX-License-Identifier: Apache-2.0 */
/* A run whose lease the pool takes away writes no further checkpoint, wherever it is at that moment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fixtures/short_run.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

/* When the lease is lost: never, when the first checkpoint has its name, or while its files are being written. */
typedef enum { NEVER, AFTER_FIRST, WITHIN_FIRST } Loss;
static struct {
    char *lease;
    Loss loss;
    int signal; /* that the run gets at that moment; 0: none */
} plan;

static void lose_lease(void) {
    const int descriptor = open(plan.lease, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(syscall(SYS_write, descriptor, "8\n", 2), 2);
    close(descriptor);
    plan.loss = NEVER;
    if (plan.signal)
        kill(getpid(), plan.signal);
}

/* These take the place of the C library's. */
int rename(const char *from, const char *to) {
    const int result = renameat(AT_FDCWD, from, AT_FDCWD, to);
    if (plan.loss == AFTER_FIRST && strstr(to, "/step-3"))
        lose_lease();
    return result;
}

int fsync(int descriptor) {
    char link[64], path[512] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    (void)!readlink(link, path, sizeof path - 1);
    if (plan.loss == WITHIN_FIRST && strstr(path, "step-3"))
        lose_lease();
    return (int)syscall(SYS_fsync, descriptor);
}

/* A run of six steps with a checkpoint every three, the last of them the best. */
static void run_under_lease(const char *root, Loss loss, int signal, const char *sets, ExitCode code) {
    const TrainOptions options = {.config_path = "short.ini", .force = true, .waits = true};
    char *lease = scratch_path(root, "lease"), *variable = printed_path("%s:7", lease);
    Config config;
    scratch_write(root, "lease", "7\n", 2);
    setenv("FOVEA_LEASE", variable, 1);
    plan.lease = lease;
    plan.loss = loss;
    plan.signal = signal;
    short_run_config(root, sets, &config);
    Status status = train_run(&config, &options);
    assert_int_equal(status_code(status), code);
    if (code)
        assert_non_null(strstr(status_message(status), lease));
    status_free(status);
    unsetenv("FOVEA_LEASE");
    free(variable);
    free(lease);
}

static bool has_checkpoint(const char *root, const char *name) {
    char *path = printed_path("%s/run/ckpt/%s", root, name);
    const bool found = access(path, F_OK) == 0;
    free(path);
    return found;
}

static void a_valid_lease_changes_nothing(void **state) {
    run_under_lease(*state, NEVER, 0, "", EXIT_OK);
    assert_true(has_checkpoint(*state, "step-3") && has_checkpoint(*state, "step-6"));
}

/* The next checkpoint, the last and that of a signal are the same to it. */
static void none_after_the_loss(void **state) {
    static const int signals[] = {0, SIGTERM, SIGUSR1};
    for (int i = 0; i < 3; i++) {
        run_under_lease(*state, AFTER_FIRST, signals[i], i ? "train.steps=60" : "", EXIT_REFUSED);
        assert_true(has_checkpoint(*state, "step-3"));
        assert_false(has_checkpoint(*state, "step-6"));
        char *folder = scratch_path(*state, "run"), *latest = scratch_path(folder, "ckpt/latest"), target[64] = "";
        assert_true(readlink(latest, target, sizeof target - 1) > 0);
        assert_string_equal(target, "step-3");
        cJSON *record = short_run_json(folder, "run.json");
        assert_string_equal(cJSON_GetObjectItemCaseSensitive(record, "status")->valuestring, "failed");
        assert_true(short_run_number(record, "exit_code") == EXIT_REFUSED);
        cJSON_Delete(record);
        free(latest);
        free(folder);
    }
}

/* Nor does it compute on to the checkpoint after, of which it would hear that the one before could not be written. */
static void the_run_ends_at_once(void **state) {
    run_under_lease(*state, AFTER_FIRST, 0, "train.steps=60", EXIT_REFUSED);
    char *folder = scratch_path(*state, "run");
    cJSON *lines = short_run_lines(folder, "loss");
    assert_int_equal(cJSON_GetArraySize(lines), 6);
    cJSON_Delete(lines);
    free(folder);
}

/* What was complete on the disk but for its name does not get it. */
static void none_that_was_being_written(void **state) {
    run_under_lease(*state, WITHIN_FIRST, 0, "", EXIT_REFUSED);
    assert_false(has_checkpoint(*state, "step-3"));
    assert_false(has_checkpoint(*state, ".step-3.part"));
    assert_false(has_checkpoint(*state, "latest"));
}

/* A run under a lease that is lost already leaves the directory as it was. */
static void none_is_begun(void **state) {
    run_under_lease(*state, NEVER, 0, "", EXIT_OK);
    const TrainOptions options = {.config_path = "short.ini", .force = true};
    Config config;
    char *lease = scratch_path(*state, "lease"), *variable = printed_path("%s:6", lease);
    setenv("FOVEA_LEASE", variable, 1);
    short_run_config(*state, "", &config);
    Status status = train_run(&config, &options);
    assert_int_equal(status_code(status), EXIT_REFUSED);
    status_free(status);
    unsetenv("FOVEA_LEASE");
    assert_true(has_checkpoint(*state, "step-6"));
    free(variable);
    free(lease);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_valid_lease_changes_nothing),
        cmocka_unit_test(none_after_the_loss),
        cmocka_unit_test(the_run_ends_at_once),
        cmocka_unit_test(none_that_was_being_written),
        cmocka_unit_test(none_is_begun),
    };
    return cmocka_run_group_tests(tests, short_run_open, short_run_close);
}
