/* SPDX-License-Identifier: Apache-2.0 */
/* What the stand-in of fake_nvml.c says of a GPU when it is asked. */
#include "tests/gauges/fake_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int nvmlDeviceGetUtilizationRates(Handle *device, unsigned rates[2]);
int nvmlDeviceGetUtilizationRates(Handle *device, unsigned rates[2]) {
    char line[MOST_LINE] = "";
    double util = 0, busy = 0, hang = 0;
    fake_lock();
    int result = fake_open_reading(device, "util", line);
    if (!result && !fake_number(line, "util", &util))
        result = UNSUPPORTED;
    if (!result && fake_number(line, "busy", &busy) && fake_count_live(line))
        util = busy;
    fake_number(line, "hang", &hang);
    fake_unlock();
    const struct timespec pause = {(time_t)hang, (long)((hang - (double)(time_t)hang) * 1e9)};
    nanosleep(&pause, NULL);
    rates[0] = (unsigned)util;
    rates[1] = 0;
    return result;
}

/* Bytes used by what is listed and what is alive. */
static int read_memory(Handle *device, double *used, double *reserved, double *total) {
    char line[MOST_LINE], each[32] = "1e9";
    fake_lock();
    int result = fake_open_reading(device, "memory", line);
    *used = *reserved = 0;
    if (!result && !fake_number(line, "total", total))
        result = UNSUPPORTED;
    if (!result) {
        fake_value(line, "each", each, sizeof each);
        fake_number(line, "used", used);
        fake_number(line, "reserved", reserved);
        *used += fake_count_live(line) * strtod(each, NULL);
    }
    fake_unlock();
    return result;
}

/* As the first version has it, what the driver reserves counts as used. */
int nvmlDeviceGetMemoryInfo(Handle *device, Bytes memory[3]);
int nvmlDeviceGetMemoryInfo(Handle *device, Bytes memory[3]) {
    double used, reserved, total;
    const int result = read_memory(device, &used, &reserved, &total);
    if (result)
        return result;
    memory[0] = (Bytes)total;
    memory[1] = (Bytes)(total - used - reserved);
    memory[2] = (Bytes)(used + reserved);
    return OK;
}

int nvmlDeviceGetTemperature(Handle *device, int sensor, unsigned *degrees);
int nvmlDeviceGetTemperature(Handle *device, int sensor, unsigned *degrees) {
    double number = 0;
    const int result = sensor ? BAD_ARGUMENT : fake_reading(device, "temperature", &number);
    *degrees = (unsigned)number;
    return result;
}

int nvmlDeviceGetTemperatureThreshold(Handle *device, int which, unsigned *degrees);
int nvmlDeviceGetTemperatureThreshold(Handle *device, int which, unsigned *degrees) {
    double number = 0;
    const int result = which != 1 ? UNSUPPORTED : fake_reading(device, "limit", &number);
    *degrees = (unsigned)number;
    return result;
}

int nvmlDeviceGetPowerUsage(Handle *device, unsigned *milliwatts);
int nvmlDeviceGetPowerUsage(Handle *device, unsigned *milliwatts) {
    double number = 0;
    const int result = fake_reading(device, "watts", &number);
    *milliwatts = (unsigned)(number * 1000);
    return result;
}

int nvmlDeviceGetEnforcedPowerLimit(Handle *device, unsigned *milliwatts);
int nvmlDeviceGetEnforcedPowerLimit(Handle *device, unsigned *milliwatts) {
    double number = 0;
    const int result = fake_reading(device, "cap", &number);
    *milliwatts = (unsigned)(number * 1000);
    return result;
}

int nvmlDeviceGetPcieThroughput(Handle *device, int counter, unsigned *kilobytes);
int nvmlDeviceGetPcieThroughput(Handle *device, int counter, unsigned *kilobytes) {
    double number = 0;
    const int result = fake_reading(device, counter ? "pcie_to" : "pcie_from", &number);
    *kilobytes = (unsigned)(number / 1000);
    return result;
}

static int read_throttle(Handle *device, Bytes *reasons) {
    char line[MOST_LINE], text[32];
    int result = fake_open_reading(device, "throttle", line);
    if (!result && !fake_value(line, "throttle", text, sizeof text))
        result = UNSUPPORTED;
    *reasons = result ? 0 : strtoull(text, NULL, 0);
    return result;
}

int nvmlDeviceGetCurrentClocksThrottleReasons(Handle *device, Bytes *reasons);
int nvmlDeviceGetCurrentClocksThrottleReasons(Handle *device, Bytes *reasons) {
    return read_throttle(device, reasons);
}

int nvmlDeviceGetRemappedRows(Handle *device, unsigned *correctable, unsigned *uncorrectable, unsigned *pending,
                              unsigned *failed);
int nvmlDeviceGetRemappedRows(Handle *device, unsigned *correctable, unsigned *uncorrectable, unsigned *pending,
                              unsigned *failed) {
    char line[MOST_LINE];
    unsigned *const to[] = {correctable, uncorrectable, pending, failed};
    const int result = fake_open_reading(device, "remapped", line);
    for (int i = 0; !result && i < 4; i++) {
        Bytes part;
        if (!fake_part(line, "remapped", i, &part))
            return UNSUPPORTED;
        *to[i] = (unsigned)part;
    }
    return result;
}

#ifndef FAKE_NVML_OLD

int nvmlDeviceGetCurrentClocksEventReasons(Handle *device, Bytes *reasons);
int nvmlDeviceGetCurrentClocksEventReasons(Handle *device, Bytes *reasons) {
    return read_throttle(device, reasons);
}

typedef struct {
    unsigned version;
    Bytes total, reserved, free, used;
} Memory;

int nvmlDeviceGetMemoryInfo_v2(Handle *device, Memory *memory);
int nvmlDeviceGetMemoryInfo_v2(Handle *device, Memory *memory) {
    double used, reserved, total;
    if (memory->version != (sizeof *memory | 2u << 24))
        return BAD_VERSION;
    const int result = read_memory(device, &used, &reserved, &total);
    if (!result)
        *memory =
            (Memory){memory->version, (Bytes)total, (Bytes)reserved, (Bytes)(total - used - reserved), (Bytes)used};
    return result;
}

typedef struct {
    unsigned version;
    int sensor, degrees;
} Temperature;

int nvmlDeviceGetTemperatureV(Handle *device, Temperature *temperature);
int nvmlDeviceGetTemperatureV(Handle *device, Temperature *temperature) {
    double number = 0;
    if (temperature->version != (sizeof *temperature | 1u << 24))
        return BAD_VERSION;
    const int result = fake_reading(device, "temperature", &number);
    temperature->degrees = (int)number;
    return result;
}

typedef struct {
    unsigned version;
    int degrees;
} Margin;

int nvmlDeviceGetMarginTemperature(Handle *device, Margin *margin);
int nvmlDeviceGetMarginTemperature(Handle *device, Margin *margin) {
    double number = 0;
    if (margin->version != (sizeof *margin | 1u << 24))
        return BAD_VERSION;
    const int result = fake_reading(device, "margin", &number);
    margin->degrees = (int)number;
    return result;
}

typedef struct {
    unsigned id, scope;
    long long time, latency;
    int type, result; /* 1: unsigned, 3: unsigned long long, 5: int */
    union {
        unsigned number;
        int integer;
        Bytes large;
    } value;
} Field;

/* A field that is one number of the state file. */
static void read_field(const char *line, const char *key, double factor, int type, Field *field) {
    char list[256];
    double number;
    if (fake_value(line, "failing", list, sizeof list) && fake_has_word(list, key))
        field->result = UNKNOWN;
    if (field->result || (fake_value(line, "unsupported", list, sizeof list) && fake_has_word(list, key)) ||
        !fake_number(line, key, &number)) {
        field->result = field->result ? field->result : UNSUPPORTED;
        return;
    }
    if (type == 1)
        field->value.number = (unsigned)(number * factor);
    else if (type == 5)
        field->value.integer = (int)(number * factor);
    else
        field->value.large = (Bytes)(number * factor);
    field->type = type;
}

static void read_part(const char *line, const char *key, int part, int type, Field *field) {
    char list[256];
    Bytes number;
    if ((fake_value(line, "unsupported", list, sizeof list) && fake_has_word(list, key)) ||
        !fake_part(line, key, part, &number)) {
        field->result = UNSUPPORTED;
        return;
    }
    field->value.large = 0xa5a5a5a5a5a5a5a5; /* a reader of the wrong width gets nonsense */
    if (type == 1)
        field->value.number = (unsigned)number;
    else
        field->value.large = number;
    field->type = type;
}

int nvmlDeviceGetFieldValues(Handle *device, int count, Field *fields);
int nvmlDeviceGetFieldValues(Handle *device, int count, Field *fields) {
    char line[MOST_LINE];
    fake_lock();
    const int result = fake_open_gpu(device, line);
    for (int i = 0; !result && i < count; i++) {
        Field *field = &fields[i];
        field->result = OK;
        memset(&field->value, 0xa5, sizeof field->value);
        if (field->id == 3 || field->id == 4)
            read_part(line, "ecc", (int)field->id - 3, 3, field);
        else if (field->id >= 142 && field->id <= 145)
            read_part(line, "remapped", (int)field->id - 142, 1, field);
        else if (field->id == 82)
            read_field(line, "memory_temperature", 1, 1, field);
        else if (field->id == 83)
            read_field(line, "joules", 1000, 3, field);
        else if (field->id == 194)
            read_field(line, "slowdown_margin", 1, 5, field);
        else if (field->id == 197)
            read_field(line, "pcie_sent", 1, 3, field);
        else if (field->id == 198)
            read_field(line, "pcie_received", 1, 3, field);
        else
            field->result = UNSUPPORTED;
    }
    fake_unlock();
    return result;
}

#endif
