/* SPDX-License-Identifier: Apache-2.0 */
/* A referee of `pool sim`: reads the script that went in and the history that came out, and works out by itself what
 * must hold. It shares no code with the pool, so that one mistake cannot hide another: it reads the lanes of the rule's
 * text, the ledger, the looks and the attempts, and adds up. A check that fails says why on stderr. */
#ifndef FOVEA_TESTS_POOL_TRUTH_REFEREE_H
#define FOVEA_TESTS_POOL_TRUTH_REFEREE_H

#include <cJSON.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REFEREE_GPUS = 64 };

typedef struct {
    cJSON *in, *out;
    double until;
    int gpus[REFEREE_GPUS]; /* [gpu_count] of the section [gpus] */
    int gpu_count;
    bool pool[REFEREE_GPUS]; /* by place in `gpus`: in a lane of the kind "pool" */
    bool bad[REFEREE_GPUS];
} Referee;

static inline bool referee_says(const char *what, double a, double b) {
    fprintf(stderr, "referee: %s (%.9g, %.9g)\n", what, a, b);
    return false;
}

static inline cJSON *referee_read(const char *path) {
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t size = 0;
    cJSON *json = NULL;
    if (file && getdelim(&text, &size, '\0', file) > 0)
        json = cJSON_Parse(text);
    if (file)
        fclose(file);
    free(text);
    return json;
}

static inline double referee_number(const cJSON *object, const char *field) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, field);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

static inline double referee_or(double number, double otherwise) {
    return isnan(number) ? otherwise : number;
}

static inline const char *referee_text(const cJSON *object, const char *field) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, field);
    return cJSON_IsString(item) ? item->valuestring : "";
}

static inline const cJSON *referee_list(const Referee *referee, const char *field) {
    return cJSON_GetObjectItemCaseSensitive(referee->out, field);
}

/* Place of the GPU of that number; -1: none. */
static inline int referee_place(const Referee *referee, double gpu) {
    for (int i = 0; i < referee->gpu_count; i++)
        if (referee->gpus[i] == gpu)
            return i;
    return -1;
}

/* Takes "2-7", "0" or "2, 4" of a lane. */
static inline void referee_mark_pool(Referee *referee, char *list) {
    for (char *save, *part = strtok_r(list, ", ", &save); part; part = strtok_r(NULL, ", ", &save)) {
        int first, last;
        const int count = sscanf(part, "%d-%d", &first, &last);
        for (int gpu = first; count > 0 && gpu <= (count == 2 ? last : first); gpu++)
            if (referee_place(referee, gpu) >= 0)
                referee->pool[referee_place(referee, gpu)] = true;
    }
}

static inline void referee_read_rule(Referee *referee, const char *text) {
    char *copy = strdup(text), section[64] = "";
    for (char *save, *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *comment = strchr(line, ';');
        if (comment)
            *comment = '\0';
        char kind[64], list[256];
        int gpu;
        if (sscanf(line, " [%63[^]]]", section) == 1)
            continue;
        if (strcmp(section, "gpus") == 0 && sscanf(line, " %d =", &gpu) == 1 && referee->gpu_count < REFEREE_GPUS)
            referee->gpus[referee->gpu_count++] = gpu;
        if (strcmp(section, "lanes") == 0 && sscanf(line, " %*[^=]= %63s %255[^\n]", kind, list) == 2 &&
            strcmp(kind, "pool") == 0)
            referee_mark_pool(referee, list);
    }
    free(copy);
}

static inline void referee_close(Referee *referee) {
    cJSON_Delete(referee->in);
    cJSON_Delete(referee->out);
}

static inline bool referee_open(Referee *referee, const char *in, const char *out) {
    *referee = (Referee){.in = referee_read(in), .out = referee_read(out)};
    if (!referee->in || !referee->out)
        return referee_says("a file is not JSON", 0, 0);
    referee->until = referee_number(referee->in, "until");
    referee_read_rule(referee, referee_text(referee->in, "rule"));
    const cJSON *bad;
    cJSON_ArrayForEach(bad, cJSON_GetObjectItemCaseSensitive(referee->in, "bad_gpus")) {
        referee->bad[referee_place(referee, bad->valuedouble)] = true;
    }
    return true;
}

/* An attempt of a job, with what its script says of it. */
typedef struct {
    const cJSON *script, *job, *attempt;
    int number;      /* of the job's attempts, from 1 */
    double from, to; /* `to` is the end of the simulation for one that goes on */
    bool hangs, bad; /* bad: on a GPU on which all fail */
} RefereeRun;

typedef bool (*RefereeTake)(const Referee *referee, const RefereeRun *run, void *context);

static inline bool referee_run_has(const RefereeRun *run, double gpu) {
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(run->attempt, "gpus")) {
        if (item->valuedouble == gpu)
            return true;
    }
    return false;
}

/* What the script says of the end of attempt `number`: NAN for "hang". */
static inline double referee_exit(const cJSON *script, int number) {
    const cJSON *exits = cJSON_GetObjectItemCaseSensitive(script, "exits");
    const int count = cJSON_GetArraySize(exits);
    if (count == 0)
        return 0;
    const cJSON *item = cJSON_GetArrayItem(exits, number <= count ? number - 1 : count - 1);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

/* Hands out all attempts, job by job in the script's order; false as soon as `take` says so. */
static inline bool referee_each_run(const Referee *referee, RefereeTake take, void *context) {
    const cJSON *script = cJSON_GetObjectItemCaseSensitive(referee->in, "jobs")->child, *job;
    cJSON_ArrayForEach(job, referee_list(referee, "jobs")) {
        const cJSON *attempt;
        int number = 0;
        cJSON_ArrayForEach(attempt, cJSON_GetObjectItemCaseSensitive(job, "attempts")) {
            RefereeRun run = {.script = script, .job = job, .attempt = attempt, .number = ++number};
            run.from = referee_number(attempt, "from");
            run.to = referee_or(referee_number(attempt, "to"), referee->until);
            run.hangs = isnan(referee_exit(script, number));
            for (int i = 0; i < referee->gpu_count; i++)
                run.bad |= referee->bad[i] && referee_run_has(&run, referee->gpus[i]);
            if (!take(referee, &run, context))
                return false;
        }
        script = script->next;
    }
    return true;
}

/* Each GPU's lines cover the simulation without a gap or an overlap; epochs of a GPU only grow. */
static inline bool referee_ledger_holds(const Referee *referee) {
    double end[REFEREE_GPUS] = {0}, epochs[REFEREE_GPUS] = {0};
    const cJSON *line;
    cJSON_ArrayForEach(line, referee_list(referee, "ledger")) {
        const int place = referee_place(referee, referee_number(line, "gpu"));
        const double from = referee_number(line, "from"), to = referee_number(line, "to");
        const double epoch = referee_number(line, "epoch");
        if (place < 0)
            return referee_says("a line of no GPU", referee_number(line, "gpu"), from);
        if (from != end[place])
            return referee_says(from > end[place] ? "a gap in the ledger" : "lines overlap", end[place], from);
        if (!(to > from))
            return referee_says("a line ends before it begins", from, to);
        if (epoch < epochs[place])
            return referee_says("an epoch shrinks", epochs[place], epoch);
        if (strcmp(referee_text(line, "what"), "held") == 0 && isnan(epoch))
            return referee_says("a held line without an epoch", from, to);
        end[place] = to;
        epochs[place] = referee_or(epoch, epochs[place]);
    }
    for (int i = 0; i < referee->gpu_count; i++)
        if (end[i] != referee->until)
            return referee_says("a GPU's ledger ends early", referee->gpus[i], end[i]);
    return true;
}

/* Seconds in which the ledger says that the run's job, under its epoch, held the GPU. */
static inline double referee_held(const Referee *referee, const RefereeRun *run, double gpu) {
    double seconds = 0;
    const cJSON *line;
    cJSON_ArrayForEach(line, referee_list(referee, "ledger")) {
        if (referee_number(line, "gpu") == gpu && strcmp(referee_text(line, "what"), "held") == 0 &&
            referee_number(line, "epoch") == referee_number(run->attempt, "epoch") &&
            referee_number(line, "job") == referee_number(run->job, "job"))
            seconds += referee_number(line, "to") - referee_number(line, "from");
    }
    return seconds;
}

static inline bool referee_check_run(const Referee *referee, const RefereeRun *run, void *context) {
    const double seconds = run->to - run->from, exit = referee_number(run->attempt, "exit");
    double *held = context;
    const cJSON *gpu;
    int count = 0;
    cJSON_ArrayForEach(gpu, cJSON_GetObjectItemCaseSensitive(run->attempt, "gpus")) {
        const int place = referee_place(referee, gpu->valuedouble);
        if (place < 0 || !referee->pool[place])
            return referee_says("an attempt on a GPU that is not the pool's", gpu->valuedouble, run->from);
        /* A microsecond: times are rounded to it. */
        if (fabs(referee_held(referee, run, gpu->valuedouble) - seconds) > 1e-6)
            return referee_says("an attempt that the ledger does not have", run->from, seconds);
        *held += seconds;
        count++;
    }
    if (count != referee_or(referee_number(run->script, "gpus"), 1))
        return referee_says("an attempt with another number of GPUs", count, run->from);
    if (run->from < referee_or(referee_number(run->script, "at"), 0))
        return referee_says("an attempt before its job came", run->from, referee_number(run->script, "at"));
    if (isnan(referee_number(run->attempt, "to")))
        return true;
    if (run->bad && !(seconds <= 5 + 1e-6 && exit != 0))
        return referee_says("a job on a bad GPU did not fail at once", run->from, seconds);
    if (!run->bad && !run->hangs && exit == 0 && seconds > referee_number(run->script, "seconds") + 1e-6)
        return referee_says("an attempt longer than its script", run->from, seconds);
    return true;
}

/* Every attempt is in the ledger with its epoch, on GPUs of pool lanes alone, and nothing else is held. */
static inline bool referee_attempts_hold(const Referee *referee) {
    double held = 0, lines = 0;
    if (!referee_each_run(referee, referee_check_run, &held))
        return false;
    const cJSON *line;
    cJSON_ArrayForEach(line, referee_list(referee, "ledger")) {
        if (strcmp(referee_text(line, "what"), "held") == 0)
            lines += referee_number(line, "to") - referee_number(line, "from");
    }
    return fabs(held - lines) < 1e-3 || referee_says("the ledger has holders that are no attempts", held, lines);
}

/* What the sums need of an attempt and of a job; `end` of a job: from when on it waits no more. */
typedef struct {
    double from, to;
    int job, works; /* its place; GPUs at work: none when it hangs or fails at once */
} RefereeStretch;

typedef struct {
    double at, end;
} RefereeJob;

typedef struct {
    RefereeStretch *runs; /* [run_count] */
    RefereeJob *jobs;     /* [job_count] */
    double *times;        /* [time_count] at which what works, waits or may be used changes */
    int run_count, job_count, time_count;
    const cJSON *last; /* job of the run before */
} RefereeSums;

static inline bool referee_add_run(const Referee *referee, const RefereeRun *run, void *context) {
    RefereeSums *sums = context;
    (void)referee;
    if (run->job != sums->last)
        while (cJSON_GetArrayItem(referee_list(referee, "jobs"), sums->job_count) != run->job)
            sums->job_count++;
    sums->last = run->job;
    const int gpus = (int)referee_or(referee_number(run->script, "gpus"), 1);
    sums->runs[sums->run_count++] =
        (RefereeStretch){run->from, run->to, sums->job_count, run->hangs || run->bad ? 0 : gpus};
    sums->times[sums->time_count++] = run->from;
    sums->times[sums->time_count++] = run->to;
    return true;
}

static inline void referee_add_jobs(const Referee *referee, RefereeSums *sums) {
    const cJSON *script = cJSON_GetObjectItemCaseSensitive(referee->in, "jobs")->child, *job;
    sums->job_count = 0;
    cJSON_ArrayForEach(job, referee_list(referee, "jobs")) {
        const cJSON *attempts = cJSON_GetObjectItemCaseSensitive(job, "attempts");
        const cJSON *last = cJSON_GetArrayItem(attempts, cJSON_GetArraySize(attempts) - 1);
        const char *state = referee_text(job, "state");
        const bool ended = strcmp(state, "done") == 0 || strcmp(state, "failed") == 0;
        const double at = referee_or(referee_number(script, "at"), 0);
        sums->jobs[sums->job_count++] = (RefereeJob){at, !ended ? INFINITY : last ? referee_number(last, "to") : at};
        sums->times[sums->time_count++] = fmin(at, referee->until);
        script = script->next;
    }
}

static inline int referee_compare_times(const void *a, const void *b) {
    const double one = *(const double *)a, other = *(const double *)b;
    return (one > other) - (one < other);
}

/* GPUs of pool lanes that are not in quarantine then. */
static inline int referee_usable(const Referee *referee, double at) {
    int usable = 0;
    for (int i = 0; i < referee->gpu_count; i++)
        usable += referee->pool[i];
    const cJSON *line;
    cJSON_ArrayForEach(line, referee_list(referee, "ledger")) {
        if (strcmp(referee_text(line, "what"), "quarantined") == 0 && referee_number(line, "from") <= at &&
            at < referee_number(line, "to") && referee->pool[referee_place(referee, referee_number(line, "gpu"))])
            usable--;
    }
    return usable;
}

/* Whether a job has come then, does not run, and will run or be tried again; *works: GPUs at work. */
static inline bool referee_waits(const RefereeSums *sums, double at, int *works) {
    int running = 0, present = 0;
    *works = 0;
    for (int i = 0; i < sums->run_count; i++) {
        const bool runs = sums->runs[i].from <= at && at < sums->runs[i].to;
        running += runs;
        *works += runs ? sums->runs[i].works : 0;
    }
    for (int i = 0; i < sums->job_count; i++)
        present += sums->jobs[i].at <= at && at < sums->jobs[i].end;
    return present > running;
}

/* Share of the pool's GPU-seconds at work while a job waits; *waited: how many seconds one did. */
static inline double referee_share_at_work(const Referee *referee, double *waited) {
    const int most = cJSON_GetArraySize(referee_list(referee, "ledger")) +
                     cJSON_GetArraySize(referee_list(referee, "jobs")); /* of attempts: each has a line */
    RefereeSums sums = {.runs = calloc((size_t)most, sizeof *sums.runs),
                        .jobs = calloc((size_t)most, sizeof *sums.jobs),
                        .times = calloc(5 * (size_t)most + 2, sizeof *sums.times)};
    double work = 0, usable = 0;
    const cJSON *line;
    referee_each_run(referee, referee_add_run, &sums);
    referee_add_jobs(referee, &sums);
    cJSON_ArrayForEach(line, referee_list(referee, "ledger")) {
        if (strcmp(referee_text(line, "what"), "quarantined") == 0) {
            sums.times[sums.time_count++] = referee_number(line, "from");
            sums.times[sums.time_count++] = referee_number(line, "to");
        }
    }
    sums.times[sums.time_count++] = 0;
    sums.times[sums.time_count++] = referee->until;
    qsort(sums.times, (size_t)sums.time_count, sizeof *sums.times, referee_compare_times);
    *waited = 0;
    for (int i = 0; i + 1 < sums.time_count; i++) {
        const double seconds = sums.times[i + 1] - sums.times[i], at = sums.times[i] + seconds / 2;
        int works;
        if (seconds <= 0 || !referee_waits(&sums, at, &works))
            continue;
        *waited += seconds;
        work += works * seconds;
        usable += referee_usable(referee, at) * seconds;
    }
    free(sums.runs);
    free(sums.jobs);
    free(sums.times);
    return usable > 0 ? work / usable : NAN;
}

/* Seconds of GPUs of pool lanes for which the ledger says `what` with a reason that contains `words`. */
static inline double referee_seconds(const Referee *referee, const char *what, const char *words) {
    double seconds = 0;
    const cJSON *line;
    cJSON_ArrayForEach(line, referee_list(referee, "ledger")) {
        if (strcmp(referee_text(line, "what"), what) == 0 && strstr(referee_text(line, "reason"), words) &&
            referee->pool[referee_place(referee, referee_number(line, "gpu"))])
            seconds += referee_number(line, "to") - referee_number(line, "from");
    }
    return seconds;
}

/* What a look of OUT must show of a free GPU, by the script; `otherwise` where the script is silent. NAN: null. */
static inline double referee_reading(const Referee *referee, double gpu, double time, const char *field) {
    double value = 0;
    const cJSON *row;
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(referee->in, "gauges")) {
        if (referee_number(row, "gpu") == gpu && referee_or(referee_number(row, "from"), 0) <= time &&
            time < referee_or(referee_number(row, "to"), INFINITY) && cJSON_HasObjectItem(row, field))
            value = referee_number(row, field);
    }
    return value;
}

/* 1: the look shows nothing; 0: it shows work; -1: it does not show all. 2 GiB of memory are no idle GPU's. */
static inline int referee_judge(const Referee *referee, double gpu, const cJSON *look) {
    const double time = referee_number(look, "time");
    const double util = referee_reading(referee, gpu, time, "util"),
                 memory = referee_reading(referee, gpu, time, "memory"),
                 processes = referee_reading(referee, gpu, time, "processes");
    if (util > 0 || processes > 0 || memory > 2147483648.0)
        return 0;
    return isnan(util) || isnan(processes) ? -1 : 1;
}

/* Every round's verdict is what the script's readings say, and its looks are a gap apart. */
static inline bool referee_looks_hold(const Referee *referee, double gap) {
    const cJSON *round;
    cJSON_ArrayForEach(round, referee_list(referee, "looks")) {
        const double gpu = referee_number(round, "gpu");
        const cJSON *first = cJSON_GetObjectItemCaseSensitive(round, "first"),
                    *second = cJSON_GetObjectItemCaseSensitive(round, "second");
        const int one = referee_judge(referee, gpu, first), other = referee_judge(referee, gpu, second);
        const char *verdict = one == 1 && other == 1 ? "idle" : one == 0 || other == 0 ? "busy" : "unknown";
        const double time = referee_number(second, "time");
        if (strcmp(referee_text(round, "verdict"), verdict) != 0)
            return referee_says("a round with another verdict than its readings'", gpu, time);
        if (time - referee_number(first, "time") < gap)
            return referee_says("looks closer than their gap", gpu, time);
    }
    return true;
}

/* Whether a round after the GPU's last lease found it idle, and none after that one found anything else. */
static inline bool referee_was_idle(const Referee *referee, double gpu, double at, double released) {
    bool idle = false;
    const cJSON *round;
    cJSON_ArrayForEach(round, referee_list(referee, "looks")) {
        if (referee_number(round, "gpu") != gpu)
            continue;
        const double first = referee_number(cJSON_GetObjectItemCaseSensitive(round, "first"), "time");
        const double second = referee_number(cJSON_GetObjectItemCaseSensitive(round, "second"), "time");
        if (first >= released && second <= at)
            idle = strcmp(referee_text(round, "verdict"), "idle") == 0;
    }
    return idle;
}

static inline bool referee_check_start(const Referee *referee, const RefereeRun *run, void *context) {
    (void)context;
    const cJSON *gpu;
    cJSON_ArrayForEach(gpu, cJSON_GetObjectItemCaseSensitive(run->attempt, "gpus")) {
        double released = 0;
        const cJSON *line;
        cJSON_ArrayForEach(line, referee_list(referee, "ledger")) {
            if (referee_number(line, "gpu") == gpu->valuedouble && referee_number(line, "to") <= run->from &&
                strcmp(referee_text(line, "what"), "held") == 0)
                released = referee_number(line, "to");
        }
        if (!referee_was_idle(referee, gpu->valuedouble, run->from, released))
            return referee_says("a start on a GPU whose two looks did not show it idle", gpu->valuedouble, run->from);
    }
    return true;
}

/* Jobs start only where two looks showed nothing since the job before ended. Not for slots, which have no looks. */
static inline bool referee_starts_hold(const Referee *referee) {
    return referee_each_run(referee, referee_check_start, NULL);
}

/* Seconds from when job `index` of the script came to its first start; NAN: it never started. */
static inline double referee_wait(const Referee *referee, int index) {
    const cJSON *job = cJSON_GetArrayItem(referee_list(referee, "jobs"), index);
    const cJSON *script = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(referee->in, "jobs"), index);
    const cJSON *first = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(job, "attempts"), 0);
    return first ? referee_number(first, "from") - referee_or(referee_number(script, "at"), 0) : NAN;
}

#endif
