/* SPDX-License-Identifier: Apache-2.0 */
#include "base/config/keys.h"
#include "base/config/value.h"
#include "base/nearest.h"
#include "base/quantity.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool config_any_name(const ConfigKey *key) {
    return strcmp(key->name, "*") == 0;
}

/* What follows "PREFIX." in `text`; NULL when it does not start so. */
static const char *after_prefix(const char *text, const char *prefix) {
    const size_t length = strlen(prefix);
    return strncmp(text, prefix, length) == 0 && text[length] == '.' ? text + length + 1 : NULL;
}

const ConfigKey *config_row(const ConfigTable *table, int i) {
    if (i < table->key_count)
        return &table->keys[i];
    i -= table->key_count;
    for (int n = 0; n < table->named_count; n++) {
        const ConfigTable *own = table->named[n].table;
        if (i < own->key_count)
            return &own->keys[i];
        i -= own->key_count;
    }
    return NULL;
}

static const ConfigNamed *named_of(const ConfigTable *table, const ConfigKey *key) {
    for (int n = 0; n < table->named_count; n++) {
        const ConfigTable *own = table->named[n].table;
        if (key >= own->keys && key < own->keys + own->key_count)
            return &table->named[n];
    }
    return NULL;
}

/* A key of the table's own sections: one of that very name before one of any name. */
static bool find_own(const ConfigTable *table, ConfigFound *found) {
    for (const ConfigKey *key = table->keys; key < table->keys + table->key_count; key++) {
        const char *name = after_prefix(found->full, key->section);
        if (name && strcmp(name, key->name) == 0) {
            found->any_name = config_any_name(key) ? name : NULL;
            found->key = key;
            return true;
        }
        if (name && *name && config_any_name(key)) {
            found->any_name = name;
            found->key = key;
        }
    }
    return found->key != NULL;
}

static bool find_in_named(const ConfigTable *table, ConfigFound *found) {
    for (int n = 0; n < table->named_count; n++) {
        const ConfigNamed *named = &table->named[n];
        const char *section = after_prefix(found->full, named->prefix);
        const char *dot = section ? strchr(section, '.') : NULL;
        if (!dot || dot == section)
            continue;
        for (const ConfigKey *key = named->table->keys; key < named->table->keys + named->table->key_count; key++)
            if (strcmp(key->name, dot + 1) == 0) {
                found->key = key;
                found->named = named;
                snprintf(found->section, sizeof found->section, "%.*s", (int)(dot - section), section);
                return true;
            }
    }
    return false;
}

bool config_find(const ConfigTable *table, const char *full, ConfigFound *found) {
    *found = (ConfigFound){0};
    for (int i = 0; i < table->alias_count; i++)
        if (strcmp(full, table->aliases[i].old) == 0) {
            full = table->aliases[i].new;
            found->renamed = true;
        }
    if ((size_t)snprintf(found->full, sizeof found->full, "%s", full) >= sizeof found->full)
        return false;
    return find_own(table, found) || find_in_named(table, found);
}

bool config_find_section(const ConfigTable *table, const char *section, const ConfigNamed **named, const char **name) {
    *named = NULL;
    for (int i = 0; i < table->key_count; i++)
        if (strcmp(table->keys[i].section, section) == 0)
            return true;
    for (int n = 0; n < table->named_count; n++) {
        *name = after_prefix(section, table->named[n].prefix);
        if (*name && **name && !strchr(*name, '.')) {
            *named = &table->named[n];
            return true;
        }
    }
    return false;
}

static const ConfigKey *nearest_key(const ConfigTable *table, const char *text) {
    enum { PART = 2 }; /* a name that contains what was asked for, as base_lr contains lr, counts as two edits away */
    const ConfigKey *nearest = table->keys;
    int fewest = INT_MAX;
    const char *dot = strrchr(text, '.'), *last = dot ? dot + 1 : text;
    const ConfigKey *key;
    for (int i = 0; (key = config_row(table, i)); i++) {
        char title[CONFIG_NAME];
        config_key_title(table, key, title);
        int whole = nearest_edits(text, title), alone = nearest_edits(text, key->name);
        int distance = whole < alone ? whole : alone;
        if (distance > PART && strlen(last) > 1 && strstr(key->name, last))
            distance = PART;
        if (distance < fewest) {
            fewest = distance;
            nearest = key;
        }
    }
    return nearest;
}

Status config_unknown_key(const ConfigTable *table, const char *where, const char *key) {
    char title[CONFIG_NAME];
    config_key_title(table, nearest_key(table, key), title);
    return status_error(EXIT_USAGE, "%s: unknown key %.200s; the nearest is %s (%s %s)", where, key, title,
                        table->help_command, title);
}

Status config_unknown_section(const ConfigTable *table, const char *where, const char *section) {
    const char *nearest = table->keys[0].section, *name = "";
    for (int i = 1; i < table->key_count; i++)
        if (nearest_edits(section, table->keys[i].section) < nearest_edits(section, nearest))
            nearest = table->keys[i].section;
    for (int n = 0; n < table->named_count; n++) {
        const char *prefix = table->named[n].prefix;
        if (after_prefix(section, prefix) || nearest_edits(section, prefix) < nearest_edits(section, nearest)) {
            nearest = prefix;
            name = ".NAME";
        }
    }
    return status_error(EXIT_USAGE, "%s: unknown section [%.80s]; the nearest is [%s%s] (%s lists all keys)", where,
                        section, nearest, name, table->help_command);
}

const char *config_likely_section(const ConfigTable *table, const char *key) {
    return nearest_key(table, key)->section;
}

void config_key_title(const ConfigTable *table, const ConfigKey *key, char title[CONFIG_NAME]) {
    snprintf(title, CONFIG_NAME, "%s%s.%s", key->section, named_of(table, key) ? ".NAME" : "", key->name);
}

const char *config_key_type(const ConfigKey *key) {
    static const char *const names[][2] = {
        [CONFIG_INTEGER] = {"integer", "integers"},   [CONFIG_REAL] = {"real", "reals"},
        [CONFIG_SWITCH] = {"switch", "switches"},     [CONFIG_CHOICE] = {"choice", "choices"},
        [CONFIG_STRING] = {"text", "texts"},          [CONFIG_SIZE] = {"size", "sizes"},
        [CONFIG_DURATION] = {"duration", "durations"}};
    return names[key->type][key->list];
}

void config_key_range(const ConfigKey *key, char *text, size_t size) {
    size_t used = 0;
    switch (key->type) {
    case CONFIG_INTEGER:
        snprintf(text, size, "%lld to %lld%s", (long long)key->min, (long long)key->max,
                 key->automatic ? " | auto" : "");
        break;
    case CONFIG_REAL:
        snprintf(text, size, "%s to %s", quantity_real(key->min).text, quantity_real(key->max).text);
        break;
    case CONFIG_SWITCH:
        snprintf(text, size, "on | off");
        break;
    case CONFIG_CHOICE:
        for (const ConfigChoice *choice = key->choices; choice->name && used < size; choice++)
            used += (size_t)snprintf(text + used, size - used, "%s%s", used ? " | " : "", choice->name);
        break;
    case CONFIG_STRING:
        snprintf(text, size, "up to %zu bytes", config_text_size(key) - 1);
        break;
    case CONFIG_SIZE:
        snprintf(text, size, "%s to %s, in bytes or with K, M, G, T", quantity_size((int64_t)key->min).text,
                 quantity_size((int64_t)key->max).text);
        break;
    case CONFIG_DURATION:
        snprintf(text, size, "%s to %s, in seconds or with m, h, d", quantity_duration(key->min).text,
                 quantity_duration(key->max).text);
        break;
    }
    if (key->list) {
        used = strlen(text);
        snprintf(text + used, size - used, ", separated by commas");
    }
}
