/* SPDX-License-Identifier: Apache-2.0 */
#include "base/config/value.h"
#include "base/quantity.h"

#include <stdlib.h>
#include <string.h>

size_t config_text_size(const ConfigKey *key) {
    return key->paths ? CONFIG_PATHS : CONFIG_TEXT;
}

const char *config_choice_of(const ConfigKey *key, int value) {
    for (const ConfigChoice *choice = key->choices; choice->name; choice++)
        if (choice->value == value)
            return choice->name;
    return "";
}

/* The readers return NULL, or why `text` is not a value of the key. */

static const char *read_integer(const ConfigKey *key, const char *text, int64_t *integer) {
    char *end;
    if (key->automatic && !strcmp(text, "auto")) {
        *integer = CONFIG_AUTO;
        return NULL;
    }
    *integer = strtoll(text, &end, 10);
    if (!*text || *end || text[strspn(text, "-0123456789")])
        return "not a whole number";
    /* Beyond its own range strtoll gives its largest value, which is out of every key's. */
    return *integer < (int64_t)key->min || *integer > (int64_t)key->max ? "out of range" : NULL;
}

static const char *check_real(const ConfigKey *key, double *real) {
    if (!(*real >= key->min && *real <= key->max))
        return "out of range";
    *real += 0.0; /* -0 becomes 0: equal configurations have equal hashes */
    return NULL;
}

static const char *read_real(const ConfigKey *key, const char *text, double *real) {
    char *end;
    *real = strtod(text, &end);
    /* strtod also reads nan, inf and hexadecimal. */
    if (!*text || *end || text[strspn(text, "+-.0123456789eE")])
        return "not a number";
    return check_real(key, real);
}

static const char *read_size(const ConfigKey *key, const char *text, int64_t *bytes) {
    if (!quantity_read_size(text, bytes))
        return "not a size";
    return *bytes < (int64_t)key->min || *bytes > (int64_t)key->max ? "out of range" : NULL;
}

static const char *read_duration(const ConfigKey *key, const char *text, double *seconds) {
    return quantity_read_duration(text, seconds) ? check_real(key, seconds) : "not a duration";
}

static const char *read_choice(const ConfigKey *key, const char *text, int *value) {
    for (const ConfigChoice *choice = key->choices; choice->name; choice++)
        if (!strcmp(text, choice->name)) {
            *value = choice->value;
            return NULL;
        }
    return "unknown choice";
}

/* Only texts that come back the same from the file that config_print() makes of them. */
static const char *check_text(const ConfigKey *key, const char *text) {
    if (strlen(text) >= config_text_size(key))
        return "too long; use a shorter path, or a link";
    for (size_t i = 0; text[i]; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 127)
            return "contains a control character";
        if ((text[i] == ';' || text[i] == '#') && (i == 0 || text[i - 1] == ' '))
            return "no word may start with ; or # (a comment starts with ; after a blank)";
    }
    return NULL;
}

const char *config_value_read(const ConfigKey *key, char *text, ConfigValue *value) {
    switch (key->type) {
    case CONFIG_INTEGER:
        return read_integer(key, text, &value->integer);
    case CONFIG_REAL:
        return read_real(key, text, &value->real);
    case CONFIG_SWITCH:
        value->on = !strcmp(text, "on");
        return value->on || !strcmp(text, "off") ? NULL : "neither on nor off";
    case CONFIG_CHOICE:
        return read_choice(key, text, &value->choice);
    case CONFIG_STRING:
        value->text = text;
        return check_text(key, text);
    case CONFIG_SIZE:
        return read_size(key, text, &value->integer);
    case CONFIG_DURATION:
        return read_duration(key, text, &value->real);
    }
    return NULL;
}

void config_value_store(const ConfigKey *key, void *place, const ConfigValue *value) {
    switch (key->type) {
    case CONFIG_INTEGER:
    case CONFIG_SIZE:
        *(int64_t *)place = value->integer;
        break;
    case CONFIG_REAL:
    case CONFIG_DURATION:
        *(double *)place = value->real;
        break;
    case CONFIG_SWITCH:
        *(bool *)place = value->on;
        break;
    case CONFIG_CHOICE:
        memcpy(place, &value->choice, sizeof value->choice);
        break;
    case CONFIG_STRING:
        memcpy(place, value->text, strlen(value->text) + 1);
        break;
    }
}

ConfigValue config_value_load(const ConfigKey *key, const void *place) {
    ConfigValue value = {0};
    switch (key->type) {
    case CONFIG_INTEGER:
    case CONFIG_SIZE:
        value.integer = *(const int64_t *)place;
        break;
    case CONFIG_REAL:
    case CONFIG_DURATION:
        value.real = *(const double *)place;
        break;
    case CONFIG_SWITCH:
        value.on = *(const bool *)place;
        break;
    case CONFIG_CHOICE:
        memcpy(&value.choice, place, sizeof value.choice);
        break;
    case CONFIG_STRING:
        value.text = (char *)place;
        break;
    }
    return value;
}

void config_value_print(const ConfigKey *key, const ConfigValue *value, FILE *out) {
    switch (key->type) {
    case CONFIG_INTEGER:
        if (key->automatic && value->integer == CONFIG_AUTO)
            fputs("auto", out);
        else
            fprintf(out, "%lld", (long long)value->integer);
        break;
    case CONFIG_REAL:
        fputs(quantity_real(value->real).text, out);
        break;
    case CONFIG_SWITCH:
        fputs(value->on ? "on" : "off", out);
        break;
    case CONFIG_CHOICE:
        fputs(config_choice_of(key, value->choice), out);
        break;
    case CONFIG_STRING:
        fputs(value->text, out);
        break;
    case CONFIG_SIZE:
        fputs(quantity_size(value->integer).text, out);
        break;
    case CONFIG_DURATION:
        fputs(quantity_duration(value->real).text, out);
        break;
    }
}
