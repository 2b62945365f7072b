/* SPDX-License-Identifier: Apache-2.0 */
/* How trials stand, by their run directories and the pool's answer; tables; and which checkpoints are removed. */
#include "pool/sweep/outcome/prune.h"
#include "pool/sweep/outcome/sweep_table.h"
#include "pool/sweep/outcome/trial_outcome.h"
#include "pool/sweep/prepare.h"
#include "pool/sweep/slurm.h"
#include "pool/sweep/trials/sweep_record.h"
#include "tests/fixtures/check.h"
#include "tests/fixtures/temp.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <unistd.h>

enum { TRIALS = 6 };

static char old_folder[4096];

/* In the test's folder: a sweep of three values with two seeds each. */
static int open_folder(void **state) {
    if (temp_open(state) != 0 || !getcwd(old_folder, sizeof old_folder))
        return -1;
    return chdir(((Temp *)*state)->root);
}

static int close_folder(void **state) {
    return chdir(old_folder) != 0 || temp_close(state) != 0 ? -1 : 0;
}

static void make_sweep(const char *name, const char *metric, Sweep *sweep) {
    static const char *const values[] = {"0.1", "0.2", "x"};
    *sweep =
        (Sweep){.base = strdup("base.ini"), .command = strdup("./train {config} --resume"), .metric = strdup(metric)};
    snprintf(sweep->name, sizeof sweep->name, "%s", name);
    for (int i = 0; i < TRIALS; i++) {
        Trial *trial;
        assert_fine(sweep_add_trial(sweep, &trial));
        trial->set = i / 2;
        trial->seed = 1 + i % 2;
        assert_fine(trial_add_param(trial, "optim.base_lr", values[i / 2]));
        assert_fine(trial_add_param(trial, "data.flip", "1"));
        assert_fine(trial_name(sweep, trial));
        snprintf(trial->identity, TRIAL_HASH, "%016d", i);
    }
}

static void write_in(const char *folder, const char *name, const char *text) {
    char path[512];
    assert_fine(files_make_directory(folder));
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_fine(files_write(path, text, strlen(text)));
}

static void write_run(const Trial *trial, const char *text) {
    write_in(trial->run_dir, "run.json", text);
}

/* "NUMBER STATE" of the trial; the caller's. */
static cJSON *make_jobs(const Sweep *sweep, const char *const *texts) {
    char text[8192] = "[", folder[4096];
    assert_non_null(getcwd(folder, sizeof folder));
    for (int i = 0; i < TRIALS; i++) {
        int number;
        char state[32];
        if (!texts[i])
            continue;
        assert_int_equal(sscanf(texts[i], "%d %31s", &number, state), 2);
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 "%s{\"job\": %d, \"state\": \"%s\", \"reason\": \"because\", \"run_dir\": \"%s/%s\", \"attempts\": "
                 "[{\"gpus\": [3], \"from\": 100, \"to\": 104}, {\"gpus\": [5], \"from\": 110, \"to\": null}]}",
                 strlen(text) > 1 ? "," : "", number, state, folder, sweep->trials[i].run_dir);
    }
    strcat(text, "]");
    cJSON *jobs = cJSON_Parse(text);
    assert_non_null(jobs);
    return jobs;
}

static void trials_stand_as_their_results_and_jobs_say(void **state) {
    (void)state;
    Sweep sweep;
    Outcome outcomes[TRIALS];
    int64_t order[TRIALS];
    double deviation;
    make_sweep("a", "val_loss", &sweep);
    write_run(&sweep.trials[0], "{\"status\": \"finished\", \"val_loss\": 0.5, \"steps\": 7, \"started\": "
                                "\"2026-01-01T00:00:00Z\", \"ended\": \"2026-01-01T00:00:09Z\"}");
    write_run(&sweep.trials[1], "{\"status\": \"finished\", \"val_loss\": 0.3, \"steps\": 7}");
    write_run(&sweep.trials[2], "{\"status\": \"finished\", \"val_loss\": null, \"steps\": 7}");
    write_run(&sweep.trials[3], "{\"status\": \"running\", \"val_loss\": 0.1, \"steps\": 0}");
    write_in(sweep.trials[3].run_dir, "metrics.jsonl", "{\"step\": 4, \"loss\": 1, \"lr\": 1, \"images_per_s\": 1}\n");
    write_run(&sweep.trials[4], "{\"status\": \"failed\", \"exit_reason\": \"diverged\", \"val_loss\": 0.01}");
    static const char *const states[TRIALS] = {"5 failed", NULL, NULL, "9 running", "8 failed", "7 waiting"};
    cJSON *jobs = make_jobs(&sweep, states);
    const cJSON *lists[] = {NULL, jobs};
    assert_fine(outcome_read_all(&sweep, lists, 2, 120, outcomes));
    /* Results that are complete count for more than a job that ended, and the newest job alone counts. */
    static const JobState expected[TRIALS] = {JOB_DONE, JOB_DONE, JOB_DONE, JOB_RUNNING, JOB_FAILED, JOB_WAITING};
    for (int i = 0; i < TRIALS; i++) {
        assert_int_equal(outcomes[i].state, expected[i]);
        assert_int_equal(outcomes[i].live, i == 3 || i == 5);
        assert_int_equal(outcomes[i].ended, i < 3);
    }
    assert_true(outcomes[0].score == 0.5 && outcomes[0].job == 5 && outcomes[1].job == 0);
    assert_true(isnan(outcomes[2].score) && strstr(outcomes[2].reason, "no number val_loss"));
    assert_true(outcomes[3].step == 4 && outcomes[3].gpu == 5 && outcomes[3].seconds == 14);
    assert_string_equal(outcomes[4].reason, "because");
    assert_true(outcomes[1].step == 7 && outcomes[5].step == -1);
    outcome_order(&sweep, outcomes, order);
    static const int64_t best_first[TRIALS] = {1, 0, 2, 3, 5, 4};
    assert_memory_equal(order, best_first, sizeof order);
    sweep.max = true;
    outcome_order(&sweep, outcomes, order);
    assert_true(order[0] == 0 && order[1] == 1);
    assert_true(fabs(outcome_mean(&sweep, outcomes, 0, &deviation) - 0.4) < 1e-12);
    assert_true(fabs(deviation - sqrt(0.02)) < 1e-12); /* of 0.5 and 0.3 */
    assert_true(isnan(outcome_mean(&sweep, outcomes, 1, &deviation)));
    assert_false(outcome_all_well(&sweep, outcomes));
    /* While its job lasts a run is not over, whatever its results say. */
    static const char *const late[TRIALS] = {NULL, "12 running"};
    cJSON *more = make_jobs(&sweep, late);
    lists[0] = more;
    assert_fine(outcome_read_all(&sweep, lists, 2, 120, outcomes));
    assert_true(outcomes[1].state == JOB_RUNNING && outcomes[1].live && outcomes[1].ended);
    cJSON_Delete(more);
    /* A job elsewhere is none of this sweep. */
    char *text = cJSON_PrintUnformatted(jobs);
    cJSON_Delete(jobs);
    for (char *at = text; (at = strstr(at, "run_dir\":\"/")); at++)
        at[strlen("run_dir\":\"/")] = '_';
    jobs = cJSON_Parse(text);
    free(text);
    lists[0] = jobs;
    assert_fine(outcome_read_all(&sweep, lists, 1, 120, outcomes));
    assert_true(!outcomes[3].live && outcomes[5].job == 0);
    cJSON_Delete(jobs);
    sweep_free(&sweep);
}

static void scores_of_evaluations_are_read(void **state) {
    (void)state;
    static const char report[] =
        "{\"checkpoints\": [{\"val\": 0.75, \"by_image\": {\"figures\": [{\"name\": \"auroc\", \"part\": \"a\", "
        "\"value\": 0.1}, {\"name\": \"auroc\", \"part\": null, \"value\": 0.875}]}}]}";
    Sweep sweep;
    Outcome outcome;
    char folder[512];
    make_sweep("b", "eval:drawn_eye:auroc", &sweep);
    write_run(&sweep.trials[0], "{\"status\": \"finished\"}");
    assert_fine(outcome_read(&sweep, &sweep.trials[0], &outcome));
    assert_false(outcome.ended); /* the evaluation has yet to come */
    snprintf(folder, sizeof folder, "%s/eval/drawn_eye", sweep.trials[0].run_dir);
    write_in(folder, "report.json", report);
    assert_fine(outcome_read(&sweep, &sweep.trials[0], &outcome));
    assert_true(outcome.ended && outcome.score == 0.875);
    free(sweep.metric);
    sweep.metric = strdup("eval:tasks/drawn_eye.ini:val");
    assert_fine(outcome_read(&sweep, &sweep.trials[0], &outcome));
    assert_true(outcome.ended && outcome.score == 0.75);
    sweep_free(&sweep);
    /* Another program's record has a number and no status. */
    make_sweep("c", "deep.er", &sweep);
    write_run(&sweep.trials[0], "{\"deep\": {\"er\": 3}}");
    assert_fine(outcome_read(&sweep, &sweep.trials[0], &outcome));
    assert_true(outcome.ended && outcome.score == 3 && outcome.state == JOB_DONE);
    sweep_free(&sweep);
}

static void what_is_queued_follows_from_it(void **state) {
    (void)state;
    Sweep sweep, earlier;
    Outcome outcomes[TRIALS] = {0};
    bool wanted[TRIALS];
    make_sweep("d", "val_loss", &sweep);
    make_sweep("d", "val_loss", &earlier);
    sweep.trials[1].same_as = 0;
    outcomes[2].ended = true;
    outcomes[3].live = true;
    outcomes[4] = outcomes[5] = (Outcome){.state = JOB_FAILED, .job = 4};
    snprintf(earlier.trials[5].identity, TRIAL_HASH, "other"); /* the configuration was corrected since */
    prepare_wanted(&sweep, &earlier, outcomes, wanted);
    static const bool expected[TRIALS] = {true, false, false, false, false, true};
    assert_memory_equal(wanted, expected, sizeof wanted);
    assert_fine(prepare_check_live(&sweep, &earlier, outcomes));
    outcomes[5].live = true;
    assert_refused(prepare_check_live(&sweep, &earlier, outcomes), EXIT_REFUSED, "job 4 of the trial");
    /* A run of another identity is in the way, unless run.json shows that it is the same. */
    write_run(&sweep.trials[5], "{\"status\": \"running\", \"config_hash\": \"00000000000000ab\", \"data_hash\": "
                                "\"00000000000000cd\"}");
    assert_refused(prepare_check_earlier(&sweep, &earlier), EXIT_USAGE, "another base or of other data");
    snprintf(sweep.trials[5].config_hash, TRIAL_HASH, "00000000000000ab");
    snprintf(sweep.trials[5].data_hash, TRIAL_HASH, "00000000000000cd");
    assert_fine(prepare_check_earlier(&sweep, &earlier));
    /* The disk: 1 byte and then an exabyte for each. */
    for (int i = 0; i < TRIALS; i++)
        sweep.trials[i].disk = sweep.trials[i].checkpoint = 1;
    assert_fine(prepare_check_disk(&sweep, wanted, 1));
    sweep.trials[0].disk = INT64_C(1) << 60;
    sweep.trials[5].checkpoint = INT64_C(1) << 59;
    assert_refused(prepare_check_disk(&sweep, wanted, 1), EXIT_REFUSED, "of 2 trials need 1729382256.9 GB");
    sweep_free(&earlier);
    sweep_free(&sweep);
}

static void nothing_runs_twice_in_two_sweeps(void **state) {
    (void)state;
    Sweep first, second;
    make_sweep("e", "val_loss", &first);
    write_run(&first.trials[0], "{\"status\": \"finished\", \"val_loss\": 1}");
    write_run(&first.trials[1], "{\"status\": \"running\", \"val_loss\": 1}");
    assert_fine(sweep_record_write(&first));
    write_in("runs/sweeps/broken", "sweep.json", "{");
    make_sweep("f", "val_loss", &second);
    assert_fine(prepare_find_before(&second));
    assert_string_equal(second.trials[0].before, "e");
    assert_string_equal(second.trials[0].run_dir, first.trials[0].run_dir);
    assert_null(second.trials[1].before);
    Outcome outcomes[TRIALS];
    assert_fine(outcome_read_all(&second, NULL, 0, 0, outcomes));
    assert_string_equal(outcomes[0].reason, "ran in the sweep e");
    free(second.metric);
    second.metric = strdup("best_val_loss");
    assert_fine(outcome_read_all(&second, NULL, 0, 0, outcomes));
    assert_string_equal(outcomes[0].reason, "ran in the sweep e; run.json has no number best_val_loss");
    free(second.metric);
    second.metric = strdup("val_loss");
    assert_fine(outcome_read_all(&second, NULL, 0, 0, outcomes));
    assert_true(outcomes[0].state == JOB_DONE && strstr(outcomes[0].reason, "the sweep e"));
    sweep_free(&first);
    sweep_free(&second);
}

static void losers_keep_their_newest_checkpoint(void **state) {
    (void)state;
    static const char *const steps[] = {"step-10", "step-20", "step-30"};
    Sweep sweep;
    Outcome outcomes[TRIALS] = {0};
    char path[512];
    make_sweep("g", "val_loss", &sweep);
    for (int i = 0; i < TRIALS; i++) {
        outcomes[i] = (Outcome){.state = JOB_DONE, .score = 1 + i};
        for (int j = 0; j < 3; j++) {
            snprintf(path, sizeof path, "%s/ckpt/%s", sweep.trials[i].run_dir, steps[j]);
            write_in(path, "weights.safetensors", "x");
        }
        snprintf(path, sizeof path, "%s/ckpt/latest", sweep.trials[i].run_dir);
        assert_fine(files_link("step-20", path)); /* not the last name: where it points counts */
        snprintf(path, sizeof path, "%s/ckpt/best", sweep.trials[i].run_dir);
        assert_fine(files_link(i == 3 ? "step-20" : "step-10", path));
        snprintf(path, sizeof path, "%s/ckpt", sweep.trials[i].run_dir);
        write_in(path, "step-notes.txt", "x");
    }
    outcomes[4].live = true;
    outcomes[5].state = JOB_FAILED;
    assert_fine(prune_losers(&sweep, outcomes));
    for (int i = 0; i < TRIALS; i++) {
        const bool loser = i == 2 || i == 3; /* the best has another seed in trial 1 */
        for (int j = 0; j < 3; j++) {
            snprintf(path, sizeof path, "%s/ckpt/%s", sweep.trials[i].run_dir, steps[j]);
            assert_int_equal(files_exists(path), !loser || j == 1);
        }
        snprintf(path, sizeof path, "%s/ckpt/best", sweep.trials[i].run_dir);
        assert_int_equal(access(path, F_OK) == 0, i != 2);
        snprintf(path, sizeof path, "%s/ckpt/step-notes.txt", sweep.trials[i].run_dir);
        assert_true(files_exists(path));
    }
    sweep_free(&sweep);
}

static char *print_table(const Sweep *sweep, const Outcome *outcomes, int64_t rows) {
    char *text;
    size_t size;
    ViewPage page = {.out = open_memstream(&text, &size), .columns = 80};
    assert_non_null(page.out);
    assert_fine(sweep_table_print(sweep, outcomes, rows, &page));
    assert_int_equal(fclose(page.out), 0);
    for (const char *line = text; *line; line = strchr(line, '\n') + 1)
        assert_true(strchr(line, '\n') - line <= 80);
    return text;
}

static void tables_have_the_best_first(void **state) {
    (void)state;
    Sweep sweep;
    Outcome outcomes[TRIALS];
    char *text, *line;
    make_sweep("h", "val_loss", &sweep);
    for (int i = 0; i < TRIALS; i++)
        outcomes[i] =
            (Outcome){.state = JOB_DONE, .score = 1.0 / (1 + i), .step = 9, .seconds = 61, .gpu = i, .job = i + 1};
    outcomes[5] = (Outcome){.state = JOB_FAILED, .score = NAN, .step = -1, .seconds = NAN, .gpu = -1, .job = 7};
    snprintf(outcomes[5].reason, sizeof outcomes[5].reason, "no\033[1m memory");
    text = print_table(&sweep, outcomes, 0);
    assert_non_null(strstr(text, "sweep h: 6 trials, 5 done, 1 failed; the smallest val_loss is the best\n"));
    const char *first = strchr(text, '\n') + 1;
    assert_memory_equal(first, "TRIAL     base_lr  SEED", strlen("TRIAL     base_lr  SEED"));
    assert_null(strstr(text, "flip")); /* it is the same everywhere */
    assert_memory_equal(strchr(first, '\n') + 1, sweep.trials[4].id, 8);
    assert_non_null(strstr(text, "no?[1m memory"));
    free(text);
    text = print_table(&sweep, outcomes, 2);
    assert_non_null(strstr(text, "and 4 more"));
    free(text);
    /* Parameters that find no column are below their row. */
    for (int i = 0; i < TRIALS; i++)
        for (int j = 0; j < 4; j++) {
            char key[64], value[64];
            snprintf(key, sizeof key, "optim.a_rather_long_name_%d", j);
            snprintf(value, sizeof value, "0.12345678901234%d", i);
            assert_fine(trial_add_param(&sweep.trials[i], key, value));
        }
    text = print_table(&sweep, outcomes, 0);
    assert_non_null(strstr(text, "optim.a_rather_long_name_3"));
    free(text);
    assert_fine(sweep_table_line(&sweep, outcomes, 0, &line));
    assert_string_equal(line + 8, "  done: 1");
    free(line);
    assert_fine(sweep_table_line(&sweep, outcomes, 5, &line));
    assert_string_equal(line + 8, "  failed: no?[1m memory");
    free(line);
    Json json;
    size_t size;
    json_open(&json, NULL);
    sweep_table_json(&sweep, outcomes, &json);
    assert_fine(json_close(&json, "the sweep", &text, &size));
    cJSON *object = cJSON_Parse(text), *trials = cJSON_GetObjectItem(object, "trials");
    assert_int_equal(cJSON_GetArraySize(trials), TRIALS);
    const cJSON *best = cJSON_GetArrayItem(trials, 0), *last = cJSON_GetArrayItem(trials, TRIALS - 1);
    assert_string_equal(cJSON_GetObjectItem(best, "id")->valuestring, sweep.trials[4].id);
    assert_true(cJSON_GetObjectItem(best, "score")->valuedouble == 0.2);
    assert_string_equal(cJSON_GetObjectItem(cJSON_GetObjectItem(best, "params"), "optim.base_lr")->valuestring, "x");
    assert_true(cJSON_GetObjectItem(cJSON_GetObjectItem(best, "params"), "data.flip")->valuedouble == 1);
    assert_string_equal(cJSON_GetObjectItem(best, "run_dir")->valuestring, sweep.trials[4].run_dir);
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(best, "reason")));
    assert_string_equal(cJSON_GetObjectItem(last, "state")->valuestring, "failed");
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(last, "score")) && cJSON_IsNull(cJSON_GetObjectItem(last, "step")));
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(last, "gpu")));
    assert_int_equal(cJSON_GetObjectItem(last, "job")->valueint, 7);
    cJSON_Delete(object);
    free(text);
    sweep_free(&sweep);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trials_stand_as_their_results_and_jobs_say),
        cmocka_unit_test(scores_of_evaluations_are_read),
        cmocka_unit_test(what_is_queued_follows_from_it),
        cmocka_unit_test(nothing_runs_twice_in_two_sweeps),
        cmocka_unit_test(losers_keep_their_newest_checkpoint),
        cmocka_unit_test(tables_have_the_best_first),
    };
    return cmocka_run_group_tests(tests, open_folder, close_folder);
}
