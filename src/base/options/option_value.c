/* SPDX-License-Identifier: Apache-2.0 */
#include "base/options/option_value.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 300 };

/* The choices with `between` before each but the first, and `last` before the last one. */
static void join_choices(const Option *option, const char *between, const char *last, char *text, size_t size) {
    size_t used = 0;
    *text = '\0';
    for (int i = 0; option->choices[i] && used < size; i++) {
        const char *separator = i == 0 ? "" : option->choices[i + 1] ? between : last;
        used += (size_t)snprintf(text + used, size - used, "%s%s", separator, option->choices[i]);
    }
}

void option_value_name(const Option *option, char *text, size_t size) {
    if (option->type == OPTION_CHOICE)
        join_choices(option, "|", "|", text, size);
    else
        snprintf(text, size, "%s", option->type == OPTION_FLAG ? "" : option->value);
}

void option_value_describe(const Option *option, char *text, size_t size) {
    static const char *const KINDS[] = {
        [OPTION_TEXT] = "a text",   [OPTION_PATH] = "a path",        [OPTION_TEXTS] = "a text",
        [OPTION_PATHS] = "a path",  [OPTION_INT] = "a whole number", [OPTION_INTEGER] = "a whole number",
        [OPTION_REAL] = "a number", [OPTION_SHARE] = "a share",      [OPTION_FLAG] = "no value",
        [OPTION_CHOICE] = ""};
    const char *kind = KINDS[option->type];
    const bool number = option->type >= OPTION_INT && option->type <= OPTION_SHARE;
    if (option->type == OPTION_CHOICE)
        join_choices(option, ", ", " or ", text, size);
    else if (!number)
        snprintf(text, size, "%s", kind);
    else if (option->above && isinf(option->max))
        snprintf(text, size, "%s above %.15g", kind, option->min);
    else if (isinf(option->max))
        snprintf(text, size, "%s from %.15g", kind, option->min);
    else
        snprintf(text, size, "%s %s %.15g to %.15g", kind, option->above ? "above" : "from", option->min, option->max);
}

static Status refuse_value(const Option *option, const char *text) {
    char takes[WORDS];
    option_value_describe(option, takes, sizeof takes);
    return status_error(EXIT_USAGE, "%s takes %s, not '%.200s'", option->name, takes, text);
}

static bool is_in_range(const Option *option, double value) {
    return value >= option->min && value <= option->max && !(option->above && value == option->min);
}

static Status read_integer(const Option *option, const char *text, int64_t *value) {
    char *end;
    errno = 0;
    const long long number = strtoll(text, &end, 10);
    if (errno || end == text || *end || !is_in_range(option, (double)number))
        return refuse_value(option, text);
    *value = number;
    return NULL;
}

static Status read_real(const Option *option, const char *text, double *value) {
    char *end;
    double number = strtod(text, &end);
    if (option->type == OPTION_SHARE && end != text && *end == '%') {
        number /= 100;
        end++;
    }
    if (end == text || *end || !isfinite(number) || !is_in_range(option, number))
        return refuse_value(option, text);
    *value = number;
    return NULL;
}

static Status read_choice(const Option *option, const char *text, void *target) {
    for (int i = 0; option->choices[i]; i++)
        if (strcmp(text, option->choices[i]) == 0) {
            memcpy(target, &i, sizeof i);
            return NULL;
        }
    return refuse_value(option, text);
}

Status option_value_read(const Option *option, const char *text, void *target) {
    int64_t integer = 0;
    switch (option->type) {
    case OPTION_TEXT:
    case OPTION_PATH:
        *(const char **)target = text;
        return NULL;
    case OPTION_INT:
        TRY(read_integer(option, text, &integer));
        if (integer > INT_MAX || integer < INT_MIN)
            return refuse_value(option, text);
        *(int *)target = (int)integer;
        return NULL;
    case OPTION_INTEGER:
        return read_integer(option, text, target);
    case OPTION_REAL:
    case OPTION_SHARE:
        return read_real(option, text, target);
    case OPTION_CHOICE:
        return read_choice(option, text, target);
    case OPTION_FLAG:
    case OPTION_TEXTS:
    case OPTION_PATHS:
        break;
    }
    return status_error(EXIT_INTERNAL, "option %s has no value of its own to read", option->name);
}
