/* SPDX-License-Identifier: Apache-2.0 */
#include "base/quantity.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    char letter; /* '\0': no letter, the unit itself */
    int64_t factor;
} Unit;

static const Unit size_units[] = {{'T', 1LL << 40}, {'G', 1 << 30}, {'M', 1 << 20}, {'K', 1 << 10}, {'\0', 1}};
static const Unit duration_units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}, {'\0', 1}};
enum { UNITS = 5 };

/* The factor of the unit that is the whole of `suffix`; 0: there is none. */
static int64_t unit_factor(const Unit units[UNITS], const char *suffix) {
    for (int i = 0; i < UNITS; i++)
        if (*suffix == units[i].letter && (!*suffix || !suffix[1]))
            return units[i].factor;
    return 0;
}

bool quantity_read_size(const char *text, int64_t *bytes) {
    const size_t digits = strspn(text, "0123456789");
    const int64_t factor = unit_factor(size_units, text + digits);
    const long long number = strtoll(text, NULL, 10); /* beyond its range: LLONG_MAX */
    if (!digits || !factor || number == INT64_MAX)
        return false;
    return !__builtin_mul_overflow((int64_t)number, factor, bytes);
}

bool quantity_read_duration(const char *text, double *seconds) {
    /* strtod also reads a sign, nan, inf and hexadecimal. */
    const size_t digits = strspn(text, "+-.0123456789eE");
    const int64_t factor = unit_factor(duration_units, text + digits);
    char *end;
    const double number = strtod(text, &end) * (double)factor;
    if (!digits || !factor || end != text + digits || *text == '+' || *text == '-' || !isfinite(number))
        return false;
    *seconds = number;
    return true;
}

QuantityText quantity_size(int64_t bytes) {
    QuantityText size;
    int unit = 0;
    while (size_units[unit].letter && (!bytes || bytes % size_units[unit].factor))
        unit++;
    snprintf(size.text, sizeof size.text, "%lld%.1s", (long long)(bytes / size_units[unit].factor),
             &size_units[unit].letter);
    return size;
}

QuantityText quantity_duration(double seconds) {
    enum { LONGEST = 1 << 30 }; /* seconds that are printed in larger units, as int64_t */
    const int64_t whole = seconds >= 1 && seconds < LONGEST ? (int64_t)seconds : 0;
    if (!whole || (double)whole != seconds)
        return quantity_real(seconds);
    QuantityText duration;
    int unit = 0;
    while (duration_units[unit].letter != 's' && whole % duration_units[unit].factor)
        unit++;
    const char letter[] = {duration_units[unit].letter == 's' ? '\0' : duration_units[unit].letter, '\0'};
    snprintf(duration.text, sizeof duration.text, "%lld%s", (long long)(whole / duration_units[unit].factor), letter);
    return duration;
}

QuantityText quantity_real(double value) {
    QuantityText real;
    int digits = 15;
    do
        snprintf(real.text, sizeof real.text, "%.*g", digits, value);
    while (strtod(real.text, NULL) != value && ++digits <= 17);
    return real;
}
