/* SPDX-License-Identifier: Apache-2.0 */
/* The losses of a masked autoencoder before and after a further training, paired by image and by person. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eval/budget/forgetting.h"
#include "tests/fixtures/short_run.h"
#include "train/evaluate.h"

#include <math.h>

enum { ROWS = 24 };

typedef struct {
    char *root;
    char *old, *new;  /* the runs before and after a further training on the folder `train` */
    char *weights[2]; /* theirs */
    Config config;    /* of the further training */
    Records records;  /* of a pack, two images a person */
    int64_t record[ROWS], split[ROWS], person[ROWS];
    EvalRows rows;
} Setting;

/* Returns the run's directory. */
static char *train(const char *root, const char *name, const char *sets, Config *config) {
    const TrainOptions options = {.config_path = "short.ini"};
    char *all = printed_path("monitor.every=0 val.every=0 train.micro_batch=2 run.dir=@/%s %s", name, sets);
    short_run_config(root, all, config);
    free(all);
    assert_ok(train_run(config, &options));
    return printed_path("%s", config->run.dir);
}

static int open_setting(void **state) {
    static const PackSpec spec = {"one", "tvee", SHORT_SIDE + 4, ROWS, 100, 1};
    Setting *s = calloc(1, sizeof *s);
    assert_non_null(s);
    *state = s;
    s->root = scratch_make();
    short_run_draw(s->root);
    s->old = train(s->root, "old", "", &s->config);
    s->weights[0] = scratch_path(s->old, "ckpt/latest/weights.safetensors");
    char *sets = printed_path("init.from=%s train.steps=20 train.seed=2", s->weights[0]);
    s->new = train(s->root, "new", sets, &s->config);
    s->weights[1] = scratch_path(s->new, "ckpt/latest/weights.safetensors");
    free(sets);
    char *pack = fixture_pack(s->root, "pack", &spec);
    assert_ok(records_open(pack, "", RECORDS_ALL, &s->records));
    free(pack);
    for (int i = 0; i < ROWS; i++) {
        s->record[i] = ROWS - 1 - i; /* rows need not have the records' order */
        s->person[i] = s->record[i] / 2;
        const PackSplit split = s->records.parts[0].pack.rows[s->record[i]].split;
        s->split[i] = split == PACK_SPLIT_TRAIN ? PROBE_TRAIN : split == PACK_SPLIT_VAL ? PROBE_VAL : PROBE_TEST;
    }
    s->rows = (EvalRows){.kind = EVAL_BINARY, .outputs = 1, .count = ROWS, .split = s->split, .person = s->person};
    return 0;
}

static int close_setting(void **state) {
    Setting *s = *state;
    records_close(&s->records);
    free(s->old);
    free(s->new);
    free(s->weights[0]);
    free(s->weights[1]);
    scratch_remove(s->root);
    free(s);
    return 0;
}

static Forgetting measure(const Setting *s, const char *old, const char *new, int threads) {
    const ForgettingInput input = {.old = old,
                                   .new = new,
                                   .rows = &s->rows,
                                   .records = &s->records,
                                   .record = s->record,
                                   .bootstraps = 400,
                                   .seed = 3,
                                   .threads = threads};
    Forgetting f;
    assert_ok(forgetting_measure(&input, &f));
    return f;
}

/* The means are those of the val and test images alone; the error is near the analytic one of people's means. */
static void differences_are_paired(void **state) {
    Setting *s = *state;
    bool wanted[ROWS];
    double *losses[2], change[ROWS / 2] = {0}, mean = 0, squares = 0;
    int width, images = 0, people = 0;
    for (int i = 0; i < ROWS; i++)
        images += wanted[s->record[i]] = s->split[i] != PROBE_TRAIN;
    for (int i = 0; i < 2; i++) {
        const EvaluateInput input = {
            .config = &s->config, .weights = s->weights[i], .records = &s->records, .wanted = wanted};
        assert_ok(evaluate_images(&input, &losses[i], &width));
    }
    const Forgetting f = measure(s, s->old, s->new, 1);
    double old = 0;
    for (int r = 0; r < ROWS; r++)
        if (wanted[r]) {
            old += losses[0][r] / images;
            change[r / 2] += (losses[1][r] - losses[0][r]) / 2;
            people += r % 2;
        }
    for (int p = 0; p < ROWS / 2; p++)
        mean += change[p] / people;
    for (int p = 0; p < ROWS / 2; p++)
        if (wanted[2 * p])
            squares += (change[p] - mean) * (change[p] - mean);
    assert_int_equal(f.images, images);
    assert_int_equal(f.people, people);
    assert_true(fabs(f.old - old) < 1e-12 && fabs(f.difference - mean) < 1e-12);
    assert_true(f.difference != 0 && f.interval.low < f.difference && f.interval.high > f.difference);
    /* 400 replicates know a deviation to 1 / sqrt(800) of it, 3.5 %; four of these. */
    assert_true(fabs(f.interval.error / (sqrt(squares) / people) - 1) < 0.15);
    const Forgetting again = measure(s, s->old, s->new, 2);
    assert_memory_equal(&again.interval.low, &f.interval.low, sizeof(double));
    free(losses[0]);
    free(losses[1]);
}

static void the_same_weights_forgot_nothing(void **state) {
    const Forgetting f = measure(*state, ((Setting *)*state)->old, ((Setting *)*state)->old, 1);
    assert_true(f.difference == 0 && f.interval.low == 0 && f.interval.high == 0 && f.old == f.new);
}

static void without_people_there_is_no_interval(void **state) {
    Setting *s = *state;
    int64_t *person = &s->person[ROWS / 2];
    for (int i = 0; i < ROWS && s->split[i] == PROBE_TRAIN; i++)
        person = &s->person[i + 1];
    const int64_t kept = *person;
    *person = -1;
    Forgetting f = measure(s, s->old, s->new, 1);
    assert_true(f.people == -1 && isnan(f.interval.low) && f.difference != 0);
    assert_string_equal(f.reason, "whose images these are is not known");
    *person = kept;
    int64_t all[ROWS];
    memcpy(all, s->person, sizeof all);
    memset(s->person, 0, sizeof s->person);
    f = measure(s, s->old, s->new, 1);
    assert_true(f.people == 1 && isnan(f.interval.low));
    assert_string_equal(f.reason, "all images are of one person");
    memcpy(s->person, all, sizeof all);
}

/* The first weights as a file in a place of its own, which tells nothing of their run. */
static void weights_of_others_may_come_first(void **state) {
    Setting *s = *state;
    char *file = scratch_path(s->root, "others.safetensors");
    assert_int_equal(link(s->weights[0], file), 0);
    const Forgetting known = measure(s, s->old, s->new, 1), f = measure(s, file, s->new, 1);
    assert_memory_equal(&f, &known, sizeof f);
    free(file);
}

/* `sets` over the new run's keys. */
static void refuses(const Setting *s, const char *old, const char *new, char *set, ExitCode code, const char *message) {
    Forgetting f;
    const ForgettingInput input = {.old = old,
                                   .new = new,
                                   .sets = &set,
                                   .set_count = set != NULL,
                                   .rows = &s->rows,
                                   .records = &s->records,
                                   .record = s->record,
                                   .bootstraps = 2,
                                   .threads = 1};
    assert_fails(forgetting_measure(&input, &f), code, message);
}

static void what_has_no_loss_is_refused(void **state) {
    static char normed[] = "model.norm_pix_loss=off", heads[] = "model.heads=4", large[] = "model.patch_size=8";
    Setting *s = *state;
    Config config;
    short_run_label(s->root);
    char *labelled = train(s->root, "labelled", "train.objective=classify data.label=grade", &config);
    char *alone = scratch_path(s->root, "alone.safetensors"), *random = printed_path("%s:random", s->old),
         *first = scratch_path(s->root, "first.safetensors"),
         *encoder = scratch_path(labelled, "ckpt/latest/weights.safetensors");
    assert_int_equal(link(encoder, alone), 0);
    assert_int_equal(link(s->weights[0], first), 0);
    refuses(s, s->old, labelled, NULL, EXIT_USAGE, "labelled: is of a training towards labels");
    refuses(s, labelled, s->new, NULL, EXIT_USAGE, "labelled: is of a training towards labels");
    refuses(s, s->old, first, NULL, EXIT_USAGE, "first.safetensors: is of no run");
    refuses(s, random, s->new, NULL, EXIT_USAGE, ":random: random weights have nothing to forget");
    refuses(s, s->old, s->new, normed, EXIT_DATA, "trained with another model.norm_pix_loss");
    refuses(s, s->old, s->new, heads, EXIT_DATA, "trained with another model.heads");
    refuses(s, first, s->new, large, EXIT_DATA, "patch_embed.proj.weight");
    refuses(s, alone, s->new, NULL, EXIT_DATA, "an encoder alone reconstructs nothing");
    s->rows.count = 0;
    refuses(s, s->old, s->new, NULL, EXIT_DATA, "no image of val or test can be read");
    s->rows.count = ROWS;
    free(labelled);
    free(alone);
    free(random);
    free(first);
    free(encoder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(differences_are_paired), cmocka_unit_test(the_same_weights_forgot_nothing),
        cmocka_unit_test(without_people_there_is_no_interval), cmocka_unit_test(weights_of_others_may_come_first),
        cmocka_unit_test(what_has_no_loss_is_refused)};
    return cmocka_run_group_tests(tests, open_setting, close_setting);
}
