/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/daemon/parts/gauge_reader.h"
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool gauge_reader_read(int descriptor, void *data, size_t size) {
    for (size_t at = 0; at < size;) {
        const ssize_t got = read(descriptor, (char *)data + at, size - at);
        if (got == 0 || (got < 0 && errno != EINTR))
            return false;
        at += got > 0 ? (size_t)got : 0;
    }
    return true;
}

bool gauge_reader_write(int descriptor, const void *data, size_t size) {
    for (size_t at = 0; at < size;) {
        const ssize_t put = write(descriptor, (const char *)data + at, size - at);
        if (put < 0 && errno != EINTR)
            return false;
        at += put > 0 ? (size_t)put : 0;
    }
    return true;
}

/* Sets `devices` as rule_match() does, but -1 also for GPUs that are not there; false when two names are one GPU. */
static bool match_those_there(const Rule *rule, const Gauges *gauges, int devices[POOL_GPUS]) {
    for (int i = 0; i < rule->gpu_count; i++) {
        devices[i] = rule->gpus[i].cpu ? -1 : gauges_find(gauges, rule->gpus[i].id);
        for (int j = 0; j < i; j++)
            if (devices[i] >= 0 && devices[j] == devices[i])
                return false;
    }
    return true;
}

static Status match_gpus(const Rule *rule, const Gauges *gauges, bool again, int devices[POOL_GPUS]) {
    Status status = rule_match(rule, gauges, devices);
    if (!status || !again || !match_those_there(rule, gauges, devices))
        return status;
    fprintf(stderr, "pool: %s; the others are served\n", status_message(status));
    status_free(status);
    return NULL;
}

/* The rule and which GPU each of its names is. */
static Status describe_node(const Gauges *gauges, const char *path, bool again, GaugeHello *hello) {
    if (*path)
        TRY(rule_read(path, stderr, &hello->rule));
    else
        rule_default(gauges, &hello->rule);
    int devices[POOL_GPUS];
    TRY(match_gpus(&hello->rule, gauges, again, devices));
    for (int i = 0; i < hello->rule.gpu_count; i++) {
        const RuleGpu gpu = hello->rule.gpus[i];
        if (devices[i] >= 0)
            hello->gpus[i] = *gauges_gpu(gauges, devices[i]);
        else if (!gpu.cpu)
            snprintf(hello->gpus[i].uuid, sizeof hello->gpus[i].uuid, "%.*s", GAUGE_UUID - 1, gpu.id);
    }
    snprintf(hello->missing, sizeof hello->missing, "%s", gauges_missing(gauges));
    return NULL;
}

static bool send_hello(const Gauges *gauges, const char *path, bool again) {
    GaugeHello *hello = calloc(1, sizeof *hello);
    if (!hello)
        return false;
    Status status = describe_node(gauges, path, again, hello);
    hello->code = (int32_t)status_code(status);
    snprintf(hello->message, sizeof hello->message, "%s", status_message(status));
    status_free(status);
    const bool sent = gauge_reader_write(STDOUT_FILENO, hello, sizeof *hello);
    free(hello);
    return sent;
}

static void answer_questions(Gauges *gauges) {
    GaugeQuestion question;
    while (gauge_reader_read(STDIN_FILENO, &question, sizeof question)) {
        GaugeAnswer answer;
        memset(&answer, 0, sizeof answer);
        answer.gpu = question.gpu;
        const int index = gauges_find(gauges, question.uuid);
        if (index >= 0)
            gauges_sample(gauges, index, &answer.sample);
        else
            gauges_unknown(&answer.sample, clock_date(), "the driver does not show it");
        if (!gauge_reader_write(STDOUT_FILENO, &answer, sizeof answer))
            return;
    }
}

int gauge_reader_main(int argc, char **argv) {
    Gauges *gauges;
    Status status = gauges_open(&gauges);
    if (!status && (argc < 3 || send_hello(gauges, argv[1], strcmp(argv[2], "again") == 0)))
        answer_questions(gauges);
    if (!status)
        gauges_close(gauges);
    const ExitCode code = status_code(status);
    status_free(status);
    return (int)code;
}
