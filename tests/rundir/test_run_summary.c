/* SPDX-License-Identifier: Apache-2.0 */
/* Runs as other programs read them: whole ones, and ones that are damaged or have not got far. */
#include "tests/fixtures/train_fixture.h"

#include "rundir/metrics.h"
#include "rundir/run_directory.h"
#include "rundir/run_record.h"
#include "rundir/run_summary.h"
#include "tests/fixtures/full_run.h"

#include <fcntl.h>
#include <math.h>
#include <unistd.h>

static void what_was_written_is_read(void **state) {
    char path[TEMP_PATH * 2], host[256] = "";
    RunRecord record;
    RunSummary summary;
    fill_full_record(&record);
    assert_fine(run_record_write(&record, temp_path(state, "whole.json", path)));
    run_record_close(&record);
    assert_fine(run_summary_read(path, &summary));
    gethostname(host, sizeof host - 1);
    assert_string_equal(summary.host, host);
    assert_int_equal(summary.status, RUN_FAILED);
    assert_int_equal(summary.exit_code, 77);
    assert_string_equal(summary.exit_reason, "diverged at step 8");
    assert_string_equal(summary.run_dir, "runs/whole");
    assert_string_equal(summary.backend, "cuda");
    assert_string_equal(summary.device, "NVIDIA H200");
    assert_true(summary.started == 951782400 && summary.ended == 951782460);
    assert_true(summary.threads == 4 && summary.micro_batch == 16);
    assert_true(summary.config_hash == 0xfedcba9876543210u && summary.data_hash == 5);
    assert_true(summary.data_count == 1LL << 40 && summary.parameters == 987654321);
    assert_string_equal(summary.init_from, "weights/mae.pth");
    assert_true(strspn(summary.init_sha256, "b") == 64);
    assert_true(summary.resumed_step == 2 && summary.steps == 7 && summary.total_steps == 100 &&
                summary.schedule_steps == 90);
    assert_true(summary.final_loss == 0.5 && summary.val_loss == 0.25 && summary.best_val_loss == 0.125);
    assert_string_equal(summary.metric, "auroc");
    assert_true(summary.val_metric == 0.625 && summary.best_val_metric == 0.875);
    assert_true(summary.best_step == 6 && summary.checkpoints_skipped == 3);
    assert_int_equal(summary.versions.count, 1);
    assert_true(summary.throughput.images_per_s == 1000 && summary.throughput.micro_batch == 8);
    assert_int_equal(summary.unreadable_count, 2);
    assert_int_equal(summary.event_count, 1);
    const RunEvent *event = &summary.events[0];
    assert_true(event->step == 8 && event->batch == 9 && event->loss == 0.75 && event->records == 3);
    assert_string_equal(event->kind, "gradient");
    assert_string_equal(event->action, "stop");
    assert_string_equal(event->found, "gradient");
    assert_string_equal(event->tensor, "cls_token");
    assert_non_null(strstr(event->text, "{\"step\":8,\"batch\":9,"));
    run_summary_close(&summary);
}

static void every_status_has_its_name(void **state) {
    char path[TEMP_PATH * 2];
    temp_path(state, "status.json", path);
    for (RunStatus status = RUN_RUNNING; status <= RUN_FAILED; status++) {
        RunRecord record;
        RunSummary summary;
        fill_full_record(&record);
        record.status = status;
        assert_fine(run_record_write(&record, path));
        run_record_close(&record);
        assert_fine(run_summary_read(path, &summary));
        assert_int_equal(summary.status, status);
        run_summary_close(&summary);
    }
}

static void what_is_missing_has_its_default(void **state) {
    static const char *const texts[] = {
        "{}",
        "{\"status\": 7, \"exit_code\": \"x\", \"exit_reason\": null, \"run_dir\": {}, \"host\": 1, \"started\": "
        "\"today\","
        " \"ended\": 5, \"threads\": 1e99, \"micro_batch\": 1.5, \"config_hash\": \"xyz\", \"data_hash\": 12,"
        " \"data_count\": 1e300, \"parameters\": null, \"steps\": \"7\", \"final_loss\": \"1\", \"val_loss\": null,"
        " \"metric\": 3, \"val_metric\": \"0.5\", \"best_val_metric\": null, \"init_from\": [],"
        " \"best_step\": false, \"versions\": [], \"throughput\": \"fast\", \"guard_events\": {\"a\": 1},"
        " \"bad_records\": \"none\"}",
        "{\"status\": \"paused\", \"throughput\": {\"images_per_s\": \"x\"}}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char path[TEMP_PATH * 2];
        RunSummary summary;
        assert_fine(files_write(temp_path(state, "odd.json", path), texts[i], strlen(texts[i])));
        assert_fine(run_summary_read(path, &summary));
        assert_int_equal(summary.status, RUN_UNKNOWN);
        assert_int_equal(summary.exit_code, -1);
        assert_string_equal(summary.exit_reason, "");
        assert_string_equal(summary.run_dir, "");
        assert_string_equal(summary.host, "");
        assert_true(summary.started == 0 && summary.ended == 0 && summary.threads == 0 && summary.micro_batch == 0);
        assert_true(summary.config_hash == 0 && summary.data_hash == 0 && summary.data_count == 0);
        assert_true(summary.steps == 0 && isnan(summary.final_loss) && isnan(summary.val_loss));
        assert_true(!*summary.metric && isnan(summary.val_metric) && isnan(summary.best_val_metric));
        assert_true(!*summary.init_from && !*summary.init_sha256);
        assert_true(isnan(summary.best_val_loss) && summary.best_step == -1);
        assert_true(summary.versions.count == 0 && summary.throughput.images_per_s == 0);
        assert_true(summary.event_count == 0 && summary.unreadable_count == 0);
        run_summary_close(&summary);
    }
}

/* Those of docs/run-directory.md, whose first table with numbers is that of run.json. */
static void numbers_are_those_of_the_page(void **state) {
    (void)state;
    char *text, name[64], kind[64];
    size_t size;
    int count = 0;
    assert_fine(files_read("docs/run-directory.md", &text, &size));
    char *section = strstr(text, "\n## run.json\n"), *end = strstr(section + 1, "\n## ");
    assert_true(section && end);
    *end = '\0';
    for (char *line = section; (line = strstr(line, "\n| `")); line++) {
        if (sscanf(line, "\n| `%63[^`]` | %63[^|]", name, kind) != 2)
            continue;
        const bool number = strncmp(kind, "integer", 7) == 0 || strncmp(kind, "number", 6) == 0;
        if (strchr(name, '['))
            continue;
        if (number != run_number_known(name))
            fail_msg("%s is%s a number of run.json", name, number ? "" : " not");
        count += number;
    }
    assert_int_equal(count, 20);
    free(text);
}

static void odd_events_do_no_harm(void **state) {
    static const char text[] = "{\"guard_events\": [7, {\"step\": \"x\", \"kind\": \"a kind with a very long name\"}, "
                               "{\"step\": 4, \"batch\": -2, \"records\": 5}]}";
    char path[TEMP_PATH * 2];
    RunSummary summary;
    assert_fine(files_write(temp_path(state, "events.json", path), text, strlen(text)));
    assert_fine(run_summary_read(path, &summary));
    assert_int_equal(summary.event_count, 3);
    assert_string_equal(summary.events[0].text, "7");
    assert_true(summary.events[0].step == -1 && summary.events[1].step == -1 && summary.events[2].step == 4);
    for (int i = 0; i < 3; i++)
        assert_false(run_event_is_past(&summary.events[i], UINT64_MAX));
    assert_string_equal(summary.events[1].kind, "a kind with a v");
    assert_int_equal(summary.events[2].records, 0);
    run_summary_close(&summary);
}

static void what_is_no_record_is_refused(void **state) {
    static const char *const texts[] = {"", "{\"status\": \"runn", "[]", "7"};
    char path[TEMP_PATH * 2];
    RunSummary summary;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_fine(files_write(temp_path(state, "bad.json", path), texts[i], strlen(texts[i])));
        assert_refused(run_summary_read(path, &summary), EXIT_DATA, "not a run record");
        run_summary_close(&summary);
    }
    assert_refused(run_summary_read(temp_path(state, "missing.json", path), &summary), EXIT_IO, "missing.json");
    run_summary_close(&summary);
}

static void the_newest_training_line_counts(void **state) {
    char path[TEMP_PATH * 2], *text;
    size_t size;
    bool found;
    MetricsLine read;
    Metrics metrics;
    assert_fine(metrics_last(temp_path(state, "metrics.jsonl", path), &read, &found));
    assert_false(found);
    assert_fine(metrics_open(&metrics, path, 0));
    assert_fine(metrics_append_validation(&metrics, 1, 0.5, NULL, 0));
    assert_fine(metrics_last(path, &read, &found));
    assert_false(found);
    MetricsLine line = {.step = 20,
                        .epoch = 0.5,
                        .loss = 0.25,
                        .loss_mean = 0.125,
                        .lr = 2,
                        .grad_norm = INFINITY,
                        .images_per_s = 100,
                        .mfu = NAN,
                        .data_wait = 0.75,
                        .checkpoint_wait = 1,
                        .queue = 3,
                        .read_rate = 4,
                        .copy_rate = 5,
                        .seconds = 6,
                        .bad_records = 7,
                        .checkpoints_skipped = 8};
    assert_fine(metrics_append(&metrics, &line));
    assert_fine(metrics_last(path, &read, &found));
    assert_true(found && !read.gpu.watched && read.gpu.memory == -1 && isnan(read.gpu.celsius) &&
                isnan(read.gpu.watts));
    line.gpu = (MetricsGpu){true, 80000000001, 61, NAN, 250.5, 5e6, 4e6};
    assert_fine(metrics_append(&metrics, &line));
    assert_fine(metrics_append_fp8(&metrics, 30, NULL, 0));
    assert_fine(metrics_append_validation(&metrics, 30, 0.5, NULL, 0));
    metrics_close(&metrics);
    assert_fine(files_read(path, &text, &size));
    char *cut;
    assert_true(asprintf(&cut, "%sno JSON\n{\"step\": 40, \"lr\": 1}", text) > 0); /* the last line has no end */
    assert_fine(files_write(path, cut, strlen(cut)));
    assert_fine(metrics_last(path, &read, &found));
    assert_true(found);
    assert_true(read.step == 20 && read.epoch == 0.5 && read.loss == 0.25 && read.loss_mean == 0.125 && read.lr == 2);
    assert_true(isnan(read.grad_norm) && isnan(read.mfu) && read.images_per_s == 100 && read.data_wait == 0.75);
    assert_true(read.checkpoint_wait == 1 && read.queue == 3 && read.read_rate == 4 && read.copy_rate == 5);
    assert_true(read.gpu.watched && read.gpu.memory == 80000000001 && read.gpu.celsius == 61 &&
                read.gpu.watts == 250.5);
    assert_true(isnan(read.gpu.memory_celsius) && read.gpu.pcie_to == 5e6 && read.gpu.pcie_from == 4e6);
    assert_true(read.seconds == 6 && read.bad_records == 7 && read.checkpoints_skipped == 8);
    free(cut);
    free(text);
}

/* Of an open file the end alone is read: a line that begins before it does not count. */
static void the_end_of_an_open_file_is_enough(void **state) {
    static const char line[] = "{\"step\": 9, \"lr\": 1}\n";
    enum { LINE = sizeof line - 1 };
    char path[TEMP_PATH * 2], *text = malloc(2 * METRICS_TAIL);
    MetricsLine read;
    bool found;
    assert_non_null(text);
    memset(text, ' ', 2 * METRICS_TAIL);
    for (int early = 0; early < 2; early++) {
        memcpy(text + METRICS_TAIL - early, line, LINE);
        assert_fine(files_write(temp_path(state, "long.jsonl", path), text, 2 * METRICS_TAIL));
        int descriptor = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(descriptor >= 0);
        assert_fine(metrics_last_in(descriptor, path, &read, &found));
        assert_int_equal(found, !early);
        assert_int_equal(read.step, early ? 0 : 9);
        close(descriptor);
    }
    assert_refused(metrics_last_in(-1, "closed.jsonl", &read, &found), EXIT_IO, "closed.jsonl");
    free(text);
}

static void plant(void **state, const char *name) {
    char path[TEMP_PATH * 2], folder[TEMP_PATH * 2];
    temp_path(state, name, path);
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
    assert_fine(files_make_directory(folder));
    assert_fine(files_write(path, "x", 1));
}

static void runs_are_listed_by_name(void **state) {
    char folder[TEMP_PATH * 2], **names;
    int count;
    plant(state, "runs/b/run.json");
    plant(state, "runs/a/config.ini");
    plant(state, "runs/c/eye.png");
    plant(state, "runs/.hidden/run.json");
    plant(state, "runs/file");
    assert_fine(run_directory_list(temp_path(state, "runs", folder), &names, &count));
    assert_int_equal(count, 2);
    assert_string_equal(names[0], "a");
    assert_string_equal(names[1], "b");
    run_directory_list_free(names, count);
    assert_refused(run_directory_list(temp_path(state, "nowhere", folder), &names, &count), EXIT_IO, "cannot list");
    run_directory_list_free(names, count);
}

static void assert_checkpoint(const RunDirectory *directory, int64_t wanted, const char *name) {
    int64_t step;
    char *path;
    assert_fine(run_directory_checkpoint(directory, &step, &path));
    assert_int_equal(step, wanted);
    if (name)
        assert_string_equal(strrchr(path, '/') + 1, name);
    else
        assert_null(path);
    free(path);
}

static void write_checksums(void **state, const char *checkpoint, const char *text) {
    char name[128], path[TEMP_PATH * 2];
    snprintf(name, sizeof name, "one/ckpt/%s/checksums", checkpoint);
    plant(state, name);
    assert_fine(files_write(temp_path(state, name, path), text, strlen(text)));
}

static void the_newest_complete_checkpoint_counts(void **state) {
    char path[TEMP_PATH * 2];
    RunDirectory directory;
    assert_fine(run_directory_open(&directory, temp_path(state, "one", path)));
    assert_checkpoint(&directory, -1, NULL);
    plant(state, "one/ckpt/step-9/state.json"); /* without checksums */
    plant(state, "one/ckpt/step-007/state.json");
    write_checksums(state, "step-007", "00  state.json\n");
    write_checksums(state, "step-8", "00  weights.safetensors\n00  state.json\n");
    plant(state, "one/ckpt/step-8/state.json");
    write_checksums(state, ".step-10.part", "00  checksums\n");
    write_checksums(state, "step-11", "");
    write_checksums(state, "step-12", "00\n");
    assert_checkpoint(&directory, -1, NULL);
    write_checksums(state, "step-6.old", "00  checksums\n");
    assert_checkpoint(&directory, 6, "step-6.old");
    write_checksums(state, "step-5", "00  checksums\n");
    assert_checkpoint(&directory, 6, "step-6.old");
    plant(state, "one/ckpt/step-8/weights.safetensors");
    assert_checkpoint(&directory, 8, "step-8");
    run_directory_close(&directory);
}

/* The directory that an earlier version wrote. */
static void an_old_run_is_read(void **state) {
    (void)state;
    char **names;
    int count;
    assert_fine(run_directory_list("tests/fixtures/old_run", &names, &count));
    assert_int_equal(count, 1);
    assert_string_equal(names[0], "run");
    run_directory_list_free(names, count);

    RunDirectory directory;
    RunSummary summary;
    MetricsLine line;
    bool found;
    assert_fine(run_directory_open(&directory, "tests/fixtures/old_run/run"));
    assert_fine(run_summary_read(directory.record, &summary));
    assert_int_equal(summary.status, RUN_UNTIL);
    assert_true(summary.steps == 15 && summary.total_steps == 30 && summary.schedule_steps == 30 &&
                summary.data_count == 6 && summary.best_step == 15);
    run_summary_close(&summary);
    assert_fine(metrics_last(directory.metrics, &line, &found));
    assert_true(found && line.step == 15);
    assert_checkpoint(&directory, 15, "step-15");
    run_directory_close(&directory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(every_status_has_its_name),
        cmocka_unit_test(what_is_missing_has_its_default),
        cmocka_unit_test(numbers_are_those_of_the_page),
        cmocka_unit_test(odd_events_do_no_harm),
        cmocka_unit_test(what_is_no_record_is_refused),
        cmocka_unit_test(the_newest_training_line_counts),
        cmocka_unit_test(the_end_of_an_open_file_is_enough),
        cmocka_unit_test(runs_are_listed_by_name),
        cmocka_unit_test(the_newest_complete_checkpoint_counts),
        cmocka_unit_test(an_old_run_is_read),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
