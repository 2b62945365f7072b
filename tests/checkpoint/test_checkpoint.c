/* SPDX-License-Identifier: Apache-2.0 */
/* What is written, what is kept, and what is read when something of it is damaged. */
#include "checkpoint/checksums.h"
#include "checkpoint/directory.h"
#include "checkpoint/read.h"
#include "checkpoint/state.h"
#include "checkpoint/write.h"
#include "tests/fixtures/checkpoint_fixture.h"

#include "base/safetensors.h"
#include "tests/fixtures/printed_path.h"

#include <dirent.h>
#include <sys/stat.h>

static const char *const files[] = {CHECKPOINT_WEIGHTS, CHECKPOINT_OPTIMIZER, CHECKPOINT_STATE, CHECKPOINT_CHECKSUMS};
enum { FILES = sizeof files / sizeof *files };

static void assert_link(const Fixture *fixture, const char *name, const char *target) {
    char text[64] = "", *path = path_of(fixture, name);
    assert_true(readlink(path, text, sizeof text - 1) > 0);
    assert_string_equal(text, target);
    free(path);
}

static int entries(const char *path) {
    DIR *stream = opendir(path);
    assert_non_null(stream);
    int count = -2; /* "." and ".." */
    while (readdir(stream))
        count++;
    closedir(stream);
    return count;
}

static void round_trip(void **state) {
    Fixture *fixture = *state;
    write_once(fixture, 1, 40, 2, true);
    reads(fixture, 1, 40);
    assert_link(fixture, "latest", "step-40");
    assert_link(fixture, "best", "step-40");
    assert_int_equal(entries(fixture->dir), 3);
    char *path = path_of(fixture, "step-40");
    assert_int_equal(entries(path), FILES);
    free(path);
}

/* Every field, to the bit: a resumed run must not differ in the last digit. */
static void state_is_exact(void **unused) {
    (void)unused;
    const double reals[] = {0.1 + 0.2, 1.0 / 3.0, 5e-324, 1.7976931348623157e308, -0.0, INFINITY,
                            -INFINITY, 0.7,       123.0};
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
        TrainState in = state_at((int64_t)1 << 53), out;
        in.next_batch = (uint64_t)1 << 53;
        in.val_loss = reals[i];
        in.best_val_loss = -reals[i];
        in.has_metric = true;
        in.val_metric = -reals[i];
        in.best_val_metric = reals[i];
        in.loss_mean = nextafter(reals[i], 7);
        in.config_hash = 0;
        in.best_step = -1;
        char *text;
        succeeds(checkpoint_state_print(&in, &text));
        succeeds(checkpoint_state_parse(text, "state.json", &out));
        assert_memory_equal(&in, &out, sizeof in);
        free(text);
    }
    TrainState in = state_at(1), out;
    in.val_loss = in.best_val_loss = in.loss_mean = NAN;
    char *text;
    succeeds(checkpoint_state_print(&in, &text));
    assert_non_null(strstr(text, "null"));
    assert_null(strstr(text, "metric")); /* as before there were figures */
    succeeds(checkpoint_state_parse(text, "state.json", &out));
    assert_true(isnan(out.val_loss) && isnan(out.best_val_loss) && isnan(out.loss_mean));
    assert_true(!out.has_metric && isnan(out.val_metric) && isnan(out.best_val_metric));
    free(text);
}

static void state_refuses(void **unused) {
    (void)unused;
    static const struct {
        const char *from, *to, *named;
    } edits[] = {
        {"\"step\"", "\"stop\"", "\"step\""},
        {"\"guard_events\"", "\"guard\"", "\"guard_events\""},
        {"123456789012", "1.5", "\"data_count\""},
        {"123456789012", "1e300", "\"data_count\""},
        {"123456789012", "null", "\"data_count\""},
        {"\"fedcba9876543210\"", "\"fedcba987654321\"", "\"config_hash\""},
        {"\"fedcba9876543210\"", "\"fedcba987654321g\"", "\"config_hash\""},
        {"\"fedcba9876543210\"", "7", "\"config_hash\""},
        {"0.33333333333333331", "\"low\"", "\"val_loss\""},
        {"{", "[", "object"},
    };
    TrainState in = state_at(6), out;
    char *text;
    succeeds(checkpoint_state_print(&in, &text));
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        char *at = strstr(text, edits[i].from);
        assert_non_null(at);
        char *edited = printed_path("%.*s%s%s", (int)(at - text), text, edits[i].to, at + strlen(edits[i].from));
        Status status = checkpoint_state_parse(edited, "here/state.json", &out);
        assert_non_null(status);
        assert_non_null(strstr(status_message(status), "here/state.json"));
        assert_non_null(strstr(status_message(status), edits[i].named));
        fails(status, EXIT_DATA);
        free(edited);
    }
    free(text);
}

/* The weights are for other programs, too: the public names, nothing else. */
static void public_names(void **state) {
    Fixture *fixture = *state;
    write_once(fixture, 1, 5, 1, false);
    char *path = path_of(fixture, "step-5/" CHECKPOINT_WEIGHTS);
    SafeTensors *file;
    succeeds(safetensors_open(path, &file));
    assert_int_equal(safetensors_count(file), 4);
    const Tensor *tensor = safetensors_find(file, "blocks.0.mlp.fc1.weight");
    assert_non_null(tensor);
    assert_int_equal(tensor->dims, 2);
    assert_int_equal(tensor->shape[0], 5);
    assert_non_null(safetensors_find(file, "pos_embed"));
    assert_string_equal(safetensors_note(file, "format"), "pt");
    safetensors_close(file);
    free(path);
    path = path_of(fixture, "step-5/" CHECKPOINT_OPTIMIZER);
    succeeds(safetensors_open(path, &file));
    assert_int_equal(safetensors_count(file), 6);
    assert_non_null(safetensors_find(file, "m.cls_token"));
    assert_non_null(safetensors_find(file, "v.blocks.0.mlp.fc1.bias"));
    assert_null(safetensors_find(file, "m.pos_embed"));
    safetensors_close(file);
    free(path);
}

static void keeps_newest_and_best(void **state) {
    Fixture *fixture = *state;
    CheckpointWriter *writer;
    succeeds(checkpoint_writer_open(fixture->dir, &fixture->params, &(CheckpointKeep){.newest = 2}, &writer));
    for (int64_t step = 8; step <= 12; step++)
        write_step(writer, &fixture->params, 1, step, step == 9);
    assert_false(has(fixture, "step-8"));
    assert_true(has(fixture, "step-9"));
    assert_false(has(fixture, "step-10"));
    assert_true(has(fixture, "step-11"));
    assert_true(has(fixture, "step-12"));
    assert_link(fixture, "best", "step-9");
    assert_link(fixture, "latest", "step-12");
    write_step(writer, &fixture->params, 1, 13, true);
    assert_false(has(fixture, "step-9"));
    assert_link(fixture, "best", "step-13");
    assert_int_equal(entries(fixture->dir), 2 + 2);
    checkpoint_writer_close(writer);
    reads(fixture, 1, 13); /* by number, not by name: "step-9" sorts after "step-13" */
}

/* Of each step that has passed, the nearest that is there: of two as near the newer. Step 20 is left
 * behind by a run that goes back. */
static void keeps_the_nearest_to_steps(void **state) {
    Fixture *fixture = *state;
    CheckpointWriter *writer;
    const CheckpointKeep keep = {.newest = 1, .steps = {7, 12, 15, 40}, .step_count = 4};
    succeeds(checkpoint_writer_open(fixture->dir, &fixture->params, &keep, &writer));
    static const struct {
        int64_t step;
        const char *there; /* after it */
    } course[] = {{4, "4"},     {6, "6"},        {8, "8"},           {11, "8 11"},
                  {13, "8 13"}, {14, "8 13 14"}, {20, "8 13 14 20"}, {16, "8 13 16"}};
    for (size_t i = 0; i < sizeof course / sizeof *course; i++) {
        char there[64] = "", name[CHECKPOINT_NAME];
        write_step(writer, &fixture->params, 1, course[i].step, false);
        for (int64_t step = 1; step <= 20; step++) {
            snprintf(name, sizeof name, "step-%d", (int)step);
            if (has(fixture, name))
                snprintf(there + strlen(there), sizeof there - strlen(there), "%s%d", *there ? " " : "", (int)step);
        }
        assert_string_equal(there, course[i].there);
    }
    checkpoint_writer_close(writer);
}

/* A run that went back to step 20 because 30 was damaged has left that course: 30 must not count as newer than 25. */
static void left_course_is_removed(void **state) {
    Fixture *fixture = *state;
    write_once(fixture, 1, 20, 1, false);
    char *other = path_of(fixture, "step-30");
    succeeds(files_make_directory(other));
    free(other);
    write_once(fixture, 1, 25, 1, false);
    assert_false(has(fixture, "step-20"));
    assert_false(has(fixture, "step-30"));
    reads(fixture, 1, 25);
}

static void same_step_again(void **state) {
    Fixture *fixture = *state;
    write_once(fixture, 1, 20, 1, true);
    write_once(fixture, 2, 20, 1, false);
    reads(fixture, 2, 20);
    assert_link(fixture, "best", "step-20");
    assert_int_equal(entries(fixture->dir), 3);
}

typedef enum { FLIP, CUT, EMPTY, LONGER, GARBAGE, MISSING, DIRECTORY, SWAPPED, DAMAGES } Damage;

/* Damages a file of step-20, or replaces it by step-10's sound one. */
static void damage_file(const Fixture *fixture, const char *name, Damage damage, size_t place) {
    char *path = printed_path("%s/step-20/%s", fixture->dir, name);
    char *other = printed_path("%s/step-10/%s", fixture->dir, name), *data;
    size_t size;
    succeeds(files_read(damage == SWAPPED ? other : path, &data, &size));
    if (damage == FLIP)
        data[place % size] ^= (char)(1 << place % 8);
    if (damage == LONGER)
        data[size] = '\n'; /* over the NUL */
    succeeds(files_remove(path));
    if (damage == DIRECTORY)
        succeeds(files_make_directory(path));
    else if (damage == GARBAGE)
        succeeds(files_write(path, "garbage\n", 8));
    else if (damage != MISSING)
        succeeds(files_write(path, data, damage == EMPTY ? 0 : size - (damage == CUT) + (damage == LONGER)));
    free(data);
    free(path);
    free(other);
}

static void falls_back(Fixture *fixture, const char *name, Damage damage, size_t place) {
    write_once(fixture, 1, 20, 2, false);
    damage_file(fixture, name, damage, place);
    char *note;
    read_expecting(fixture, 1, 10, &note);
    if (!note || !strstr(note, "step-20 skipped") || !strstr(note, name) || strstr(note, "step-10"))
        fail_msg("%s, damage %d: the note is %s", name, damage, note ? note : "none");
    free(note);
}

static void damaged_is_passed_over(void **state) {
    Fixture *fixture = *state;
    write_once(fixture, 1, 10, 2, false);
    for (int file = 0; file < FILES; file++)
        for (Damage damage = CUT; damage < DAMAGES; damage++)
            if (damage != SWAPPED || strcmp(files[file], CHECKPOINT_CHECKSUMS) != 0) /* that names the weights */
                falls_back(fixture, files[file], damage, 0);
}

static void every_byte_counts(void **state) {
    Fixture *fixture = *state;
    write_once(fixture, 1, 10, 2, false);
    for (int file = 0; file < FILES; file++) {
        char *path = printed_path("%s/step-10/%s", fixture->dir, files[file]), *data;
        size_t size;
        succeeds(files_read(path, &data, &size));
        free(data);
        free(path);
        for (size_t place = 0; place < size; place += 11)
            falls_back(fixture, files[file], FLIP, place);
        falls_back(fixture, files[file], FLIP, size - 1);
    }
}

static void none_sound(void **state) {
    Fixture *fixture = *state;
    write_once(fixture, 1, 10, 3, false);
    write_once(fixture, 1, 15, 3, false);
    write_once(fixture, 1, 20, 3, false);
    char *path = path_of(fixture, "step-15/" CHECKPOINT_OPTIMIZER);
    succeeds(files_remove(path));
    free(path);
    path = path_of(fixture, "step-10");
    succeeds(files_remove(path));
    succeeds(files_make_directory(path));
    free(path);
    damage_file(fixture, CHECKPOINT_STATE, EMPTY, 0);
    TrainState read;
    bool found = true;
    char *note = "";
    fill(&fixture->params, 3, 3);
    Status status = checkpoint_read(fixture->dir, &fixture->params, &read, &found, &note);
    assert_false(found);
    assert_null(note);
    assert_filled(fixture, 3, 3); /* nothing unsound reaches the parameters */
    const char *message = status_message(status);
    assert_non_null(strstr(message, "step-20 skipped"));
    assert_non_null(strstr(message, "step-15 skipped"));
    assert_non_null(strstr(message, "step-10 skipped"));
    assert_non_null(strstr(message, CHECKPOINT_OPTIMIZER));
    fails(status, EXIT_DATA);
}

static void none_at_all(void **state) {
    Fixture *fixture = *state;
    static const char *const strangers[] = {
        "step-7 copy", "step-007",    "step-",        "step--4", "step-+4",
        "step-x",      "step-7.part", ".step-7.part", "Step-7",  "step-99999999999999999999"};
    TrainState read;
    bool found = true;
    char *note;
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        char *path = path_of(fixture, strangers[i]);
        succeeds(files_make_directory(path));
        free(path);
    }
    succeeds(checkpoint_read(fixture->dir, &fixture->params, &read, &found, &note));
    assert_false(found);
    assert_null(note);
    found = true;
    succeeds(checkpoint_read("/nowhere/at/all", &fixture->params, &read, &found, &note));
    assert_false(found);
    assert_null(note);
}

/* The links are for people and other programs: a run does not depend on them. */
static void links_do_not_matter(void **state) {
    Fixture *fixture = *state;
    write_once(fixture, 1, 10, 2, true);
    write_once(fixture, 1, 20, 2, false);
    char *latest = path_of(fixture, "latest"), *best = path_of(fixture, "best");
    succeeds(files_link("step-10", latest));
    reads(fixture, 1, 20);
    succeeds(files_link("nowhere", latest));
    succeeds(files_link("latest", best));
    reads(fixture, 1, 20);
    succeeds(files_remove(latest));
    succeeds(files_remove(best));
    reads(fixture, 1, 20);
    free(latest);
    free(best);
    write_once(fixture, 1, 30, 2, true);
    assert_link(fixture, "latest", "step-30");
    assert_link(fixture, "best", "step-30");
}

static void refuse_each_other(Fixture *fixture, Model model) {
    Fixture larger = {0};
    fixture_params(&larger, model);
    strcpy(larger.dir, fixture->dir);
    write_once(fixture, 1, 10, 2, false);
    TrainState before = state_at(77), read = before;
    bool found;
    char *note;
    fails(checkpoint_read(fixture->dir, &larger.params, &read, &found, &note), EXIT_DATA);
    succeeds(files_remove(fixture->dir));
    write_once(&larger, 1, 10, 2, false);
    fill(&fixture->params, 3, 3);
    fails(checkpoint_read(fixture->dir, &fixture->params, &read, &found, &note), EXIT_DATA);
    assert_filled(fixture, 3, 3);
    assert_memory_equal(&read, &before, sizeof read);
    arena_close(&larger.arena);
    succeeds(files_remove(fixture->dir));
}

static void other_model_is_refused(void **state) {
    refuse_each_other(*state, ONE_TRAINABLE_MORE);
    refuse_each_other(*state, ONE_FIXED_MORE);
}

/* A frozen tensor has no moments in the file. One of an earlier version has them: they are left where they are. */
static void frozen_tensors_have_no_moments(void **state) {
    Fixture *fixture = *state, frozen = {0};
    fixture_params(&frozen, FIRST_FROZEN);
    strcpy(frozen.dir, fixture->dir);
    write_once(fixture, 1, 10, 2, false); /* all trained */
    TrainState read;
    bool found;
    char *note;
    fill(&frozen.params, 3, 3);
    succeeds(checkpoint_read(frozen.dir, &frozen.params, &read, &found, &note));
    assert_true(found && !note && read.step == 10);
    for (int i = 0; i < frozen.params.count; i++) {
        const Param *own = &frozen.params.list[i], *all = &fixture->params.list[i];
        const size_t bytes = own->count * sizeof(float);
        assert_memory_equal(params_value(&frozen.params, i), params_value(&fixture->params, i), bytes);
        if (!params_grad(&frozen.params, i))
            continue;
        assert_memory_equal(frozen.params.m + own->offset, fixture->params.m + all->offset, bytes);
        assert_memory_equal(frozen.params.v + own->offset, fixture->params.v + all->offset, bytes);
    }
    assert_null(params_grad(&frozen.params, 0));
    succeeds(files_remove(fixture->dir));

    write_once(&frozen, 1, 10, 2, false);
    char *path = path_of(fixture, "step-10/" CHECKPOINT_OPTIMIZER);
    SafeTensors *file;
    succeeds(safetensors_open(path, &file));
    assert_int_equal(safetensors_count(file), 4);
    assert_null(safetensors_find(file, "m.cls_token"));
    safetensors_close(file);
    free(path);
    succeeds(checkpoint_read(frozen.dir, &frozen.params, &read, &found, &note));
    assert_true(found && !note);
    fails(checkpoint_read(fixture->dir, &fixture->params, &read, &found, &note), EXIT_DATA);
    arena_close(&frozen.arena);
}

static void renamed_directory(void **state) {
    Fixture *fixture = *state;
    write_once(fixture, 1, 10, 2, false);
    write_once(fixture, 1, 20, 2, false);
    char *from = path_of(fixture, "step-20"), *to = path_of(fixture, "step-25"), *note;
    succeeds(files_rename(from, to));
    read_expecting(fixture, 1, 10, &note);
    assert_non_null(strstr(note, "step-25 skipped"));
    free(note);
    free(from);
    free(to);
}

static void signs_again(const Fixture *fixture, const char *name) {
    char *path = path_of(fixture, name), text[CHECKPOINT_CHECKSUMS_TEXT];
    succeeds(checkpoint_checksums(path, NULL, text));
    char *file = printed_path("%s/" CHECKPOINT_CHECKSUMS, path);
    succeeds(files_write(file, text, strlen(text)));
    free(file);
    free(path);
}

/* Checksums that hold over files that are wrong in themselves: written by another program, say. */
static void sound_sums_over_nonsense(void **state) {
    Fixture *fixture = *state;
    write_once(fixture, 1, 10, 2, false);
    for (int file = 0; file < 3; file++) {
        write_once(fixture, 1, 20, 2, false);
        damage_file(fixture, files[file], strcmp(files[file], CHECKPOINT_STATE) == 0 ? EMPTY : CUT, 0);
        signs_again(fixture, "step-20");
        char *note;
        read_expecting(fixture, 1, 10, &note);
        assert_non_null(strstr(note, files[file]));
        free(note);
    }
}

static void left_overs(void **state) {
    Fixture *fixture = *state;
    write_once(fixture, 1, 10, 2, false);
    write_once(fixture, 1, 20, 2, false);
    char *part = path_of(fixture, ".step-30.part/deeper"), *mine = path_of(fixture, ".step-notes");
    char *link = path_of(fixture, "latest.tmp-12-34"), *now = path_of(fixture, "step-20");
    char *old = path_of(fixture, "step-20.old");
    succeeds(files_make_directory(part));
    succeeds(files_make_directory(mine));
    succeeds(files_link("step-10", link));
    /* Killed between the two renames of a replacement. */
    succeeds(files_rename(now, old));
    reads(fixture, 1, 20);
    CheckpointWriter *writer;
    succeeds(checkpoint_writer_open(fixture->dir, &fixture->params, &(CheckpointKeep){.newest = 2}, &writer));
    checkpoint_writer_close(writer);
    assert_false(has(fixture, ".step-30.part"));
    assert_false(has(fixture, "latest.tmp-12-34"));
    assert_false(has(fixture, "step-20.old"));
    assert_true(has(fixture, ".step-notes"));
    reads(fixture, 1, 20);
    /* Killed after both: the replacement counts. */
    succeeds(files_make_directory(old));
    reads(fixture, 1, 20);
    succeeds(checkpoint_writer_open(fixture->dir, &fixture->params, &(CheckpointKeep){.newest = 2}, &writer));
    checkpoint_writer_close(writer);
    assert_false(has(fixture, "step-20.old"));
    reads(fixture, 1, 20);
    free(part);
    free(mine);
    free(link);
    free(now);
    free(old);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)
    const struct CMUnitTest tests[] = {
        TEST(round_trip),
        TEST(state_is_exact),
        TEST(state_refuses),
        TEST(public_names),
        TEST(keeps_newest_and_best),
        TEST(keeps_the_nearest_to_steps),
        TEST(left_course_is_removed),
        TEST(same_step_again),
        TEST(damaged_is_passed_over),
        TEST(every_byte_counts),
        TEST(none_sound),
        TEST(none_at_all),
        TEST(links_do_not_matter),
        TEST(other_model_is_refused),
        TEST(frozen_tensors_have_no_moments),
        TEST(renamed_directory),
        TEST(sound_sums_over_nonsense),
        TEST(left_overs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
