/* SPDX-License-Identifier: Apache-2.0 */
#include "gauges/readings.h"

#include "base/clock.h"
#include "gauges/process_list.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Of one sample: how the GPU has answered so far. */
typedef struct {
    const Nvml *nvml;
    NvmlDevice *device;
    GaugeSample *sample;
    bool answered;
    int failure; /* the first that is more than a reading that this GPU or this driver lacks; NVML_SUCCESS: none */
} Reader;

static bool is_lost(int result) {
    return result == NVML_GPU_IS_LOST || result == NVML_RESET_REQUIRED;
}

/* Whether it is a reading that this GPU or this driver lacks. */
static bool is_missing(int result) {
    return result == NVML_NOT_SUPPORTED || result == NVML_FUNCTION_NOT_FOUND;
}

/* Whether the call has given a value. */
static bool took(Reader *reader, int result) {
    if (result == NVML_SUCCESS)
        reader->answered = true;
    else if (is_lost(result))
        reader->failure = result;
    else if (!reader->failure && !is_missing(result))
        reader->failure = result;
    return result == NVML_SUCCESS;
}

/* Calls a function that may be missing, unless the GPU is lost. */
#define TAKE(reader, function, ...)                                                                                    \
    (!is_lost((reader)->failure) && took((reader), NVML_CALL((reader)->nvml, function, (reader)->device, __VA_ARGS__)))

static void read_utilization(Reader *reader) {
    NvmlUtilization utilization;
    if (TAKE(reader, utilization, &utilization) && utilization.gpu <= 100)
        reader->sample->util = utilization.gpu;
}

static void read_processes(Reader *reader) {
    GaugeSample *sample = reader->sample;
    int count;
    if (is_lost(reader->failure))
        return;
    const int result = process_list_read(reader->nvml, reader->device, sample->processes, GAUGE_PROCESSES, &count);
    if (took(reader, result))
        sample->process_count = count;
}

/* GPUs whose memory is the host's report none, or a total of 0. */
static void set_memory(GaugeSample *sample, NvmlBytes used, NvmlBytes total) {
    if (!total || total > INT64_MAX || used > total)
        return;
    sample->memory_used = (int64_t)used;
    sample->memory_total = (int64_t)total;
}

/* The first version counts what the driver reserves as used. */
static void read_memory(Reader *reader) {
    NvmlMemory2 memory2 = {.version = NVML_VERSION(NvmlMemory2, 2)};
    NvmlMemory memory;
    if (TAKE(reader, memory2, &memory2)) {
        set_memory(reader->sample, memory2.used, memory2.total);
        return;
    }
    const int result = NVML_CALL(reader->nvml, memory, reader->device, &memory);
    if (took(reader, result))
        set_memory(reader->sample, memory.used, memory.total);
    else
        reader->sample->memory_failed = !is_missing(result);
}

static void read_celsius(Reader *reader) {
    NvmlTemperature temperature = {.version = NVML_VERSION(NvmlTemperature, 1)};
    unsigned celsius;
    if (TAKE(reader, temperature2, &temperature))
        reader->sample->celsius = temperature.celsius;
    else if (TAKE(reader, temperature, 0, &celsius))
        reader->sample->celsius = celsius;
}

static void read_power(Reader *reader) {
    unsigned milliwatts;
    if (TAKE(reader, power, &milliwatts))
        reader->sample->watts = milliwatts / 1e3;
    if (TAKE(reader, power_limit, &milliwatts))
        reader->sample->watts_cap = milliwatts / 1e3;
}

static void read_throttle(Reader *reader) {
    static const struct {
        NvmlBytes bit;
        Throttle throttle;
    } reasons[] = {{0x04, THROTTLE_POWER_CAP},
                   {0x20, THROTTLE_SOFTWARE_THERMAL},
                   {0x40, THROTTLE_HARDWARE_THERMAL},
                   {0x80, THROTTLE_POWER_BRAKE}};
    static const NvmlBytes HARDWARE = 0x08, HARDWARE_KNOWN = 0x40 | 0x80;
    NvmlBytes bits;
    if (!TAKE(reader, event_reasons, &bits) && !TAKE(reader, throttle_reasons, &bits))
        return;
    int throttle = 0;
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (bits & reasons[i].bit)
            throttle |= (int)reasons[i].throttle;
    /* The hardware's bit is set beside those that say why. */
    if (bits & HARDWARE && !(bits & HARDWARE_KNOWN))
        throttle |= THROTTLE_HARDWARE;
    reader->sample->throttle = throttle;
}

/* --- Fields --- */

enum {
    FIELD_ECC_CORRECTED,
    FIELD_ECC_UNCORRECTED,
    FIELD_MEMORY_CELSIUS,
    FIELD_ENERGY,
    FIELD_REMAPPED_CORRECTABLE,
    FIELD_REMAPPED_UNCORRECTABLE,
    FIELD_REMAP_PENDING,
    FIELD_REMAP_FAILED,
    FIELD_SLOWDOWN_MARGIN,
    FIELD_PCIE_SENT,
    FIELD_PCIE_RECEIVED,
    FIELDS
};

static double field_value(const NvmlField *field) {
    if (field->result != NVML_SUCCESS)
        return NAN;
    switch ((NvmlType)field->type) {
    case NVML_DOUBLE:
        return field->value.d;
    case NVML_UINT:
        return field->value.u;
    case NVML_ULONG:
        return (double)field->value.ul;
    case NVML_ULLONG:
        return (double)field->value.ull;
    case NVML_LLONG:
        return (double)field->value.ll;
    case NVML_INT:
        return field->value.i;
    case NVML_USHORT:
        return field->value.us;
    }
    return NAN;
}

static int64_t count_of(double value) {
    return value >= 0 && value < 0x1p53 ? (int64_t)value : -1;
}

/* Each field has its own result, which counts only where the call itself succeeds. */
static void read_fields(Reader *reader, double values[FIELDS]) {
    static const unsigned ids[FIELDS] = {3, 4, 82, 83, 142, 143, 144, 145, 194, 197, 198};
    NvmlField fields[FIELDS] = {0};
    for (int i = 0; i < FIELDS; i++) {
        fields[i].id = ids[i];
        fields[i].result = NVML_UNKNOWN;
    }
    const bool taken = TAKE(reader, fields, FIELDS, fields);
    for (int i = 0; i < FIELDS; i++)
        values[i] = taken ? field_value(&fields[i]) : (double)NAN;
}

/* Newer GPUs know how far they are from their limit in place of the limit itself. */
static void read_limit(Reader *reader, double slowdown_margin) {
    enum { SLOWDOWN = 1 };
    NvmlMargin margin = {.version = NVML_VERSION(NvmlMargin, 1)};
    GaugeSample *sample = reader->sample;
    unsigned celsius;
    if (TAKE(reader, threshold, SLOWDOWN, &celsius))
        sample->celsius_limit = celsius;
    else if (!isnan(slowdown_margin) && TAKE(reader, margin, &margin))
        sample->celsius_limit = sample->celsius + margin.celsius - slowdown_margin;
}

static void read_remapped(Reader *reader, const double values[FIELDS]) {
    GaugeSample *sample = reader->sample;
    unsigned correctable, uncorrectable, pending, failed;
    sample->remapped_rows = count_of(values[FIELD_REMAPPED_CORRECTABLE] + values[FIELD_REMAPPED_UNCORRECTABLE]);
    sample->remap_pending = values[FIELD_REMAP_PENDING] > 0;
    sample->remap_failed = values[FIELD_REMAP_FAILED] > 0;
    if (sample->remapped_rows >= 0 || !TAKE(reader, remapped_rows, &correctable, &uncorrectable, &pending, &failed))
        return;
    sample->remapped_rows = (int64_t)correctable + uncorrectable;
    sample->remap_pending = pending;
    sample->remap_failed = failed;
}

/* The driver's own measurement takes 20 ms for each direction: only where there are no counters, or no earlier ones. */
static void read_pcie(Reader *reader, double sent, double received, ReadingsBefore *before) {
    enum { SENT, RECEIVED };
    GaugeSample *sample = reader->sample;
    const double now = clock_now(), seconds = now - before->time;
    const ReadingsBefore last = *before;
    unsigned kilobytes;
    *before = (ReadingsBefore){!isnan(sent) && !isnan(received), now, sent, received};
    if (before->known && last.known && sent >= last.sent && received >= last.received && seconds > 0) {
        sample->pcie_from_gpu = (sent - last.sent) / seconds;
        sample->pcie_to_gpu = (received - last.received) / seconds;
        return;
    }
    if (TAKE(reader, pcie_throughput, SENT, &kilobytes))
        sample->pcie_from_gpu = kilobytes * 1e3;
    if (TAKE(reader, pcie_throughput, RECEIVED, &kilobytes))
        sample->pcie_to_gpu = kilobytes * 1e3;
}

void readings_take(const Nvml *nvml, NvmlDevice *device, ReadingsBefore *before, GaugeSample *sample) {
    Reader reader = {.nvml = nvml, .device = device, .sample = sample};
    double values[FIELDS];
    read_utilization(&reader);
    read_processes(&reader);
    read_memory(&reader);
    read_celsius(&reader);
    read_power(&reader);
    read_throttle(&reader);
    read_fields(&reader, values);
    if (values[FIELD_MEMORY_CELSIUS] > 0) /* GPUs without such a sensor report 0 */
        sample->memory_celsius = values[FIELD_MEMORY_CELSIUS];
    sample->ecc_corrected = count_of(values[FIELD_ECC_CORRECTED]);
    sample->ecc_uncorrected = count_of(values[FIELD_ECC_UNCORRECTED]);
    sample->joules = values[FIELD_ENERGY] / 1e3;
    read_limit(&reader, values[FIELD_SLOWDOWN_MARGIN]);
    read_remapped(&reader, values);
    read_pcie(&reader, values[FIELD_PCIE_SENT], values[FIELD_PCIE_RECEIVED], before);
    if (reader.answered && !is_lost(reader.failure)) {
        sample->known = true;
        return;
    }
    char why[GAUGE_WHY];
    nvml_explain(nvml, reader.failure ? reader.failure : NVML_NOT_SUPPORTED, why, sizeof why);
    gauges_unknown(sample, sample->time, why);
    sample->lost = is_lost(reader.failure);
}
