/* SPDX-License-Identifier: Apache-2.0 */
/* A sweep's file and the trials that it describes. */
#include "pool/sweep/trials/expand.h"
#include "pool/sweep/trials/sweep_record.h"
#include "pool/sweep/trials/trial_command.h"
#include "pool/sweep/trials/trial_config.h"
#include "tests/fixtures/check.h"
#include "tests/fixtures/temp.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <unistd.h>

#define HEAD "[sweep]\nname = lr\nbase = base.ini\nmetric = val_loss\n"

static Status load(void **state, const char *text, Sweep *sweep) {
    char path[TEMP_PATH * 2];
    SweepFile *file = calloc(1, sizeof *file);
    assert_non_null(file);
    assert_fine(files_write(temp_path(state, "sweep.ini", path), text, strlen(text)));
    *sweep = (Sweep){0};
    Status status = sweep_file_load(path, file);
    if (!status) {
        status = expand_sweep(path, file, sweep);
        sweep_file_free(file);
    }
    free(file);
    return status;
}

static void assert_bad(void **state, const char *text, const char *part) {
    Sweep sweep;
    assert_refused(load(state, text, &sweep), EXIT_USAGE, part);
    sweep_free(&sweep);
}

static void a_grid_is_a_product_with_the_last_key_fastest(void **state) {
    static const char *const expected[] = {"1e-4 a 1", "1e-4 a 2", "1e-4 b 1", "1e-4 b 2",
                                           "3e-4 a 1", "3e-4 a 2", "3e-4 b 1", "3e-4 b 2"};
    Sweep sweep;
    assert_fine(load(state, HEAD "seeds = 1, 2\n[grid]\noptim.base_lr = 1e-4, 3e-4\nmodel.pool = a, b\n", &sweep));
    assert_int_equal(sweep.count, 8);
    for (int i = 0; i < 8; i++) {
        const Trial *trial = &sweep.trials[i];
        char text[64];
        snprintf(text, sizeof text, "%s %s %d", trial->params[0].value, trial->params[1].value, (int)trial->seed);
        assert_string_equal(text, expected[i]);
        assert_string_equal(trial->params[0].key, "optim.base_lr");
        assert_int_equal(trial->set, i / 2);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(trial->id, sweep.trials[j].id);
    }
    assert_string_equal(sweep.command, "./train {config} --resume");
    assert_false(sweep.max);
    sweep_free(&sweep);
}

/* The files that come with the program. */
static void sweeps_of_configs_are_read(void **state) {
    (void)state;
    static const struct {
        const char *path;
        int trials;
    } files[] = {{"configs/sweeps/quickstart.ini", 6}, {"configs/sweeps/lr.ini", 18}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        SweepFile *file = calloc(1, sizeof *file);
        Sweep sweep;
        assert_non_null(file);
        assert_fine(sweep_file_load(files[i].path, file));
        assert_fine(expand_sweep(files[i].path, file, &sweep));
        assert_int_equal(sweep.count, files[i].trials);
        assert_true(files_exists(sweep.base));
        sweep_free(&sweep);
        sweep_file_free(file);
        free(file);
    }
}

static void an_id_depends_on_values_and_seed_alone(void **state) {
    Sweep sweep, other;
    assert_fine(load(state, HEAD "[grid]\na.b = 1, 2\nc.d = 3\n", &sweep));
    assert_fine(load(
        state, "[sweep]\nname = x\nbase = y.ini\nmetric = z\ndirection = max\n[grid]\nc.d = 3\na.b = 2, 4\n", &other));
    assert_true(other.max);
    assert_string_equal(sweep.trials[1].id, other.trials[0].id);
    assert_string_not_equal(sweep.trials[0].id, other.trials[0].id);
    /* As it was when results were first kept under it. */
    assert_string_equal(sweep.trials[0].id, "240f3f5a");
    assert_string_equal(sweep.trials[0].config, "runs/sweeps/lr/240f3f5a.ini");
    assert_string_equal(sweep.trials[0].run_dir, "runs/sweeps/lr/240f3f5a");
    sweep_free(&sweep);
    sweep_free(&other);
}

static void draws_are_the_same_everywhere(void **state) {
    Sweep sweep, more;
    assert_fine(load(state,
                     HEAD "[random]\ncount = 200\noptim.weight_decay = log 0.01 1\ndata.flip = linear -1 1\n"
                          "model.pool = a, b, c\n",
                     &sweep));
    assert_int_equal(sweep.count, 200);
    assert_string_equal(sweep.trials[0].params[0].value, "0.1959");
    assert_string_equal(sweep.trials[7].params[1].value, "0.569");
    double below = 0, negative = 0, counts[3] = {0};
    for (int i = 0; i < 200; i++) {
        const TrialParam *params = sweep.trials[i].params;
        const double decay = strtod(params[0].value, NULL), flip = strtod(params[1].value, NULL);
        assert_true(decay >= 0.01 && decay <= 1 && flip >= -1 && flip <= 1);
        below += decay < 0.1;
        negative += flip < 0;
        counts[params[2].value[0] - 'a']++;
    }
    /* Half of the draws are expected; 4 standard deviations of 200 fair coins are 28. */
    assert_true(fabs(below - 100) < 28 && fabs(negative - 100) < 28);
    /* A third of them; 4 standard deviations are 27. */
    for (int i = 0; i < 3; i++)
        assert_true(fabs(counts[i] - 66.7) < 27);
    /* Neither the number of draws nor other keys change a draw, the seed does. */
    assert_fine(load(state, HEAD "[grid]\na.b = 1, 2\n[random]\ncount = 3\noptim.weight_decay = log 0.01 1\n", &more));
    assert_int_equal(more.count, 6);
    for (int i = 0; i < 6; i++)
        assert_string_equal(more.trials[i].params[1].value, sweep.trials[i % 3].params[0].value);
    sweep_free(&more);
    assert_fine(load(state, HEAD "[random]\nseed = 2\ncount = 3\noptim.weight_decay = log 0.01 1\n", &more));
    assert_string_not_equal(more.trials[0].params[0].value, sweep.trials[0].params[0].value);
    sweep_free(&more);
    sweep_free(&sweep);
}

static void what_is_wrong_is_named_with_its_line(void **state) {
    static const struct {
        const char *text, *part;
    } cases[] = {
        {HEAD "[grid]\na.b = 1\n[asha]\neta = 4\n", "sweep.ini:8: [asha] is not built yet"},
        {HEAD "[grid]\na.b = 1\n[gate]\nauto = off\n", "sweep.ini:8: [gate] is not built yet"},
        {HEAD "[grid]\na.b =\n", "sweep.ini:6: a.b has no values"},
        {HEAD "[grid]\na.b = 1, 2, 1.0\n", "sweep.ini:6: a.b has the value 1.0 twice"},
        {HEAD "[grid]\na.b = 1\na.b = 2\n", "a.b is set twice, first on line 6"},
        {HEAD "[grid]\nbase_lr = 1\n", "sweep.ini:6: base_lr is no key"},
        {HEAD "[grid]\na.<b> = 1\n", "sweep.ini:6: grid.a.<b>"},
        {HEAD "[grid]\ntrain.seed = 1\n", "use seeds"},
        {HEAD "[grid]\nrun.dir = 1\n", "remove it"},
        {HEAD "[grid]\na.b = 1\n[random]\ncount = 2\na.b = log 1 2\n", "sweep.ini:9: a.b is in [grid] too, on line 6"},
        {HEAD "[random]\ncount = 2\na.b = log 0 1\n", "sweep.ini:7: a.b = log 0 1 is no range"},
        {HEAD "[random]\ncount = 2\na.b = linear 2 1\n", "is no range"},
        {HEAD "[random]\ncount = 2\na.b = log 1 2 3\n", "is no range"},
        {HEAD "[random]\ncount = 2\na.b = log 1 2, log 3 4\n", "is no range"},
        {HEAD "[random]\na.b = log 1 2\n", "no count"},
        {HEAD "[random]\ncount = 2\n", "no keys"},
        {HEAD "[grid]\na.b = 1\n[swep]\nx = 1\n", "sweep.ini:7: unknown section [swep]"},
        {HEAD "tries = 1\n[grid]\na.b = 1\n", "sweep.ini:5: unknown key sweep.tries"},
        {HEAD "seeds = 1, 1\n[grid]\na.b = 1\n", "seeds has 1 twice"},
        {HEAD, "nothing to try"},
        {"[sweep]\nbase = b.ini\nmetric = m\n[grid]\na.b = 1\n", "name is not set"},
        {"[sweep]\nname = a/b\nbase = b.ini\nmetric = m\n[grid]\na.b = 1\n", "name = a/b"},
        {"[sweep]\nname = ..\nbase = b.ini\nmetric = m\n[grid]\na.b = 1\n", "name = .."},
        {"[sweep]\nname = <b>\nbase = b.ini\nmetric = m\n[grid]\na.b = 1\n", "name = <b>"},
        {"[sweep]\nname = a\nmetric = m\n[grid]\na.b = 1\n", "base is not set"},
        {"[sweep]\nname = a\nbase = b.ini\n[grid]\na.b = 1\n", "metric is not set"},
        {"[sweep]\nname = a\nbase = b.ini\nmetric = eval:x\n[grid]\na.b = 1\n", "eval:TASK:METRIC"},
        {"[sweep]\nname = a\nbase = b.ini\nmetric = a;b\n[grid]\na.b = 1\n", "characters"},
        {"[sweep]\nname = a\nbase = b.ini\nmetric = m\ncommand = ./train x.ini\n[grid]\na.b = 1\n", "{config}"},
        {HEAD "[random]\ncount = 5000\na.b = log 1 2\n[grid]\nc.d = 1, 2\n", "more than 5000"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_bad(state, cases[i].text, cases[i].part);
}

static void a_configuration_is_the_base_with_the_values(void **state) {
    static const char base[] =
        "# a comment\n[optim]\nbase_lr = 1 ; old\nclip=2\n\n[train]\nseed = 9\n[ log ]\nevery = 3\n"
        "[run]\n dir = old\n";
    Sweep sweep;
    char *text;
    assert_fine(
        load(state, HEAD "seeds = 5\n[grid]\noptim.base_lr = 7e-4\noptim.eps = 1\nnew.a = x y\nnew.b = z\n", &sweep));
    assert_fine(trial_config_text(&sweep, &sweep.trials[0], base, false, &text));
    assert_string_equal(text, "# a comment\n[optim]\nbase_lr = 7e-4\nclip=2\n\neps = 1\n[train]\nseed = 5\n[ log ]\n"
                              "every = 3\n[run]\n dir = old\n\n[new]\na = x y\nb = z\n");
    free(text);
    assert_fine(trial_config_text(&sweep, &sweep.trials[0], base, true, &text));
    assert_non_null(strstr(text, "[run]\ndir = runs/sweeps/lr/"));
    assert_null(strstr(text, "old\n"));
    free(text);
    assert_fine(trial_config_text(&sweep, &sweep.trials[0], "", true, &text));
    assert_non_null(strstr(text, "[train]\nseed = 5\n\n[run]\ndir = runs/sweeps/lr/"));
    free(text);
    sweep_free(&sweep);
}

static void assert_words(const Words *words, const char *expected) {
    char text[1024] = "";
    for (int64_t i = 0; i < words->count; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s|", words->list[i]);
    assert_string_equal(text, expected);
    assert_null(words->list[words->count]);
}

static void a_job_runs_the_command(void **state) {
    char expected[1024];
    Sweep sweep;
    Words words;
    assert_fine(load(state, HEAD "[grid]\na.b = 1\nc.d = 2\n", &sweep));
    const Trial *trial = &sweep.trials[0];
    assert_fine(trial_command_job(&sweep, trial, &words));
    snprintf(expected, sizeof expected, "./train|%s|--resume|", trial->config);
    assert_words(&words, expected);
    words_free(&words);
    sweep_free(&sweep);
    /* A shell is there where it is needed, and ends as the command does. */
    assert_fine(load(state,
                     "[sweep]\nname = a\nbase = b.ini\nmetric = eval:drawn_eye:auroc\n"
                     "command = ./train {config} --resume\n[grid]\na.b = 1, 2\n",
                     &sweep));
    trial = &sweep.trials[0];
    assert_fine(trial_command_job(&sweep, trial, &words));
    snprintf(expected, sizeof expected,
             "sh|-c|trap : TERM HUP USR1; ./train %s --resume \"$@\" && trap - TERM HUP USR1 && exec ./eval %s --task "
             "configs/tasks/drawn_eye.ini|%s|",
             trial->config, trial->run_dir, trial->config);
    assert_words(&words, expected);
    words_free(&words);
    sweep_free(&sweep);
    assert_fine(load(state,
                     "[sweep]\nname = a\nbase = b.ini\nmetric = eval:tasks/t.ini:auroc\ncommand = A=1 ./x {config}\n"
                     "[grid]\na.b = 1, 2\n",
                     &sweep));
    char *task;
    assert_fine(trial_command_task(&sweep, &task));
    assert_string_equal(task, "tasks/t.ini");
    free(task);
    assert_fine(trial_command_words(&sweep, "c.ini", &words));
    assert_int_equal(words.count, 0);
    words_free(&words);
    assert_false(trial_command_resumes(&sweep));
    sweep_free(&sweep);
}

static void a_record_reads_back(void **state) {
    Sweep sweep, read;
    bool found;
    char folder[4096];
    assert_non_null(getcwd(folder, sizeof folder));
    assert_int_equal(chdir(((Temp *)*state)->root), 0);
    assert_fine(load(state, HEAD "seeds = 1, 2\n[grid]\na.b = 1e-3, x\n", &sweep));
    snprintf(sweep.trials[1].identity, TRIAL_HASH, "0123456789abcdef");
    sweep.trials[2].same_as = 1;
    sweep.trials[3].before = strdup("other");
    assert_fine(files_make_directory("runs/sweeps/lr"));
    assert_fine(sweep_record_read("lr", &read, &found));
    assert_false(found);
    assert_fine(sweep_record_write(&sweep));
    assert_fine(sweep_record_read("lr", &read, &found));
    assert_true(found && read.count == 4 && !read.max);
    assert_string_equal(read.metric, "val_loss");
    for (int i = 0; i < 4; i++) {
        assert_string_equal(read.trials[i].id, sweep.trials[i].id);
        assert_string_equal(read.trials[i].identity, sweep.trials[i].identity);
        assert_string_equal(read.trials[i].params[0].value, sweep.trials[i].params[0].value);
        assert_string_equal(read.trials[i].run_dir, sweep.trials[i].run_dir);
        assert_true(read.trials[i].seed == sweep.trials[i].seed && read.trials[i].set == sweep.trials[i].set);
        assert_true(read.trials[i].same_as == sweep.trials[i].same_as);
    }
    assert_string_equal(read.trials[3].before, "other");
    sweep_free(&read);
    assert_fine(files_write("runs/sweeps/lr/sweep.json", "[]", 2));
    assert_refused(sweep_record_read("lr", &read, &found), EXIT_DATA, "not the record");
    sweep_free(&read);
    sweep_free(&sweep);
    assert_int_equal(chdir(folder), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_grid_is_a_product_with_the_last_key_fastest),
        cmocka_unit_test(sweeps_of_configs_are_read),
        cmocka_unit_test(an_id_depends_on_values_and_seed_alone),
        cmocka_unit_test(draws_are_the_same_everywhere),
        cmocka_unit_test(what_is_wrong_is_named_with_its_line),
        cmocka_unit_test(a_configuration_is_the_base_with_the_values),
        cmocka_unit_test(a_job_runs_the_command),
        cmocka_unit_test(a_record_reads_back),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
