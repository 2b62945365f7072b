/* SPDX-License-Identifier: Apache-2.0 */
/* What a trainer is asked, and how its answer is read; a script stands in for it. tests/e2e/plan.sh has what ./train
 * itself answers. */
#include "pool/sweep/plan.h"
#include "tests/fixtures/check.h"
#include "tests/fixtures/temp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/stat.h>

static char *no_environment[] = {(char *)"PATH=/usr/bin:/bin", NULL};

/* Writes the script `train` into the test's folder. */
static void write_script(void **state, const char *text, char path[TEMP_PATH * 2]) {
    assert_fine(files_write(temp_path(state, "train", path), text, strlen(text)));
    assert_int_equal(chmod(path, 0755), 0);
}

static const char answer[] =
    "printf '%s ' \"$@\" >asked\n"
    "cat <<END\n"
    "{\"fits\": false, \"run_dir\": \"runs/a\", \"device\": {\"shares_host_memory\": SHARED},\n"
    "\"device_memory\": {\"total\": 3000000000}, \"host_memory\": {\"total\": 200},\n"
    "\"disk\": {\"checkpoint\": 10, \"kept\": 3, \"total\": 50}, \"steps\": null, \"global_batch\": 16,\n"
    "\"micro_batch\": 8, \"threads\": 2, \"config_hash\": \"0123456789abcdef\", \"data_hash\": \"1\","
    "\"identity\": \"fedcba9876543210\"}\nEND\nexit 76\n";

static void the_answer_is_read(void **state) {
    char path[TEMP_PATH * 2], script[2048], asked[TEMP_PATH * 2], *text;
    const char *folder = ((Temp *)*state)->root;
    size_t size;
    Plan plan;
    for (int shared = 0; shared < 2; shared++) {
        snprintf(script, sizeof script, "#!/bin/sh\n%s", answer);
        memcpy(strstr(script, " SHARED}"), shared ? "  true }" : " false }", 8);
        write_script(state, script, path);
        char *command[] = {path,
                           (char *)"--resume",
                           (char *)"--set",
                           (char *)"run.dir=a.ini",
                           (char *)"c.ini",
                           (char *)"--set=a.b=1",
                           (char *)"--until",
                           (char *)"5",
                           NULL};
        assert_fine(plan_read(command, folder, no_environment, &plan));
        assert_true(plan.trainer && !plan.fits);
        assert_int_equal(plan.gpu_memory, shared ? 0 : 3000000000);
        assert_int_equal(plan.host_memory, shared ? 3000000200 : 200);
        assert_true(plan.checkpoint == 10 && plan.disk == 50 && plan.steps == 0 && plan.micro_batch == 8);
        assert_true(plan.global_batch == 16 && plan.threads == 2);
        assert_string_equal(plan.config_hash, "0123456789abcdef");
        assert_string_equal(plan.data_hash, "1");
        assert_string_equal(plan.identity, "fedcba9876543210");
        assert_string_equal(plan.run_dir + strlen(folder), "/runs/a");
        plan_free(&plan);
        /* The options of a run are left out. */
        assert_fine(files_read(temp_path(state, "asked", asked), &text, &size));
        assert_string_equal(text, "c.ini --set run.dir=a.ini --set=a.b=1 --plan --json ");
        free(text);
    }
}

/* One that the trainer does not know is opened by it. */
static void it_plans_for_the_gpu_by_name(void **state) {
    char path[TEMP_PATH * 2], asked[TEMP_PATH * 2], *text;
    const char *folder = ((Temp *)*state)->root;
    size_t size;
    Plan plan;
    write_script(state,
                 "#!/bin/sh\necho \"$@\" >>asked\n"
                 "case \"$*\" in *odd*) echo 'train: unknown GPU odd' >&2; exit 64 ;; esac\n"
                 "echo '{\"fits\": true, \"identity\": \"x\"}'\n",
                 path);
    assert_fine(files_remove(temp_path(state, "asked", asked)));
    char *command[] = {path, (char *)"c.ini", NULL};
    assert_fine(plan_read_for("NVIDIA H200", command, folder, no_environment, &plan));
    assert_true(plan.trainer && plan.fits);
    plan_free(&plan);
    assert_fine(plan_read_for("odd", command, folder, no_environment, &plan));
    assert_true(plan.trainer);
    plan_free(&plan);
    assert_fine(files_read(asked, &text, &size));
    assert_string_equal(text, "c.ini --plan --json --gpu NVIDIA H200\nc.ini --plan --json --gpu odd\n"
                              "c.ini --plan --json\n");
    free(text);
}

static void a_failure_is_the_programs_own(void **state) {
    char path[TEMP_PATH * 2];
    Plan plan;
    write_script(state, "#!/bin/sh\necho note >&2\necho 'train: c.ini:3: unknown key' >&2\nexit 64\n", path);
    char *command[] = {path, (char *)"c.ini", NULL};
    assert_refused(plan_read(command, NULL, no_environment, &plan), EXIT_USAGE, "c.ini:3: unknown key");
    assert_false(plan.trainer);
    write_script(state, "#!/bin/sh\nkill -9 $$\n", path);
    assert_refused(plan_read(command, NULL, no_environment, &plan), 137, "no message");
    assert_int_equal(chmod(path, 0644), 0);
    assert_refused(plan_read(command, NULL, no_environment, &plan), 126, "cannot run");
    assert_fine(files_remove(path));
    assert_refused(plan_read(command, NULL, no_environment, &plan), 127, "cannot run");
}

static void other_programs_are_not_asked(void **state) {
    char path[TEMP_PATH * 2];
    Plan plan;
    char *commands[][3] = {{(char *)"sh", (char *)"c.ini"},
                           {(char *)"train", (char *)"c.txt"},
                           {(char *)"train", (char *)".ini"},
                           {(char *)"train"},
                           {NULL}};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        assert_false(plan_is_trainer(commands[i]));
        assert_fine(plan_read(commands[i], NULL, no_environment, &plan));
        assert_false(plan.trainer);
    }
    /* One that is called so and does not answer. */
    write_script(state, "#!/bin/sh\necho trained\n", path);
    char *command[] = {path, (char *)"c.ini", NULL};
    assert_fine(plan_read(command, NULL, no_environment, &plan));
    assert_false(plan.trainer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_is_read),
        cmocka_unit_test(it_plans_for_the_gpu_by_name),
        cmocka_unit_test(a_failure_is_the_programs_own),
        cmocka_unit_test(other_programs_are_not_asked),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
