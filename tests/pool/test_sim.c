/* SPDX-License-Identifier: Apache-2.0 */
/* `pool sim` plays nodes, and a referee that shares no code with the pool says whether what happened is right. */
#include "tests/fixtures/temp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "pool/sim.h"
#include "tests/fixtures/check.h"
#include "tests/pool/truth/referee.h"

/* Plays a script, and holds it to what must hold of every one. */
static Referee play_file(void **state, const char *in, double gap) {
    char out[TEMP_PATH * 2];
    Referee referee;
    temp_path(state, "out.json", out);
    assert_fine(pool_sim(in, out, NULL));
    assert_true(referee_open(&referee, in, out));
    assert_true(referee_ledger_holds(&referee));
    assert_true(referee_attempts_hold(&referee));
    assert_true(referee_looks_hold(&referee, gap));
    assert_true(referee_starts_hold(&referee));
    return referee;
}

static Referee play(void **state, const char *script) {
    char in[TEMP_PATH];
    snprintf(in, sizeof in, "tests/pool/truth/%s", script);
    return play_file(state, in, 5);
}

static int count_states(const Referee *referee, const char *state) {
    const cJSON *job;
    int count = 0;
    cJSON_ArrayForEach(job, referee_list(referee, "jobs")) {
        count += strcmp(referee_text(job, "state"), state) == 0;
    }
    return count;
}

static void a_weekend_is_worked_through(void **state) {
    double waited;
    Referee referee = play(state, "weekend.json");
    const double share = referee_share_at_work(&referee, &waited);
    print_message("# at work %.2f %% of the %.1f h in which a job waited\n", 100 * share, waited / 3600);
    assert_true(waited > 20 * 3600);
    assert_true(share >= 0.97);
    /* The GPU on which all fails is found out, and nothing is lost to it. */
    assert_true(referee_seconds(&referee, "quarantined", "three in a row") > 50 * 3600);
    assert_int_equal(count_states(&referee, "done") + count_states(&referee, "failed"), 151);
    assert_true(count_states(&referee, "done") >= 121);
    referee_close(&referee);
}

static void without_the_filler_gpus_go_dark(void **state) {
    double waited;
    Referee referee = play(state, "dark.json");
    /* Jobs of 1500 to 6500 s run when it is switched off at 1200 s, and none starts after them. */
    const cJSON *job;
    double from[REFEREE_GPUS] = {0};
    int started = 0;
    cJSON_ArrayForEach(job, referee_list(&referee, "jobs")) {
        const cJSON *attempt = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(job, "attempts"), 0);
        if (attempt) {
            started++;
            from[referee_place(&referee, cJSON_GetObjectItemCaseSensitive(attempt, "gpus")->child->valuedouble)] =
                referee_number(attempt, "to");
        }
    }
    assert_int_equal(started, 6);
    double dark = 0;
    for (int i = 0; i < referee.gpu_count; i++)
        if (referee.pool[i])
            dark += referee.until - from[i];
    /* All of it is given that reason; the second before gauges show a GPU clear is none of it. */
    assert_true(fabs(referee_seconds(&referee, "idle", "the filler is off") - dark) < 6);
    assert_true(referee_share_at_work(&referee, &waited) < 0.5);
    referee_close(&referee);
}

static void with_the_filler_off_nothing_starts(void **state) {
    Referee referee = play(state, "off.json");
    assert_int_equal(count_states(&referee, "waiting"), 8);
    assert_true(referee_seconds(&referee, "held", "") == 0);
    assert_true(referee_seconds(&referee, "idle", "the filler is off") == 6 * 600);
    referee_close(&referee);
}

/* Adds up the seconds of a job that was done. */
static bool add_seconds(const Referee *referee, const RefereeRun *run, void *context) {
    double *seconds = context;
    (void)referee;
    *seconds += strcmp(referee_text(run->job, "state"), "done") == 0 ? run->to - run->from : 0;
    return true;
}

static void a_job_of_six_gpus_is_not_starved(void **state) {
    Referee referee = play(state, "six.json");
    /* Within grace (60 s) and a minute. */
    assert_true(referee_wait(&referee, 60) <= 120);
    assert_int_equal(count_states(&referee, "failed"), 0);
    /* What jobs had done before they were stopped is not done again. */
    double seconds = 0;
    referee_each_run(&referee, add_seconds, &seconds);
    assert_true(fabs(seconds - 600 - 1800 * (count_states(&referee, "done") - 1)) < 1e-3);
    referee_close(&referee);
}

static void only_what_looks_idle_twice_is_filled(void **state) {
    Referee referee = play(state, "looks.json");
    const cJSON *line;
    /* Only the GPU with unified memory is idle: 98 % at every second look, no utilisation, no list of processes,
     * memory or processes of nobody keep the others from work. */
    cJSON_ArrayForEach(line, referee_list(&referee, "ledger")) {
        if (strcmp(referee_text(line, "what"), "held") == 0)
            assert_true(referee_number(line, "gpu") == 7);
    }
    assert_int_equal(count_states(&referee, "done"), 5);
    assert_true(referee_seconds(&referee, "foreign", "") > 2 * 590);
    referee_close(&referee);
}

static void the_lanes_are_drawn(void **state) {
    char *text = NULL;
    size_t size;
    (void)state;
    FILE *out = open_memstream(&text, &size);
    assert_fine(pool_sim("tests/pool/truth/dark.json", NULL, out));
    fclose(out);
    int rows = 0;
    for (char *save, *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save), rows++) {
        assert_true(strlen(line) <= 80);
        if (rows == 0)
            assert_true(strncmp(line, "brain        0  ......", 22) == 0);
        if (rows == 2)
            assert_true(strncmp(line, "pool         2  A", 17) == 0 && strchr(line, '.') && !strchr(line, 'B'));
        if (rows == 8)
            assert_true(strncmp(line, "pool lanes ", 11) == 0 && strchr(line, '%'));
        if (strstr(line, "idle "))
            assert_non_null(strstr(line, "GPU-hours: the filler is off") ? line : strstr(line, ": "));
    }
    assert_true(rows >= 12);
    free(text);
}

static void write_random_job(Random *random, FILE *out) {
    static const char *const exits[] = {"0",     "0",     "0",  "1",  "139, 0",     "75, 0",
                                        "76, 0", "69, 0", "74", "77", "\"hang\", 0"};
    fprintf(out, "{\"at\": %u, \"seconds\": %u, \"gpus\": %u, \"exits\": [%s], \"priority\": %u, \"user\": \"u%u\"",
            random_below(random, 3) * random_below(random, 2000), random_below(random, 900),
            random_below(random, 4) ? 1 : 1 + random_below(random, 4),
            exits[random_below(random, sizeof exits / sizeof exits[0])], random_below(random, 3),
            random_below(random, 3));
    if (random_below(random, 2))
        fprintf(out, ", \"resumable\": true");
    if (random_below(random, 5) == 0)
        fprintf(out, ", \"util\": null");
    fprintf(out, "}");
}

static void write_random_gauge(Random *random, FILE *out) {
    static const char *const readings[] = {
        "\"util\": 98",        "\"util\": null",   "\"memory\": 5000000000",       "\"processes\": 2",
        "\"processes\": null", "\"memory\": null", "\"util\": 0, \"processes\": 0"};
    const unsigned from = random_below(random, 4000);
    fprintf(out, "{\"gpu\": %u, \"from\": %u, \"to\": %u, %s}", random_below(random, 5), from,
            from + random_below(random, 900), readings[random_below(random, sizeof readings / sizeof readings[0])]);
}

/* GPUs 1 to 4 are the pool's; about half of the time there is more work than GPUs. */
static unsigned write_random_script(uint64_t seed, const char *path) {
    Random random;
    random_start(&random, seed, RANDOM_TEST, 0, 0);
    const unsigned gap = 1 + random_below(&random, 4), jobs = 1 + random_below(&random, 30);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fprintf(out,
            "{\"rule\": \"[node]\\nname = n\\nlook_every = %u\\nlook_gap = %u\\ngrace = %u\\nstall = %u\\n[gpus]\\n0 = "
            "GPU-0\\n1 = GPU-1\\n2 = GPU-2\\n3 = GPU-3\\n4 = GPU-4\\n[lanes]\\nbrain = service 0\\npool = pool "
            "1-4\\n\", \"until\": 6000",
            1 + random_below(&random, 20), gap, 1 + random_below(&random, 90), 60 + random_below(&random, 600));
    if (random_below(&random, 3) == 0)
        fprintf(out, ", \"bad_gpus\": [%u]", 1 + random_below(&random, 4));
    if (random_below(&random, 4) == 0)
        fprintf(out, ", \"filler_off\": %u", random_below(&random, 4000));
    fprintf(out, ", \"jobs\": [");
    for (unsigned i = 0; i < jobs; i++, fprintf(out, i < jobs ? ", " : "]"))
        write_random_job(&random, out);
    fprintf(out, ", \"gauges\": [");
    for (unsigned i = 0, rows = 1 + random_below(&random, 12); i < rows; i++, fprintf(out, i < rows ? ", " : "]}"))
        write_random_gauge(&random, out);
    fclose(out);
    return gap;
}

static void drawn_nodes_keep_the_rules(void **state) {
    char in[TEMP_PATH * 2];
    temp_path(state, "drawn.json", in);
    const uint64_t seeds = getenv("FOVEA_LONG") ? 1000 : 10;
    for (uint64_t seed = 0; seed < seeds; seed++) {
        const unsigned gap = write_random_script(seed, in);
        print_message("# seed %d\n", (int)seed); /* the last one before a failure */
        Referee referee = play_file(state, in, gap);
        referee_close(&referee);
    }
}

#define RULE "\"rule\": \"[gpus]\\n0 = cpu\\n[lanes]\\npool = pool 0\\n\""

static void what_is_wrong_is_named(void **state) {
    static const struct {
        const char *script, *names;
    } rows[] = {
        {"[1]", "is not JSON, or not an object"},
        {"{", "is not JSON"},
        {"{\"until\": 5}", "rule: must be the text of a rule file"},
        {"{\"rule\": \"[gpu]\\n\", \"until\": 5}", "rule"},
        {"{" RULE "}", "until: is missing"},
        {"{" RULE ", \"until\": -1}", "until: must be a number from 0"},
        {"{" RULE ", \"until\": 5, \"nights\": 1}", "nights: there is no such field"},
        {"{" RULE ", \"until\": 5, \"filler\": 1}", "filler: must be true or false"},
        {"{" RULE ", \"until\": 5, \"bad_gpus\": [3]}", "bad_gpus: contains what is no number of a GPU"},
        {"{" RULE ", \"until\": 5, \"jobs\": {}}", "jobs: must be a list"},
        {"{" RULE ", \"until\": 5, \"jobs\": [7]}", "jobs[0]: must be an object"},
        {"{" RULE ", \"until\": 5, \"jobs\": [{\"seconds\": 1}, {\"at\": 1}]}", "jobs[1].seconds: is missing"},
        {"{" RULE ", \"until\": 5, \"jobs\": [{\"seconds\": 1, \"gpus\": 1.5}]}",
         "jobs[0].gpus: must be a whole number"},
        {"{" RULE ", \"until\": 5, \"jobs\": [{\"seconds\": \"x\"}]}", "jobs[0].seconds: must be a number"},
        {"{" RULE ", \"until\": 5, \"jobs\": [{\"seconds\": 1, \"exits\": []}]}", "jobs[0].exits: must be a list"},
        {"{" RULE ", \"until\": 5, \"jobs\": [{\"seconds\": 1, \"exits\": [256]}]}", "jobs[0].exits: must be a list"},
        {"{" RULE ", \"until\": 5, \"jobs\": [{\"seconds\": 1, \"user\": \"\"}]}", "jobs[0].user: must be a name"},
        {"{" RULE ", \"until\": 5, \"jobs\": [{\"seconds\": 1, \"util\": 101}]}", "jobs[0].util: must be a number"},
        {"{" RULE ", \"until\": 5, \"gauges\": [{\"gpu\": 4}]}", "gauges[0].gpu: the rule has no such GPU"},
        {"{" RULE ", \"until\": 5, \"gauges\": [{\"gpu\": 0, \"fan\": 4}]}", "gauges[0].fan: there is no such field"},
    };
    char in[TEMP_PATH * 2], out[TEMP_PATH * 2];
    temp_path(state, "in.json", in);
    temp_path(state, "none.json", out);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_fine(files_write(in, rows[i].script, strlen(rows[i].script)));
        assert_refused(pool_sim(in, out, NULL), EXIT_DATA, rows[i].names);
        assert_false(files_exists(out));
    }
    assert_refused(pool_sim("tests/pool/truth/none.json", out, NULL), EXIT_IO, "none.json");
}

static void what_asks_too_much_is_refused(void **state) {
    static const char script[] = "{" RULE ", \"until\": 50, \"jobs\": [{\"seconds\": 1, \"gpus\": 9}, {\"seconds\": 5,"
                                 " \"user\": \"bob\"}, {\"at\": 60, \"seconds\": 5}]}";
    char in[TEMP_PATH * 2], out[TEMP_PATH * 2];
    temp_path(state, "in.json", in);
    temp_path(state, "out.json", out);
    assert_fine(files_write(in, script, strlen(script)));
    assert_fine(pool_sim(in, out, NULL));
    Referee referee;
    assert_true(referee_open(&referee, in, out));
    assert_true(referee_ledger_holds(&referee));
    const cJSON *refused = referee_list(&referee, "jobs")->child, *done = refused->next, *late = done->next;
    assert_string_equal(referee_text(refused, "state"), "failed");
    assert_true(isnan(referee_number(refused, "job")) && referee_number(refused, "exit") == EXIT_REFUSED);
    assert_string_equal(referee_text(done, "state"), "done");
    assert_true(referee_number(done, "uid") == 1002);
    const cJSON *attempt = cJSON_GetObjectItemCaseSensitive(done, "attempts")->child;
    assert_true(referee_number(attempt, "from") == 0 && referee_number(attempt, "to") == 5);
    assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(late, "state")));
    referee_close(&referee);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_weekend_is_worked_through),
        cmocka_unit_test(without_the_filler_gpus_go_dark),
        cmocka_unit_test(with_the_filler_off_nothing_starts),
        cmocka_unit_test(a_job_of_six_gpus_is_not_starved),
        cmocka_unit_test(only_what_looks_idle_twice_is_filled),
        cmocka_unit_test(drawn_nodes_keep_the_rules),
        cmocka_unit_test(the_lanes_are_drawn),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(what_asks_too_much_is_refused),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
