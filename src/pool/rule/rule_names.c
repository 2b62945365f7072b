/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/rule/rule_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

static const char DIGITS[] = "0123456789";
static const char HEX[] = "0123456789abcdefABCDEF";

bool rule_name_is_plain(const char *name) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+@";
    return *name && *name != '-' && strlen(name) < POOL_NAME && !name[strspn(name, allowed)];
}

void rule_name_machine(char name[POOL_NAME]) {
    char full[256] = "";
    if (gethostname(full, sizeof full - 1) != 0 || !rule_name_is_plain(full))
        strcpy(full, "node");
    snprintf(name, POOL_NAME, "%s", full);
}

int rule_read_number(const char *text) {
    enum { MOST = 9999, MOST_DIGITS = 9 };
    const size_t length = strspn(text, DIGITS);
    if (!length || length > MOST_DIGITS || text[length])
        return -1;
    const long number = strtol(text, NULL, 10);
    return number <= MOST ? (int)number : -1;
}

static const char *add_numbers(int first, int last, int *numbers, int *count) {
    for (int number = first; number <= last; number++) {
        for (int i = 0; i < *count; i++)
            if (numbers[i] == number)
                return "a GPU is named twice";
        if (*count == POOL_GPUS)
            return "there are more than 64 GPUs";
        numbers[(*count)++] = number;
    }
    return NULL;
}

const char *rule_read_range(const char *word, int *numbers, int *count) {
    char first[16];
    const char *dash = strchr(word, '-');
    const size_t length = dash ? (size_t)(dash - word) : strlen(word);
    snprintf(first, sizeof first, "%.*s", (int)length, word);
    const int low = rule_read_number(first), high = dash ? rule_read_number(dash + 1) : low;
    if (length >= sizeof first || low < 0 || high < 0)
        return "GPUs are numbers and ranges, such as 0, 2-4";
    if (low > high)
        return "the range is reversed";
    return add_numbers(low, high, numbers, count);
}

typedef struct {
    unsigned domain, bus, device, function;
} PciAddress;

/* "3b:00.0", "0000:3B:00.0", "00000000:3B:00.0" */
static bool read_pci(const char *text, PciAddress *address) {
    const char *dot = strchr(text, '.'), *colon = strrchr(text, ':');
    int used = 0;
    if (!dot || !colon || text[strspn(text, "0123456789abcdefABCDEF:.")] || strlen(text) > 20)
        return false;
    *address = (PciAddress){0};
    if (sscanf(text, "%8x:%2x:%2x.%1x%n", &address->domain, &address->bus, &address->device, &address->function,
               &used) == 4 &&
        !text[used])
        return true;
    *address = (PciAddress){0};
    used = 0;
    return sscanf(text, "%2x:%2x.%1x%n", &address->bus, &address->device, &address->function, &used) == 3 &&
           !text[used];
}

GpuIdKind rule_id_kind(const char *id) {
    PciAddress address;
    if (strcmp(id, "cpu") == 0)
        return GPU_ID_CPU;
    if (rule_read_number(id) >= 0)
        return GPU_ID_INDEX;
    if (strlen(id) >= POOL_ID)
        return GPU_ID_NONE;
    if (strncmp(id, "GPU-", 4) == 0 || strncmp(id, "MIG-", 4) == 0)
        return rule_name_is_plain(id + 4) ? GPU_ID_UUID : GPU_ID_NONE;
    return id[strspn(id, HEX)] == ':' && read_pci(id, &address) ? GPU_ID_PCI : GPU_ID_NONE;
}

bool rule_same_id(const char *a, const char *b) {
    PciAddress one, other;
    const GpuIdKind kind = rule_id_kind(a);
    if (kind != rule_id_kind(b))
        return false;
    switch (kind) {
    case GPU_ID_UUID:
        return strcasecmp(a, b) == 0;
    case GPU_ID_INDEX:
        return rule_read_number(a) == rule_read_number(b);
    case GPU_ID_PCI:
        return read_pci(a, &one) && read_pci(b, &other) && one.domain == other.domain && one.bus == other.bus &&
               one.device == other.device && one.function == other.function;
    default:
        return false;
    }
}

/* Seconds since 1970 of the start of a day, or of the day after it. */
static bool read_day(const char *text, bool after, double *seconds) {
    struct tm day = {.tm_isdst = -1};
    int used = 0;
    if (strlen(text) != 10 || text[strspn(text, "0123456789-")] ||
        sscanf(text, "%4d-%2d-%2d%n", &day.tm_year, &day.tm_mon, &day.tm_mday, &used) != 3 || used != 10)
        return false;
    const int month = day.tm_mon, number = day.tm_mday;
    day.tm_year -= 1900;
    day.tm_mon -= 1;
    struct tm checked = day;
    if (day.tm_year < 70 || mktime(&checked) == (time_t)-1 || checked.tm_mon != month - 1 || checked.tm_mday != number)
        return false;
    day.tm_mday += after;
    *seconds = (double)mktime(&day);
    return true;
}

const char *rule_read_loan(const char *text, double *from, double *to) {
    char first[16], last[16];
    int used = 0;
    if (sscanf(text, "%15s %15s %n", first, last, &used) != 2 || text[used] || !read_day(first, false, from) ||
        !read_day(last, true, to))
        return "a loan is its first and last day, such as 2026-11-01 2026-12-31";
    return *from < *to ? NULL : "the loan ends before it begins";
}
