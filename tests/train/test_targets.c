/* SPDX-License-Identifier: Apache-2.0 */
/* What labelled objectives train towards, and the labels that they refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fixtures/check.h"
#include "tests/fixtures/temp.h"
#include "train/objective/objectives.h"

#include <math.h>

enum { TRAIN = 6, VAL = 2 };

static void write_file(void **state, const char *name, const char *text) {
    char path[TEMP_PATH * 2];
    assert_fine(files_write(temp_path(state, name, path), text, strlen(text)));
}

static int draw_folders(void **state) {
    assert_int_equal(temp_open(state), 0);
    for (int i = 0; i < TRAIN + VAL; i++) {
        char name[32], path[TEMP_PATH * 2];
        snprintf(name, sizeof name, i < TRAIN ? "train" : "val");
        assert_fine(files_make_directory(temp_path(state, name, path)));
        snprintf(name, sizeof name, i < TRAIN ? "train/%d.png" : "val/%d.png", i);
        write_file(state, name, name);
    }
    return 0;
}

/* Of the labels train/0.png ... train/5.png, val/6.png and val/7.png in `cells`, rows separated by blanks. */
static Status open_labels(void **state, const char *sets, const char *columns, const char *cells, Records *train,
                          Targets *targets) {
    char path[TEMP_PATH * 2], ini[TEMP_PATH * 2], text[1000], copy[300], *list[8], *rest;
    int used = snprintf(text, sizeof text, "file,%s\n", columns), count = 0;
    snprintf(copy, sizeof copy, "%s", cells);
    rest = copy;
    for (int i = 0; i < TRAIN + VAL; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, "%s/%d.png,%s\n", i < TRAIN ? "train" : "val", i,
                         strtok_r(rest, " ", &rest));
    write_file(state, "labels.csv", text);
    write_file(state, "t.ini", "[train]\nglobal_batch = 2\n[optim]\nwarmup_epochs = 0\n");
    char label[100], all[300];
    snprintf(label, sizeof label, "data.label=%s", columns);
    snprintf(all, sizeof all, "%s", sets);
    list[count++] = label;
    for (char *at = all, *set; (set = strtok_r(at, " ", &at));)
        list[count++] = set;
    Config config;
    Records val;
    assert_fine(config_load(&train_config, &config, temp_path(state, "t.ini", ini), list, count, NULL));
    assert_fine(records_open(temp_path(state, "train", path), "", RECORDS_TRAIN, train));
    assert_fine(records_open(temp_path(state, "val", path), "", RECORDS_VAL, &val));
    Status status = targets_open(&config, train, &val, NULL, targets);
    records_close(&val);
    return status;
}

#define CLASSIFY "train.objective=classify"
#define ORDINAL "train.objective=ordinal"
#define MULTILABEL "train.objective=multilabel"
#define REGRESS "train.objective=regress"

static void bad_labels_are_refused(void **state) {
    static const struct {
        const char *sets, *columns, *cells, *message;
    } cases[] = {
        {CLASSIFY, "grade", "0 1 2 0 1.5 0 1 0", "grade is 1.5 for 4.png, which is no class"},
        {CLASSIFY, "grade", "0 1 -1 0 1 0 1 0", "grade is -1 for 2.png, which is no class"},
        {CLASSIFY, "grade", "0 1 1e9 0 1 0 1 0", "but the classes end before it"},
        {CLASSIFY, "grade", "0 1 3 0 1 0 1 0", "no training image has class 2 of grade, but one has class 3"},
        {CLASSIFY " data.classes=3", "grade", "0 1 3 0 1 0 1 0", "grade is 3 for 2.png, but the classes end before it"},
        {CLASSIFY, "grade", "0 1 1 0 1 0 2 0", "grade is 2 for 6.png, but the classes end before it"},
        {CLASSIFY, "grade", "1 1 1 nan 1 1 1 0", "grade has the same class in all training images"},
        {ORDINAL, "grade", "2 2 2 2 2 2 1 0", "grade has the same class in all training images"},
        {MULTILABEL, "a,b", "0,1 1,2 0,0 1,1 0,1 1,0 0,0 1,1", "b is 2 for 1.png, where multilabel takes 0 or 1"},
        {MULTILABEL, "a,b", "0,1 1,1 0,1 1,1 0,1 1,nan 0,0 1,1", "b is the same in all training images"},
        {REGRESS, "age", "5 5 5 5 5 nan 4 4", "age is the same in all training images"},
        {REGRESS, "a,b", "5, 6, 5, 5, 5, 4, 4,4 4,4", "b is not known in all training images"},
        {REGRESS, "age", "5 1e39 5 5 5 nan 4 4", "age is inf for 1.png, which is not finite"},
        {CLASSIFY, "grade", "0 1 1 0 1 0 nan nan", "none of the 2 images"},
        {CLASSIFY, "grade", "nan nan nan nan nan nan 1 0", "none of the 6 images"},
        {CLASSIFY " val.images=1", "grade", "0 1 1 0 1 0 nan 1",
         "none of the first 1 validation images has a label grade"},
        {CLASSIFY, "grade", "0 1 low 0 1 0 1 0", "labels.csv:4: grade is 'low', which is no number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Records train;
        Targets targets;
        assert_refused(open_labels(state, cases[i].sets, cases[i].columns, cases[i].cells, &train, &targets), EXIT_DATA,
                       cases[i].message);
        records_close(&train);
    }
}

static void classes_are_those_of_the_training_images(void **state) {
    Records train;
    Targets targets;
    assert_fine(open_labels(state, CLASSIFY, "grade", "0 1 2 nan 1 0 2 nan", &train, &targets));
    assert_int_equal(targets.classes, 3);
    assert_null(targets.weights);
    assert_int_equal(train.samples_per_epoch, 5); /* one has no label */
    assert_true(targets.val.values[0] == 2 && isnan(targets.val.values[1]));
    targets_close(&targets);
    records_close(&train);
    /* A class that no training image has is allowed when the number of classes is given. */
    assert_fine(open_labels(state, CLASSIFY " data.classes=5", "grade", "0 1 3 3 1 0 2 4", &train, &targets));
    assert_int_equal(targets.classes, 5);
    assert_null(train.groups[0].list); /* nobody is left out */
    targets_close(&targets);
    records_close(&train);
}

static void balance_shows_classes_alike(void **state) {
    Records train;
    Targets targets;
    int shown[3] = {0};
    assert_fine(open_labels(state, ORDINAL " data.balance=on", "grade", "0 0 0 1 2 2 0 0", &train, &targets));
    assert_int_equal(train.samples_per_epoch, 6);
    for (uint64_t position = 0; position < 6; position++)
        shown[(int)targets.train.values[records_at(&train, 1, 0, position) % TRAIN]]++;
    assert_true(shown[0] == 2 && shown[1] == 2 && shown[2] == 2);
    targets_close(&targets);
    records_close(&train);
}

static void rare_classes_weigh_more(void **state) {
    static const struct {
        const char *sets, *columns, *cells;
        float weights[3];
        int count;
    } cases[] = {
        /* 6 images of 3 classes: 6 / (3 n). */
        {CLASSIFY, "grade", "0 0 0 1 2 2 0 0", {6.0f / 9, 2, 1}, 3},
        {CLASSIFY " data.classes=4", "grade", "0 0 0 2 2 2 0 0", {1, 1, 1}, 3},
        /* Above class 0 are 3 of 6, above class 1 are 2. */
        {ORDINAL, "grade", "0 0 0 1 2 2 0 0", {1, 2}, 2},
        {MULTILABEL, "a,b", "0,0 0,1 0,0 1,nan 0,1 0,1 0,0 1,1", {5, 2.0f / 3}, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Records train;
        Targets targets;
        char sets[200];
        snprintf(sets, sizeof sets, "%s train.class_weights=on", cases[i].sets);
        assert_fine(open_labels(state, sets, cases[i].columns, cases[i].cells, &train, &targets));
        for (int k = 0; k < cases[i].count; k++)
            assert_true(fabsf(targets.weights[k] - cases[i].weights[k]) < 1e-6f);
        targets_close(&targets);
        records_close(&train);
    }
}

static void numbers_are_standardised_on_the_training_images(void **state) {
    Records train;
    Targets targets;
    assert_fine(open_labels(state, REGRESS, "a,age", "1,10 2,20 3,10 1,20 2,10 3,20 2,25 nan,15", &train, &targets));
    assert_true(targets.mean[1] == 15 && targets.sd[1] == 5);
    const float wanted[] = {-1, 1, -1, 1, -1, 1};
    for (int i = 0; i < TRAIN; i++)
        assert_true(targets.train.values[2 * i + 1] == wanted[i]);
    assert_true(targets.val.values[1] == 2 && targets.val.values[3] == 0);
    assert_true(targets.val.values[0] == 0 && isnan(targets.val.values[2]));
    targets_close(&targets);
    records_close(&train);
}

static void a_person_is_on_one_side(void **state) {
    Records train, val;
    Targets targets;
    char path[TEMP_PATH * 2];
    Config config;
    char *sets[] = {(char *)CLASSIFY, (char *)"data.label=grade"};
    assert_fine(open_labels(state, CLASSIFY, "grade", "0 1 0 1 0 1 0 1", &train, &targets));
    targets_close(&targets);
    write_file(state, "labels.csv", "file,person,grade\ntrain/0.png,ann,0\ntrain/1.png,bob,1\nval/6.png,bob,1\n");
    assert_fine(config_load(&train_config, &config, temp_path(state, "t.ini", path), sets, 2, NULL));
    assert_fine(records_open(temp_path(state, "val", path), "", RECORDS_VAL, &val));
    assert_refused(targets_open(&config, &train, &val, NULL, &targets), EXIT_DATA, "person bob of ");
    records_close(&train);
    records_close(&val);
}

static void keys_of_other_objectives_are_refused(void **state) {
    static const struct {
        const char *sets, *message;
    } cases[] = {
        {"data.label=grade", "data.label has no use with train.objective = mae"},
        {"model.pool=cls", "model.pool = cls has no use with train.objective = mae"},
        {"model.layer_scale=on", "model.layer_scale has no use"},
        {"model.drop_path=0.2", "model.drop_path has no use"},
        {"data.jitter=0.1", "data.jitter has no use"},
        {"data.erase=0.1", "data.erase has no use"},
        {"train.freeze_blocks=1", "train.freeze_blocks has no use"},
        {"train.head_epochs=2", "train.head_epochs has no use"},
        {"init.fresh=head", "have no use without init.from"},
        {"init.resize=antialias", "have no use without init.from"},
        {CLASSIFY, "train.objective = classify needs data.label"},
        {CLASSIFY " data.label=a,b", "takes one column, but data.label = a,b"},
        {REGRESS " data.label=a data.balance=on", "data.balance has no use"},
        {MULTILABEL " data.label=a data.classes=3", "data.classes has no use"},
        {ORDINAL " data.label=a train.label_smoothing=0.1", "train.label_smoothing has no use"},
        {REGRESS " data.label=a train.class_weights=on", "train.class_weights has no use"},
        {CLASSIFY " data.label=a data.classes=1", "data.classes = 1 leaves nothing to learn"},
        {CLASSIFY " data.label=a data.balance=on data.weights=1,2", "remove one of them"},
    };
    char ini[TEMP_PATH * 2];
    write_file(state, "k.ini", "");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char all[200], *list[4];
        int count = 0;
        Config config;
        snprintf(all, sizeof all, "%s", cases[i].sets);
        for (char *at = all, *set; (set = strtok_r(at, " ", &at));)
            list[count++] = set;
        assert_fine(config_load(&train_config, &config, temp_path(state, "k.ini", ini), list, count, NULL));
        assert_refused(objectives_check(&config), EXIT_USAGE, cases[i].message);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_labels_are_refused),
        cmocka_unit_test(classes_are_those_of_the_training_images),
        cmocka_unit_test(balance_shows_classes_alike),
        cmocka_unit_test(rare_classes_weigh_more),
        cmocka_unit_test(numbers_are_standardised_on_the_training_images),
        cmocka_unit_test(a_person_is_on_one_side),
        cmocka_unit_test(keys_of_other_objectives_are_refused),
    };
    return cmocka_run_group_tests(tests, draw_folders, temp_close);
}
