/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/schedule/state/reason_words.h"

#include "base/status.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

ReasonWords reason_duration(double seconds) {
    ReasonWords words;
    const double whole = round(seconds);
    if (fmod(whole, 3600) == 0 && whole > 0)
        snprintf(words.text, sizeof words.text, "%.0f h", whole / 3600);
    else if (whole > 2 * 3600)
        snprintf(words.text, sizeof words.text, "%.1f h", whole / 3600);
    else if (fmod(whole, 60) == 0 && whole > 0)
        snprintf(words.text, sizeof words.text, "%.0f min", whole / 60);
    else if (whole > 10 * 60)
        snprintf(words.text, sizeof words.text, "%.0f min", whole / 60);
    else
        snprintf(words.text, sizeof words.text, "%.0f s", whole);
    return words;
}

ReasonWords reason_bytes(int64_t bytes) {
    ReasonWords words;
    const double gib = (double)bytes / (1 << 30);
    if (gib < 1)
        snprintf(words.text, sizeof words.text, "%.0f MiB", gib * 1024);
    else if (round(gib * 10) == round(gib) * 10)
        snprintf(words.text, sizeof words.text, "%.0f GiB", gib);
    else
        snprintf(words.text, sizeof words.text, "%.1f GiB", gib);
    return words;
}

ReasonWords reason_date(double date) {
    ReasonWords words = {""};
    const time_t seconds = (time_t)date;
    struct tm parts;
    if (localtime_r(&seconds, &parts))
        strftime(words.text, sizeof words.text, "%Y-%m-%d %H:%M", &parts);
    return words;
}

static const char *describe_code(int exit) {
    switch (exit) {
    case EXIT_USAGE:
        return ": usage or configuration";
    case EXIT_DATA:
        return ": input data missing or damaged";
    case EXIT_MISSING:
        return ": a needed device is missing";
    case EXIT_INTERNAL:
        return ": a bug of the program";
    case EXIT_IO:
        return ": reading or writing failed";
    case EXIT_STOPPED:
        return ": stopped with a checkpoint";
    case EXIT_NO_MEMORY:
        return ": out of memory";
    case EXIT_DIVERGED:
        return ": the training diverged";
    case EXIT_REFUSED:
        return ": refused";
    case 126:
        return ": the command cannot be run";
    case 127:
        return ": the command is not there";
    default:
        return "";
    }
}

ReasonWords reason_end(JobEnd end) {
    ReasonWords words;
    if (end.signal)
        snprintf(words.text, sizeof words.text, "ended by signal %d", end.signal);
    else if (end.exit < 0)
        snprintf(words.text, sizeof words.text, "ended, how is not known");
    else
        snprintf(words.text, sizeof words.text, "ended with %d%s", end.exit, describe_code(end.exit));
    return words;
}
