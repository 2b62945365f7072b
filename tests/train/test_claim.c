/* SPDX-License-Identifier: Apache-2.0 */
/* Claiming a run directory: who may use one, and what a resumed run may change. */
#include "tests/fixtures/train_fixture.h"

#include "tests/fixtures/printed_path.h"
#include "train/run/claim.h"

static const char stored[] = "[data]\ntrain = a\nval = b\nworkers = 2\n\n[train]\nsteps = 9\nmicro_batch = 4\n\n"
                             "[optim]\nbase_lr = 0.1\nextend = stretch\nbeta1 = 0.9\n\n"
                             "[probe]\nlabel = grade\n\n[log]\nevery = 10\n\n[guard]\naction = stop\nspike = 3\n";

/* `stored` with one line exchanged. */
static char *with(const char *from, const char *to) {
    const char *at = strstr(stored, from);
    assert_non_null(at);
    char *text = printed_path("%.*s%s%s", (int)(at - stored), stored, to, at + strlen(from));
    assert_non_null(text);
    return text;
}

static void a_resumed_run_may_change_little(void **state) {
    (void)state;
    static const struct {
        const char *from, *to, *refused;
        bool validation, length;
    } cases[] = {
        {"workers = 2", "workers = 2", NULL, false, false},
        {"workers = 2", "workers = 7", NULL, false, false},
        {"train = a", "train = elsewhere", NULL, false, false},
        {"val = b", "val =", NULL, true, false},
        {"label = grade", "label = age", NULL, true, false},
        {"every = 10", "every = 1", NULL, false, false},
        {"action = stop", "action = skip", NULL, false, false},
        {"micro_batch = 4", "micro_batch = 2", NULL, false, false},
        {"steps = 9", "steps = 12", NULL, false, true},
        {"extend = stretch", "extend = hold", NULL, false, true},
        {"spike = 3", "spike = 4", "guard.spike = 4", false, false},
        {"base_lr = 0.1", "base_lr = 0.2", "optim.base_lr = 0.2", false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *wanted = with(cases[i].from, cases[i].to);
        ClaimChanges changes = {.validation = !cases[i].validation, .length = !cases[i].length};
        if (cases[i].refused)
            assert_refused(claim_compare(stored, wanted, "run/config.ini", &changes), EXIT_USAGE, cases[i].refused);
        else
            assert_fine(claim_compare(stored, wanted, "run/config.ini", &changes));
        if (!cases[i].refused)
            assert_true(changes.validation == cases[i].validation && changes.length == cases[i].length);
        free(wanted);
    }
}

static void a_resumed_run_may_be_longer(void **state) {
    (void)state;
    static const struct {
        int64_t before, schedule; /* 0: no run before */
        bool hold;
        int64_t total, wanted; /* 0: refused */
        const char *refused;
    } cases[] = {
        {0, 0, false, 10, 10, NULL},
        {0, 0, true, 10, 10, NULL},
        {10, 10, false, 10, 10, NULL},
        {10, 10, true, 10, 10, NULL},
        {10, 10, false, 15, 15, NULL},
        {10, 10, true, 15, 10, NULL},
        {15, 10, true, 15, 10, NULL},
        {15, 10, true, 20, 10, NULL},
        {15, 10, false, 20, 20, NULL},
        {15, 15, true, 20, 15, NULL},
        {15, 10, false, 15, 0, "keeps the learning rate of step 10"},
        {15, 15, false, 14, 0, "the run has 15 steps, and with this configuration it would have 14"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const RunSummary earlier = {.total_steps = cases[i].before, .schedule_steps = cases[i].schedule};
        int64_t schedule;
        if (cases[i].refused) {
            assert_refused(claim_length(&earlier, cases[i].hold, cases[i].total, &schedule), EXIT_USAGE,
                           cases[i].refused);
            continue;
        }
        assert_fine(claim_length(&earlier, cases[i].hold, cases[i].total, &schedule));
        assert_int_equal(schedule, cases[i].wanted);
    }
}

/* The values differ in their last byte alone, after as many as there are in the longest list of paths. */
static void long_lines_are_compared_whole(void **state) {
    (void)state;
    static const char *const keys[] = {"[data]\ntrain = ", "[data]\nval = ", "[optim]\nbeta1 = "};
    char *old = malloc(CONFIG_PATHS + 64), *new = malloc(CONFIG_PATHS + 64);
    assert_true(old && new);
    for (int i = 0; i < 3; i++) {
        ClaimChanges changes;
        for (int n = 0; n < 2; n++) {
            char *text = n ? new : old;
            const size_t length = strlen(keys[i]);
            memcpy(text, keys[i], length);
            memset(text + length, 'p', CONFIG_PATHS);
            snprintf(text + length + CONFIG_PATHS - 1, 8, "%d\n", n);
        }
        if (i == 2)
            assert_refused(claim_compare(old, new, "run/config.ini", &changes), EXIT_USAGE, "optim.beta1 = ppp");
        else
            assert_fine(claim_compare(old, new, "run/config.ini", &changes));
        if (i != 2)
            assert_int_equal(changes.validation, i == 1);
    }
    free(old);
    free(new);
}

static Config config_in(const char *dir) {
    char path[TEMP_PATH * 2];
    snprintf(path, sizeof path, "%s/test.ini", dir);
    static const char text[] = "[model]\npreset = vit_tiny\n";
    assert_fine(files_write(path, text, sizeof text - 1));
    Config config;
    assert_fine(config_load(&train_config, &config, path, NULL, 0, NULL));
    return config;
}

static void a_run_has_its_directory_to_itself(void **state) {
    char path[TEMP_PATH * 2];
    Config config = config_in(((Temp *)*state)->root);
    snprintf(config.run.dir, sizeof config.run.dir, "%s", temp_path(state, "runs/mine", path));
    TrainOptions fresh = {.config_path = "test.ini"}, resume = fresh, force = fresh, both = fresh;
    resume.resume = force.force = both.resume = both.force = true;
    ClaimChanges changed;
    RunDirectory first, second;
    assert_fine(claim_open(&first, &config, &fresh, &changed));
    assert_false(files_exists(path)); /* nothing is made before it is asked for */
    assert_fine(claim_create(&first, &config, false));

    assert_refused(claim_open(&second, &config, &fresh, &changed), EXIT_USAGE, "--resume continues it, --force");
    run_directory_close(&second);
    assert_refused(claim_open(&second, &config, &both, &changed), EXIT_USAGE, "exclude each other");
    run_directory_close(&second);
    assert_fine(claim_open(&second, &config, &resume, &changed));
    assert_refused(claim_create(&second, &config, false), EXIT_USAGE, "another run is writing");
    run_directory_close(&second);
    assert_fine(claim_open(&second, &config, &force, &changed));
    assert_refused(claim_create(&second, &config, true), EXIT_USAGE, "another run is writing");
    run_directory_close(&second);
    assert_true(files_exists(first.config));

    config.optim.beta1 = 0.5;
    assert_refused(claim_open(&second, &config, &resume, &changed), EXIT_USAGE, "optim.beta1 = 0.5");
    run_directory_close(&second);
    run_directory_close(&first);

    char *left = printed_path("%s/left", path);
    assert_fine(files_write(left, "x", 1));
    char *record = printed_path("%s/run.json", path);
    static const char text[] = "{\"status\": \"running\", \"config_hash\": \"0123456789abcdef\"}";
    assert_refused(claim_open(&second, &config, &force, &changed), EXIT_USAGE, "not a run directory");
    run_directory_close(&second);
    assert_fine(files_write(record, text, sizeof text - 1));
    assert_fine(claim_open(&second, &config, &force, &changed));
    assert_fine(claim_create(&second, &config, true));
    assert_true(files_exists(left) && !files_exists(record));
    free(record);
    Config again;
    assert_fine(config_load(&train_config, &again, second.config, NULL, 0, NULL));
    assert_string_equal(again.run.dir, path);
    assert_true(again.optim.beta1 == 0.5);
    run_directory_close(&second);
    free(left);
}

/* A run directory of the version before the keys were renamed. */
static void a_stored_configuration_may_have_old_names(void **state) {
    char path[TEMP_PATH * 2], file[TEMP_PATH * 2], *text;
    Config config = config_in(((Temp *)*state)->root);
    snprintf(config.run.dir, sizeof config.run.dir, "%s", temp_path(state, "runs/old", path));
    config.optim.clip = 3;
    assert_fine(config_text(&train_config, &config, &text));
    char *const names[][2] = {{"\nprefetch_batches = ", "\nring = "}, {"\nmax_unreadable = ", "\nmax_bad = "}};
    for (int i = 0; i < 2; i++) {
        char *at = strstr(text, names[i][0]), *old;
        assert_non_null(at);
        old = printed_path("%.*s%s%s", (int)(at - text), text, names[i][1], at + strlen(names[i][0]));
        assert_non_null(old);
        free(text);
        text = old;
    }
    assert_fine(files_make_directory(temp_path(state, "runs/old/ckpt", file)));
    assert_fine(files_write(temp_path(state, "runs/old/config.ini", file), text, strlen(text)));
    TrainOptions resume = {.config_path = "test.ini", .resume = true};
    ClaimChanges changed;
    RunDirectory directory;
    assert_fine(claim_open(&directory, &config, &resume, &changed));
    assert_false(changed.validation || changed.length);
    run_directory_close(&directory);
    config.optim.clip = 4; /* it is compared */
    assert_refused(claim_open(&directory, &config, &resume, &changed), EXIT_USAGE, "optim.clip = 4");
    run_directory_close(&directory);
    free(text);
}

static void what_is_no_run_is_not_removed(void **state) {
    char path[TEMP_PATH * 2], file[TEMP_PATH * 2];
    Config config = config_in(((Temp *)*state)->root);
    snprintf(config.run.dir, sizeof config.run.dir, "%s", temp_path(state, "photographs", path));
    assert_fine(files_make_directory(path));
    TrainOptions force = {.config_path = "test.ini", .force = true};
    ClaimChanges changed;
    RunDirectory directory;
    assert_fine(claim_open(&directory, &config, &force, &changed)); /* empty: nothing to lose */
    run_directory_close(&directory);
    assert_fine(files_write(temp_path(state, "photographs/eye.jpg", file), "x", 1));
    assert_refused(claim_open(&directory, &config, &force, &changed), EXIT_USAGE, "not a run directory");
    run_directory_close(&directory);
    assert_true(files_exists(file));
    TrainOptions resume = {.config_path = "test.ini", .resume = true}; /* a job's output may lie there */
    assert_fine(claim_open(&directory, &config, &resume, &changed));
    run_directory_close(&directory);
    assert_fine(files_write(temp_path(state, "photographs/config.ini", file), "x", 1)); /* but nobody's configuration */
    assert_refused(claim_open(&directory, &config, &resume, &changed), EXIT_USAGE, "not a run directory");
    run_directory_close(&directory);
    assert_refused(claim_open(&directory, &config, &force, &changed), EXIT_USAGE, "not a run directory");
    run_directory_close(&directory);
    snprintf(config.run.dir, sizeof config.run.dir, ".");
    assert_refused(claim_open(&directory, &config, &force, &changed), EXIT_USAGE, "--force is refused in .");
    run_directory_close(&directory);
}

static void a_run_is_named_after_its_config(void **state) {
    Config config = config_in(((Temp *)*state)->root);
    static const struct {
        const char *config, *run;
    } cases[] = {{"configs/vit_base.ini", "runs/vit_base"}, {"a.b/c", "runs/c"}, {"x.y.ini", "runs/x.y"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        TrainOptions options = {.config_path = cases[i].config, .resume = true};
        ClaimChanges changed;
        RunDirectory directory;
        assert_fine(claim_open(&directory, &config, &options, &changed));
        assert_string_equal(directory.path, cases[i].run);
        run_directory_close(&directory);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_resumed_run_may_change_little),
        cmocka_unit_test(a_resumed_run_may_be_longer),
        cmocka_unit_test(long_lines_are_compared_whole),
        cmocka_unit_test(a_run_has_its_directory_to_itself),
        cmocka_unit_test(a_stored_configuration_may_have_old_names),
        cmocka_unit_test(what_is_no_run_is_not_removed),
        cmocka_unit_test(a_run_is_named_after_its_config),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
