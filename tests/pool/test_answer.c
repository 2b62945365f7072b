/* SPDX-License-Identifier: Apache-2.0 */
/* The answers as outside programs read them, made of a schedule with a database in memory: names and types of the
 * fields, null for what is not known, and what of others' jobs a member sees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pool/answer/answer_ghosts.h"
#include "pool/answer/answer_jobs.h"
#include "pool/answer/answer_lines.h"
#include "pool/answer/answer_top.h"
#include "pool/rule/rule.h"
#include "tests/fixtures/documented.h"
#include "tests/fixtures/temp.h"
#include "tests/pool/pool_jobs.h"

#include <math.h>
#include <unistd.h>

static const char rule_text[] = "[node]\n"
                                "name = node1\n"
                                "loan = 1970-01-02 1970-01-03\n"
                                "[gpus]\n"
                                "0 = GPU-0\n"
                                "2 = GPU-2\n"
                                "3 = GPU-3\n"
                                "5 = cpu\n"
                                "[lanes]\n"
                                "pool = pool 0 2-3 5\n"
                                "[roles]\n"
                                "admin = root\n"
                                "member = *\n";

typedef struct {
    Rule rule;
    Store *store;
    Schedule *schedule;
    AnswerSource source;
} Pool;

static const char *const uuids[] = {"GPU-0", "GPU-2", "GPU-3", ""};
static const Caller ann = {1000, "ann"}, bob = {1001, "bob"}, root = {0, "root"};

static void start_nothing(void *context, const Job *job, const Attempt *attempt) {
    (void)context, (void)job, (void)attempt;
}
static void stop_nothing(void *context, const Job *job, const Attempt *attempt, int signal) {
    (void)context, (void)job, (void)attempt, (void)signal;
}
static void tell_nobody(void *context, const char *event, const char *text, int64_t job, int gpu) {
    (void)context, (void)event, (void)text, (void)job, (void)gpu;
}

enum { DAY = 86400 };

static int open_pool(void **state) {
    static const ScheduleHost host = {.start = start_nothing, .stop = stop_nothing, .notify = tell_nobody};
    Pool *pool = calloc(1, sizeof *pool);
    assert_non_null(pool);
    setenv("TZ", "UTC", 1);
    assert_fine(rule_parse(rule_text, "rule.ini", stderr, &pool->rule));
    assert_fine(store_open(&pool->store, ":memory:"));
    assert_fine(schedule_open(&pool->schedule, &pool->rule, pool->store, &host, (int64_t)64 << 30, DAY));
    pool->source = (AnswerSource){.schedule = pool->schedule,
                                  .store = pool->store,
                                  .rule = &pool->rule,
                                  .uuids = uuids,
                                  .gauges_missing = "",
                                  .now = DAY};
    *state = pool;
    return 0;
}

static int close_pool(void **state) {
    Pool *pool = *state;
    schedule_close(pool->schedule);
    store_close(pool->store);
    free(pool);
    return 0;
}

static void see_idle(Pool *pool, int index, double now) {
    Observation seen;
    memset(&seen, 0, sizeof seen);
    gauges_unknown(&seen.sample, now, "");
    seen.sample.known = true;
    seen.sample.util = 0;
    seen.sample.memory_used = (int64_t)1 << 30;
    seen.sample.memory_total = (int64_t)80 << 30;
    seen.sample.process_count = 0;
    seen.sample.celsius = 32.5;
    seen.sample.throttle = THROTTLE_POWER_CAP | THROTTLE_HARDWARE_THERMAL;
    assert_fine(schedule_observe(pool->schedule, index, &seen, now));
}

/* All GPUs have been seen idle in a round of two looks. */
static void see_all_idle(Pool *pool) {
    for (int look = 0; look < 8; look++) {
        pool->source.now += 5;
        bool wanted[POOL_GPUS] = {false};
        double next;
        schedule_wants_looks(pool->schedule, pool->source.now, wanted, &next);
        for (int i = 0; i < 3; i++)
            if (wanted[i])
                see_idle(pool, i, pool->source.now);
    }
}

static int64_t submit(Pool *pool, const Caller *caller, const char *name, int gpu) {
    Job job = {.uid = caller->uid, .wants = {.gpus = 1, .gpu_memory = -1, .host_memory = -1}, .end = {.exit = -1}};
    char *answer = NULL;
    snprintf(job.user, sizeof job.user, "%s", caller->user);
    strcpy(job.wants.lane, "pool");
    job.wants.gpu_ids[0] = gpu;
    job.wants.gpu_id_count = 1;
    assert_true(asprintf(&job.command, "./train configs/%s.ini", name) > 0);
    job.name = strdup(name);
    job.request = strdup("{}");
    job.run_dir = strdup("");
    job.sweep = strdup("");
    job.trial = strdup("");
    assert_fine(schedule_submit(pool->schedule, caller, &job, false, false, &answer, pool->source.now));
    free(answer);
    assert_fine(schedule_tick(pool->schedule, pool->source.now));
    return job.id;
}

/* The answer, read; the caller's. */
#define ASK(function, ...)                                                                                             \
    ({                                                                                                                 \
        Json json_;                                                                                                    \
        char *text_;                                                                                                   \
        size_t size_;                                                                                                  \
        json_open(&json_, NULL);                                                                                       \
        assert_fine(function(__VA_ARGS__, &json_));                                                                    \
        assert_fine(json_close(&json_, "an answer", &text_, &size_));                                                  \
        cJSON *answer_ = cJSON_Parse(text_);                                                                           \
        if (!answer_)                                                                                                  \
            fail_msg("no JSON: %s", text_);                                                                            \
        free(text_);                                                                                                   \
        answer_;                                                                                                       \
    })

/* Every letter of `types` is the type of a member: s text, n number, b truth, o object, a array, z null; a capital may
 * be null, too. */
static void assert_members(const cJSON *object, const char *const *names, const char *types) {
    for (int i = 0; names[i]; i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, names[i]);
        const char type = types[i] | 0x20;
        const bool fits = item && ((type == 's' && cJSON_IsString(item)) || (type == 'n' && cJSON_IsNumber(item)) ||
                                   (type == 'b' && cJSON_IsBool(item)) || (type == 'o' && cJSON_IsObject(item)) ||
                                   (type == 'a' && cJSON_IsArray(item)) || (type == 'z' && cJSON_IsNull(item)) ||
                                   (type != types[i] && cJSON_IsNull(item)));
        if (!fits)
            fail_msg("%s is not '%c' in %s", names[i], types[i], cJSON_Print(object));
    }
}
#define MEMBERS(object, types, ...) assert_members(object, (const char *const[]){__VA_ARGS__, NULL}, types)

/* docs/pool.md has every field of the answer, with its type. */
static void assert_on_page(const char *heading, const cJSON *answer) {
    DocumentedTable table;
    documented_table("docs/pool.md", heading, &table);
    documented_look_up(&table, "", answer);
}

static const cJSON *member(const cJSON *object, const char *name) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    assert_non_null(item);
    return item;
}
static double number(const cJSON *object, const char *name) {
    assert_true(cJSON_IsNumber(member(object, name)));
    return member(object, name)->valuedouble;
}
static const char *text(const cJSON *object, const char *name) {
    assert_true(cJSON_IsString(member(object, name)));
    return member(object, name)->valuestring;
}

static void status_has_its_fields(void **state) {
    Pool *pool = *state;
    cJSON *status = ASK(answer_status, &pool->source, &ann);
    assert_on_page("status", status);
    MEMBERS(status, "nssooaz", "time", "node", "filler", "clock", "queue", "gpus", "no_gauges");
    assert_string_equal(text(status, "node"), "node1");
    assert_string_equal(text(status, "filler"), "on");
    MEMBERS(member(status, "clock"), "nnnnn", "total_s", "busy_s", "held_s", "idle_s", "left_s");
    MEMBERS(member(status, "queue"), "nnNz", "waiting", "running", "dry_in_s", "paused");
    const cJSON *gpus = member(status, "gpus");
    assert_int_equal(cJSON_GetArraySize(gpus), 4);
    for (int i = 0; i < 4; i++) {
        const cJSON *gpu = cJSON_GetArrayItem(gpus, i), *gauges = member(gpu, "gauges");
        MEMBERS(gpu, "nSsssNOZ", "gpu", "uuid", "lane", "state", "reason", "since", "gauges", "epoch");
        MEMBERS(gpu, "z", "holder");
        /* nothing was looked at yet: null, never 0 */
        MEMBERS(gauges, "zzzzzzzz", "util", "memory_used", "memory_total", "celsius", "memory_celsius", "watts",
                "watts_cap", "throttle");
    }
    assert_int_equal(number(cJSON_GetArrayItem(gpus, 2), "gpu"), 3);
    assert_string_equal(text(cJSON_GetArrayItem(gpus, 0), "state"), "unknown");
    assert_string_equal(text(cJSON_GetArrayItem(gpus, 3), "state"), "free");
    assert_true(cJSON_IsNull(member(cJSON_GetArrayItem(gpus, 3), "uuid")));
    cJSON_Delete(status);
    see_all_idle(pool);
    status = ASK(answer_status, &pool->source, &ann);
    const cJSON *gauges = member(cJSON_GetArrayItem(member(status, "gpus"), 1), "gauges");
    MEMBERS(gauges, "nnnnzzza", "util", "memory_used", "memory_total", "celsius", "memory_celsius", "watts",
            "watts_cap", "throttle");
    assert_true(number(gauges, "util") == 0 && number(gauges, "celsius") == 32.5);
    assert_true(number(gauges, "memory_total") == 80.0 * (1 << 30));
    assert_int_equal(cJSON_GetArraySize(member(gauges, "throttle")), 2);
    assert_string_equal(cJSON_GetArrayItem(member(gauges, "throttle"), 0)->valuestring, "power cap");
    cJSON_Delete(status);
}

/* The job of ann on gpu 2 runs as pid 4242, that of bob waits for the same GPU. */
static int64_t run_one(Pool *pool, int64_t *waits) {
    see_all_idle(pool);
    int64_t job = submit(pool, &ann, "night", 2);
    assert_fine(schedule_started(pool->schedule, job, 4242, pool->source.now));
    *waits = submit(pool, &bob, "day", 2);
    pool->source.now += 60;
    return job;
}

static const cJSON *holder_of(const cJSON *status, int index) {
    return member(cJSON_GetArrayItem(member(status, "gpus"), index), "holder");
}

static void a_holder_is_named_but_for_its_command(void **state) {
    Pool *pool = *state;
    int64_t waits;
    int64_t job = run_one(pool, &waits);
    const Caller *const callers[] = {&ann, &bob, &root, NULL};
    for (int i = 0; i < 4; i++) {
        cJSON *status = ASK(answer_status, &pool->source, callers[i]);
        const cJSON *holder = holder_of(status, 1);
        assert_on_page("status", status);
        MEMBERS(holder, callers[i] == &bob ? "snnnnz" : "snnnns", "user", "uid", "job", "pid", "since", "command");
        assert_string_equal(text(holder, "user"), "ann");
        assert_true(number(holder, "uid") == 1000 && number(holder, "pid") == 4242 && number(holder, "job") == job);
        assert_true(number(holder, "since") == pool->source.now - 60);
        if (callers[i] != &bob)
            assert_string_equal(text(holder, "command"), "./train configs/night.ini");
        const cJSON *gpu = cJSON_GetArrayItem(member(status, "gpus"), 1);
        assert_string_equal(text(gpu, "state"), "held");
        assert_true(number(gpu, "epoch") >= 1);
        assert_true(number(member(status, "queue"), "running") == 1);
        assert_true(number(member(status, "queue"), "waiting") == 1);
        cJSON_Delete(status);
    }
    /* the job has ended, its GPU was not looked at since: its holder is still who it was */
    assert_fine(schedule_ended(pool->schedule, job, (JobEnd){.exit = 0}, "", pool->source.now));
    cJSON *status = ASK(answer_status, &pool->source, &bob);
    assert_string_equal(text(cJSON_GetArrayItem(member(status, "gpus"), 1), "state"), "draining");
    assert_string_equal(text(holder_of(status, 1), "user"), "ann");
    assert_true(cJSON_IsNull(member(holder_of(status, 1), "command")));
    cJSON_Delete(status);
}

static void jobs_show_others_without_their_words(void **state) {
    Pool *pool = *state;
    int64_t waits;
    int64_t job = run_one(pool, &waits);
    cJSON *jobs = ASK(answer_jobs, &pool->source, &ann, false);
    assert_int_equal(cJSON_GetArraySize(jobs), 2);
    assert_on_page("jobs", jobs);
    const cJSON *own = cJSON_GetArrayItem(jobs, 0), *other = cJSON_GetArrayItem(jobs, 1);
    assert_true(number(own, "job") == job && number(other, "job") == waits); /* the running one first */
    MEMBERS(own, "nssnszssna", "job", "name", "user", "uid", "state", "exit", "reason", "command", "submitted",
            "attempts");
    MEMBERS(other, "nzsnszzznazz", "job", "name", "user", "uid", "state", "exit", "reason", "command", "submitted",
            "attempts", "run_dir", "sweep");
    assert_string_equal(text(own, "state"), "running");
    assert_string_equal(text(other, "state"), "waiting");
    assert_string_equal(text(other, "user"), "bob");
    const cJSON *attempt = cJSON_GetArrayItem(member(own, "attempts"), 0);
    MEMBERS(attempt, "nanzzzs", "epoch", "gpus", "from", "to", "exit", "signal", "why");
    assert_int_equal(cJSON_GetArrayItem(member(attempt, "gpus"), 0)->valueint, 2);
    cJSON_Delete(jobs);
    jobs = ASK(answer_jobs, &pool->source, &root, false);
    assert_string_equal(text(cJSON_GetArrayItem(jobs, 1), "command"), "./train configs/day.ini");
    cJSON_Delete(jobs);
}

static void an_ended_job_has_its_code(void **state) {
    Pool *pool = *state;
    int64_t waits;
    int64_t job = run_one(pool, &waits);
    assert_fine(schedule_act(pool->schedule, &bob, ACT_CANCEL, waits, pool->source.now));
    assert_fine(schedule_ended(pool->schedule, job, (JobEnd){.exit = 65}, "", pool->source.now));
    cJSON *jobs = ASK(answer_jobs, &pool->source, &ann, false);
    assert_int_equal(cJSON_GetArraySize(jobs), 0);
    cJSON_Delete(jobs);
    jobs = ASK(answer_jobs, &pool->source, &ann, true);
    assert_int_equal(cJSON_GetArraySize(jobs), 2);
    assert_on_page("jobs", jobs);
    const cJSON *own = cJSON_GetArrayItem(jobs, 0), *other = cJSON_GetArrayItem(jobs, 1);
    assert_string_equal(text(own, "state"), "failed");
    assert_true(number(own, "exit") == 65);
    const cJSON *attempt = cJSON_GetArrayItem(member(own, "attempts"), 0);
    MEMBERS(attempt, "nannnz", "epoch", "gpus", "from", "to", "exit", "signal");
    assert_true(number(attempt, "exit") == 65 && number(attempt, "to") == pool->source.now);
    assert_string_equal(text(other, "state"), "cancelled");
    MEMBERS(other, "zz", "exit", "reason");
    assert_int_equal(cJSON_GetArraySize(member(other, "attempts")), 0);
    cJSON_Delete(jobs);
    cJSON *one = ASK(answer_job, &pool->source, NULL, waits);
    assert_string_equal(text(one, "name"), "day");
    cJSON_Delete(one);
}

static void why_is_for_who_may_know(void **state) {
    Pool *pool = *state;
    int64_t waits;
    int64_t job = run_one(pool, &waits);
    cJSON *why = ASK(answer_why_job, &pool->source, &bob, waits);
    assert_on_page("why JOB", why);
    MEMBERS(why, "nnsssNNaaz", "time", "job", "name", "state", "reason", "expected", "gpu", "behind", "gpus", "since");
    assert_string_equal(text(why, "state"), "waiting");
    assert_non_null(strstr(text(why, "reason"), "ann")); /* who is in the way */
    assert_null(strstr(text(why, "reason"), "night"));
    cJSON_Delete(why);
    why = ASK(answer_why_job, &pool->source, &root, job);
    assert_on_page("why JOB", why);
    assert_string_equal(text(why, "state"), "running");
    assert_int_equal(cJSON_GetArrayItem(member(why, "gpus"), 0)->valueint, 2);
    cJSON_Delete(why);
    Json json;
    char *printed;
    size_t size;
    json_open(&json, NULL);
    assert_refused(answer_why_job(&pool->source, &ann, waits, &json), EXIT_REFUSED, "");
    assert_refused(answer_why_job(&pool->source, &ann, 99, &json), EXIT_USAGE, "job 99");
    assert_refused(answer_job(&pool->source, &ann, 99, &json), EXIT_USAGE, "job 99");
    assert_refused(answer_why_gpu(&pool->source, &ann, 1, &json), EXIT_USAGE, "the rule has no GPU 1;");
    assert_fine(json_close(&json, "nothing", &printed, &size));
    free(printed);
    why = ASK(answer_why_gpu, &pool->source, &bob, 2);
    assert_on_page("why gpu N", why);
    MEMBERS(why, "nnssssnNNo", "time", "gpu", "uuid", "lane", "state", "reason", "since", "expected", "next_look",
            "holder");
    assert_true(number(why, "gpu") == 2);
    assert_string_equal(text(why, "state"), "held");
    assert_non_null(strstr(text(why, "reason"), "ann"));
    assert_true(cJSON_IsNull(member(member(why, "holder"), "command")));
    cJSON_Delete(why);
}

static void a_process_without_a_lease_is_a_holder(void **state) {
    Pool *pool = *state;
    Observation seen;
    see_all_idle(pool);
    memset(&seen, 0, sizeof seen);
    gauges_unknown(&seen.sample, pool->source.now, "");
    seen.sample.known = true;
    seen.sample.util = 50;
    seen.sample.process_count = 1;
    seen.sample.processes[0] = (GaugeProcess){977, (int64_t)20 << 30};
    seen.foreign = (ForeignProcess){.pid = 977, .uid = 0, .memory = (int64_t)20 << 30, .since = 1000};
    strcpy(seen.foreign.user, "root");
    strcpy(seen.foreign.command, "python serve.py");
    for (int look = 0; look < 3; look++) {
        pool->source.now += 5;
        seen.sample.time = pool->source.now;
        assert_fine(schedule_observe(pool->schedule, 2, &seen, pool->source.now));
    }
    cJSON *status = ASK(answer_status, &pool->source, &ann);
    assert_string_equal(text(cJSON_GetArrayItem(member(status, "gpus"), 2), "state"), "foreign");
    const cJSON *holder = holder_of(status, 2);
    assert_on_page("status", status);
    MEMBERS(holder, "snznnsn", "user", "uid", "job", "pid", "since", "command", "memory");
    assert_true(number(holder, "pid") == 977 && number(holder, "uid") == 0);
    cJSON_Delete(status);
}

/* The lines of what `print` writes, as an array. */
static cJSON *read_lines(FILE *out, char **written) {
    assert_int_equal(fclose(out), 0);
    cJSON *lines = cJSON_CreateArray();
    for (char *line = strtok(*written, "\n"); line; line = strtok(NULL, "\n")) {
        cJSON *object = cJSON_Parse(line);
        assert_non_null(object);
        cJSON_AddItemToArray(lines, object);
    }
    free(*written);
    return lines;
}

static void history_is_lines(void **state) {
    Pool *pool = *state;
    int64_t waits;
    char *written;
    size_t size;
    int64_t job = run_one(pool, &waits);
    FILE *out = open_memstream(&written, &size);
    assert_fine(answer_ledger(pool->store, pool->source.now, out));
    cJSON *lines = read_lines(out, &written);
    const cJSON *line;
    int held = 0;
    double until[6] = {DAY, 0, DAY, DAY, 0, DAY};
    cJSON_ArrayForEach(line, lines) {
        assert_on_page("ledger", line);
        MEMBERS(line, "nnnsNNNs", "gpu", "from", "to", "what", "job", "epoch", "uid", "reason");
        int gpu = (int)number(line, "gpu");
        assert_true(number(line, "from") == until[gpu]); /* without gap or overlap */
        until[gpu] = number(line, "to");
        if (strcmp(text(line, "what"), "held") != 0)
            continue;
        held++;
        assert_true(gpu == 2 && number(line, "job") == job && number(line, "uid") == 1000);
    }
    assert_int_equal(held, 1);
    for (int gpu = 0; gpu < 6; gpu++)
        assert_true(until[gpu] == 0 || until[gpu] == pool->source.now);
    cJSON_Delete(lines);

    out = open_memstream(&written, &size);
    assert_fine(answer_looks(pool->store, out));
    lines = read_lines(out, &written);
    assert_true(cJSON_GetArraySize(lines) >= 3);
    line = cJSON_GetArrayItem(lines, 0);
    assert_on_page("looks", line);
    MEMBERS(line, "nooss", "gpu", "first", "second", "verdict", "why");
    MEMBERS(member(line, "first"), "nnnn", "time", "util", "memory", "processes");
    assert_string_equal(text(line, "verdict"), "idle");
    cJSON_Delete(lines);

    const Caller *const callers[] = {&ann, &bob, &root, NULL};
    for (int i = 0; i < 4; i++) {
        out = open_memstream(&written, &size);
        assert_fine(answer_audit(&pool->source, callers[i], out));
        lines = read_lines(out, &written);
        assert_true(cJSON_GetArraySize(lines) >= 2);
        line = cJSON_GetArrayItem(lines, 0); /* ann's */
        assert_on_page("audit", line);
        MEMBERS(line, callers[i] == &bob ? "nsnssz" : "nsnsss", "time", "user", "uid", "action", "what", "detail");
        cJSON_Delete(lines);
    }
}

static void a_look_without_an_answer_is_null(void **state) {
    (void)state;
    Json json;
    char *printed;
    size_t size;
    const LookRound round = {.gpu = 3,
                             .first = {.time = 1, .known = false},
                             .second = {.time = 2.5, .util = NAN, .memory = -1, .processes = -1, .known = true},
                             .verdict = LOOK_UNKNOWN,
                             .why = "x"};
    json_open(&json, NULL);
    answer_look_line(&round, &json);
    assert_fine(json_close(&json, "a look", &printed, &size));
    assert_string_equal(printed, "{\"gpu\": 3, \"first\": {\"time\": 1, \"util\": null, \"memory\": null, "
                                 "\"processes\": null}, \"second\": {\"time\": 2.5, \"util\": null, \"memory\": null, "
                                 "\"processes\": null}, \"verdict\": \"unknown\", \"why\": \"x\"}");
    free(printed);
}

static void the_clock_adds_up(void **state) {
    Pool *pool = *state;
    int64_t waits;
    run_one(pool, &waits);
    pool->source.now += 3600;
    cJSON *clock = ASK(answer_clock, &pool->source);
    assert_on_page("clock", clock);
    MEMBERS(clock, "nnnnnnnNa", "total_s", "busy_s", "held_s", "idle_s", "left_s", "from", "to", "dry_in_s", "late");
    const double total = number(clock, "total_s");
    assert_true(total == 4.0 * 2 * DAY); /* GPU-seconds of two days */
    assert_true(fabs(number(clock, "busy_s") + number(clock, "held_s") + number(clock, "idle_s") +
                     number(clock, "left_s") - total) < 1e-6 * total);
    cJSON_Delete(clock);
}

static void top_has_every_gauge(void **state) {
    Pool *pool = *state;
    AnswerHistory *history = calloc(1, sizeof *history);
    assert_non_null(history);
    int64_t waits;
    run_one(pool, &waits);
    pool->source.history = history;
    cJSON *top = ASK(answer_top, &pool->source);
    MEMBERS(top, "nsza", "time", "node", "no_gauges", "gpus");
    const cJSON *gpu = cJSON_GetArrayItem(member(top, "gpus"), 1), *slot = cJSON_GetArrayItem(member(top, "gpus"), 3);
    MEMBERS(gpu, "nsssnoza", "gpu", "uuid", "state", "user", "job", "gauges", "speed", "warnings");
    MEMBERS(member(gpu, "gauges"), "nnnnnzznzzzzazzzbbza", "util", "memory_used", "memory_total", "processes",
            "celsius", "memory_celsius", "vrm_celsius", "celsius", "watts", "watts_cap", "pcie_to_gpu", "pcie_from_gpu",
            "throttle", "ecc_corrected", "ecc_uncorrected", "remapped_rows", "remap_pending", "remap_failed", "joules",
            "xids");
    bool throttled = false;
    const cJSON *warning;
    cJSON_ArrayForEach(warning, member(gpu, "warnings")) throttled =
        throttled || strstr(warning->valuestring, "throttled");
    assert_true(throttled);
    MEMBERS(slot, "nzszzoza", "gpu", "uuid", "state", "user", "job", "gauges", "speed", "warnings");
    assert_int_equal(cJSON_GetArraySize(member(slot, "warnings")), 0);
    cJSON_Delete(top);
    pool->source.gauges_missing = "libnvidia-ml.so.1 is not installed";
    top = ASK(answer_top, &pool->source);
    assert_string_equal(text(top, "no_gauges"), "libnvidia-ml.so.1 is not installed");
    cJSON_Delete(top);
    free(history);
}

/* Three trials of a sweep, of which the second has half the speed of the others, and a job of no sweep. */
static void a_slow_gpu_is_told_from_its_siblings(void **state) {
    Pool *pool = *state;
    static const double speeds[] = {100, 50, 102, 10};
    char root[TEMP_PATH] = "/tmp/fovea-test-XXXXXX", path[TEMP_PATH * 2], line[128];
    assert_non_null(mkdtemp(root));
    see_all_idle(pool);
    for (int i = 0; i < 4; i++) {
        const Caller me = {getuid(), "me"};
        snprintf(path, sizeof path, "%s/%d", root, i);
        Job job = {.uid = me.uid, .wants = {.gpus = 1, .gpu_memory = -1, .host_memory = -1}, .end = {.exit = -1}};
        char *answer = NULL;
        strcpy(job.user, "me");
        strcpy(job.wants.lane, "pool");
        job.name = strdup("");
        job.command = strdup("./train");
        job.request = strdup("{}");
        job.run_dir = strdup(path);
        job.sweep = strdup(i < 3 ? "lr" : "");
        job.trial = strdup("");
        assert_fine(files_make_directory(path));
        snprintf(path, sizeof path, "%s/%d/metrics.jsonl", root, i);
        snprintf(line, sizeof line, "{\"step\": 9, \"lr\": 1, \"images_per_s\": %g, \"data_wait\": %g}\n", speeds[i],
                 i == 0 ? 0.31 : 0.02);
        assert_fine(files_write(path, line, strlen(line)));
        assert_fine(schedule_submit(pool->schedule, &me, &job, false, false, &answer, pool->source.now));
        free(answer);
        assert_fine(schedule_tick(pool->schedule, pool->source.now));
    }
    cJSON *top = ASK(answer_top, &pool->source);
    int slow = 0, waits = 0;
    for (int i = 0; i < 4; i++) {
        const cJSON *gpu = cJSON_GetArrayItem(member(top, "gpus"), i), *warning;
        const double speed = number(member(gpu, "speed"), "images_per_s");
        cJSON_ArrayForEach(warning, member(gpu, "warnings")) {
            if (strstr(warning->valuestring, "less than others")) {
                assert_true(speed == 50);
                assert_non_null(strstr(warning->valuestring, "median is 101.0"));
                slow++;
            }
            if (strstr(warning->valuestring, "waits for data 31 %")) {
                assert_true(speed == 100);
                waits++;
            }
        }
    }
    assert_true(slow == 1 && waits == 1);
    cJSON_Delete(top);
    assert_fine(files_remove(root));
}

static int64_t own_job(void *context, int64_t pid) {
    return pid == getpid() ? *(int64_t *)context : 0;
}

/* Memory that nobody explains is a ghost; who has a device open is listed with the job that it belongs to. */
static void ghosts_are_listed(void **state) {
    Pool *pool = *state;
    Observation seen;
    char device[] = "/tmp/fovea-test-XXXXXX";
    int open_device = mkstemp(device);
    assert_true(open_device >= 0);
    see_all_idle(pool);
    int64_t job = 7;
    cJSON *ghosts = ASK(answer_ghosts, &pool->source, device, own_job, &job);
    MEMBERS(ghosts, "naan", "time", "ghosts", "nodes", "hidden");
    assert_int_equal(cJSON_GetArraySize(member(ghosts, "ghosts")), 0);
    assert_int_equal(cJSON_GetArraySize(member(ghosts, "nodes")), 1);
    const cJSON *node = cJSON_GetArrayItem(member(ghosts, "nodes"), 0);
    MEMBERS(node, "snnsnns", "path", "pid", "uid", "user", "since", "job", "command");
    assert_true(number(node, "pid") == getpid() && number(node, "job") == 7);
    assert_string_equal(text(node, "path"), device);
    cJSON_Delete(ghosts);
    close(open_device);
    memset(&seen, 0, sizeof seen);
    gauges_unknown(&seen.sample, pool->source.now, "");
    seen.sample.known = true;
    seen.sample.util = 0;
    seen.sample.process_count = 0;
    seen.sample.memory_used = (int64_t)60 << 30;
    seen.sample.memory_total = (int64_t)80 << 30;
    pool->source.now += 5;
    seen.sample.time = pool->source.now;
    assert_fine(schedule_observe(pool->schedule, 2, &seen, pool->source.now));
    ghosts = ASK(answer_ghosts, &pool->source, device, own_job, &job);
    const cJSON *ghost = cJSON_GetArrayItem(member(ghosts, "ghosts"), 0);
    MEMBERS(ghost, "nssnn", "gpu", "state", "reason", "since", "memory");
    assert_true(number(ghost, "gpu") == 3 && number(ghost, "memory") == 60.0 * (1 << 30));
    assert_string_equal(text(ghost, "state"), "ghost");
    assert_int_equal(cJSON_GetArraySize(member(ghosts, "nodes")), 0);
    cJSON_Delete(ghosts);
    unlink(device);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pool, close_pool)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(status_has_its_fields),
        TEST(a_holder_is_named_but_for_its_command),
        TEST(jobs_show_others_without_their_words),
        TEST(an_ended_job_has_its_code),
        TEST(why_is_for_who_may_know),
        TEST(a_process_without_a_lease_is_a_holder),
        TEST(history_is_lines),
        TEST(a_look_without_an_answer_is_null),
        TEST(the_clock_adds_up),
        TEST(top_has_every_gauge),
        TEST(a_slow_gpu_is_told_from_its_siblings),
        TEST(ghosts_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
