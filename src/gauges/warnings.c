/* SPDX-License-Identifier: Apache-2.0 */
#include "gauges/warnings.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const double GIGABYTE = 1e9;
static const double NEAR_CAP = 0.98; /* of the power cap: the driver stays a little below it */
static const double HIGH_UTIL = 80;  /* percent */
static const double LOW_UTIL = 30;   /* percent */
static const double SLOWER = 0.9;    /* of the others' speed; less is more than the noise between equal GPUs */
enum { LASTING = 2 };                /* earlier samples that must show it, too */

static void warn(Warnings *warnings, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void warn(Warnings *warnings, const char *format, ...) {
    va_list arguments;
    if (warnings->count == WARNINGS)
        return;
    va_start(arguments, format);
    vsnprintf(warnings->text[warnings->count++], WARNING_TEXT, format, arguments);
    va_end(arguments);
}

/* Whether it holds of the sample, and of all before it, of which there are enough. */
static bool lasts(const WarningsOf *of, bool (*holds)(const GaugeSample *sample)) {
    bool all = of->before_count >= LASTING && holds(of->sample);
    for (int i = 0; i < of->before_count; i++)
        all = all && holds(&of->before[i]);
    return all;
}

/* --- Heat and power --- */

static void warn_of_heat(const WarningsOf *of, Warnings *warnings) {
    const GaugeSample *sample = of->sample;
    char limit[64] = "";
    if (!(sample->celsius >= of->warn_celsius))
        return;
    if (!isnan(sample->celsius_limit))
        snprintf(limit, sizeof limit, ", and the hardware slows down at %.0f C", sample->celsius_limit);
    warn(warnings, "is at %.0f C: the rule warns from %.0f C%s; look after its cooling", sample->celsius,
         of->warn_celsius, limit);
}

static void warn_of_throttling(const GaugeSample *sample, Warnings *warnings) {
    static const struct {
        Throttle throttle;
        const char *why;
    } reasons[] = {
        {THROTTLE_SOFTWARE_THERMAL, "the driver keeps it below its highest temperature"},
        {THROTTLE_HARDWARE_THERMAL, "the hardware protects itself from heat"},
        {THROTTLE_POWER_BRAKE, "the power supply cannot give more"},
        {THROTTLE_HARDWARE, "the hardware does not say why"},
    };
    char why[WARNING_TEXT] = "";
    for (size_t i = 0; sample->throttle > 0 && i < sizeof reasons / sizeof *reasons; i++) {
        const size_t used = strlen(why);
        if (sample->throttle & (int)reasons[i].throttle)
            snprintf(why + used, sizeof why - used, "%s%s", used ? ", and " : "", reasons[i].why);
    }
    if (*why)
        warn(warnings, "is throttled: %.140s; look after cooling and power", why);
}

static void warn_of_power(const GaugeSample *sample, Warnings *warnings) {
    if (sample->watts >= NEAR_CAP * sample->watts_cap)
        warn(warnings, "takes %.0f W of %.0f W: its power cap limits its speed; raise it where cooling and power allow",
             sample->watts, sample->watts_cap);
    else if (sample->throttle > 0 && sample->throttle & THROTTLE_POWER_CAP)
        warn(warnings, "is throttled: its power cap limits its speed; raise it where cooling and power allow");
}

/* --- Faults --- */

static void warn_of_memory_errors(const GaugeSample *sample, Warnings *warnings) {
    if (sample->ecc_uncorrected > 0)
        warn(warnings,
             "has %" PRId64 " uncorrected memory error%s since its driver was loaded: what it computed then may be "
             "wrong; run those jobs again",
             sample->ecc_uncorrected, sample->ecc_uncorrected == 1 ? "" : "s");
    if (sample->remap_pending)
        warn(warnings, "has a bad row of memory: a spare one replaces it at the next reset; reset the GPU between two "
                       "jobs");
    if (sample->remap_failed)
        warn(warnings, "has a bad row of memory that could not be replaced: it has no spare one; have the GPU "
                       "exchanged");
}

static void warn_of_codes(const WarningsOf *of, Warnings *warnings) {
    const GaugeSample *sample = of->sample;
    for (int i = 0; i < sample->xid_count; i++) {
        const Xid *xid = of->xids ? xid_table_find(of->xids, sample->xids[i]) : NULL;
        if (xid)
            warn(warnings, "reports error %d (XID): %s; %s", xid->code, xid->name, xid_advice(xid->action));
        else
            warn(warnings, "reports error %d (XID): the table of codes does not have it; NVIDIA's page of XIDs may",
                 sample->xids[i]);
    }
}

/* --- Work --- */

static bool is_busy_and_half_empty(const GaugeSample *sample) {
    return sample->util >= HIGH_UTIL && sample->memory_used >= 0 && sample->memory_used < sample->memory_total / 2;
}

static bool is_little_used(const GaugeSample *sample) {
    return sample->util < LOW_UTIL;
}

static void warn_of_work(const WarningsOf *of, Warnings *warnings) {
    const GaugeSample *sample = of->sample;
    if (lasts(of, is_busy_and_half_empty))
        warn(warnings,
             "uses %.1f GB of %.1f GB: half of its memory is free while it is %.0f %% busy; more images at a "
             "time may be faster",
             (double)sample->memory_used / GIGABYTE, (double)sample->memory_total / GIGABYTE, sample->util);
    if (of->works && lasts(of, is_little_used))
        warn(warnings,
             "is %.0f %% busy while its job runs: the job waits for processor or disk; give it more cores or "
             "a faster disk",
             sample->util);
    if (of->others_per_s > 0 && of->images_per_s < SLOWER * of->others_per_s)
        warn(warnings,
             "computes %.1f images/s: %.0f %% less than others with the same configuration, whose median is %.1f; "
             "compare temperatures, clocks and cores",
             of->images_per_s, 100 * (1 - of->images_per_s / of->others_per_s), of->others_per_s);
}

void warnings_find(const WarningsOf *of, Warnings *warnings) {
    const GaugeSample *sample = of->sample;
    *warnings = (Warnings){0};
    if (!sample->known)
        warn(warnings, "does not answer: %s%s", *sample->why ? sample->why : "for a reason that is not known",
             sample->lost ? "; reset the GPU, or reboot the machine" : "");
    warn_of_heat(of, warnings);
    warn_of_throttling(sample, warnings);
    warn_of_power(sample, warnings);
    warn_of_memory_errors(sample, warnings);
    warn_of_codes(of, warnings);
    warn_of_work(of, warnings);
}
