/* SPDX-License-Identifier: Apache-2.0 */
#include "base/config.h"
#include "base/config/ini.h"
#include "base/config/print.h"
#include "base/config/read.h"
#include "base/config/value.h"
#include "base/config/values.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static Status load_values(const ConfigTable *table, void *values, const char *path, const char *text, char *const *sets,
                          int set_count, FILE *warnings) {
    TRY(config_defaults(table, values));
    TRY(config_read(table, values, path, text, warnings));
    for (int i = 0; i < set_count; i++)
        TRY(config_override(table, values, sets[i], warnings));
    if (table->complete)
        table->complete(values);
    return table->check ? table->check(values, path) : NULL;
}

Status config_load(const ConfigTable *table, void *values, const char *path, char *const *sets, int set_count,
                   FILE *warnings) {
    Status status = load_values(table, values, path, NULL, sets, set_count, warnings);
    if (status)
        config_free(table, values);
    return status;
}

Status config_parse(const ConfigTable *table, void *values, const char *text, const char *path, FILE *warnings) {
    Status status = load_values(table, values, path, text, NULL, 0, warnings);
    if (status)
        config_free(table, values);
    return status;
}

int config_line(const char *text, const char *section, const char *key) {
    IniFile ini;
    IniKind kind = INI_SECTION;
    bool inside = false;
    int line = 0;
    Status status = ini_open_text(&ini, "", text);
    while (!status && !line && kind != INI_END) {
        status = ini_next(&ini, &kind);
        if (!status && kind == INI_SECTION)
            inside = strcmp(ini.name, section) == 0;
        else if (!status && kind == INI_KEY && inside && strcmp(ini.name, key) == 0)
            line = ini.line;
    }
    status_free(status);
    ini_close(&ini);
    return line;
}

void config_free(const ConfigTable *table, void *values) {
    config_free_values(table, values);
}

void config_print(const ConfigTable *table, const void *values, FILE *out) {
    config_print_keys(table, values, false, out);
}

static Status print_to_text(const ConfigTable *table, const void *values, ConfigPart part, char **text) {
    size_t size = 0;
    *text = NULL;
    FILE *out = open_memstream(text, &size);
    bool fine = out != NULL;
    if (fine) {
        config_print_keys(table, values, part, out);
        fine = !ferror(out);
        fine = fclose(out) == 0 && fine;
    }
    if (!fine) {
        free(*text);
        *text = NULL;
        return status_no_memory("the text of the configuration", CONFIG_TEXT);
    }
    return NULL;
}

Status config_text(const ConfigTable *table, const void *values, char **text) {
    return print_to_text(table, values, CONFIG_ALL_KEYS, text);
}

static Status hash_part(const ConfigTable *table, const void *values, ConfigPart part, uint64_t *hash) {
    char *text;
    TRY(print_to_text(table, values, part, &text));
    *hash = XXH3_64bits(text, strlen(text));
    free(text);
    return NULL;
}

Status config_hash(const ConfigTable *table, const void *values, uint64_t *hash) {
    return hash_part(table, values, CONFIG_HASHED_KEYS, hash);
}

Status config_hash_results(const ConfigTable *table, const void *values, uint64_t *hash) {
    return hash_part(table, values, CONFIG_RESULT_KEYS, hash);
}

static void print_default(const ConfigKey *key, const void *defaults, FILE *out) {
    const bool text = key->type == CONFIG_STRING || key->list;
    if (config_any_name(key))
        fputs("none", out);
    else if (key->derived)
        fputs(key->derived, out);
    else if (text && !(key->text && *key->text))
        fputs("empty", out);
    else
        config_print_value(key, (const char *)defaults + key->offset, out);
}

static void explain_key(const ConfigTable *table, const ConfigKey *key, const void *defaults, FILE *out) {
    char title[CONFIG_NAME], range[160];
    config_key_title(table, key, title);
    config_key_range(key, range, sizeof range);
    fprintf(out, "%-20s %-8s %s%s%s; default ", title, config_key_type(key), range, *key->unit ? " " : "", key->unit);
    print_default(key, defaults, out);
    fprintf(out, "\n    %s\n", key->help);
}

/* The keys of one table: all, those of the section `name`, or the one key `asked`. */
static Status explain_keys(const ConfigTable *table, const ConfigTable *own, const char *name, const ConfigKey *asked,
                           FILE *out) {
    void *defaults = calloc(1, own->size);
    if (!defaults)
        return status_no_memory("the defaults of the configuration", own->size);
    Status status = config_defaults(own, defaults);
    for (const ConfigKey *key = own->keys; !status && key < own->keys + own->key_count; key++)
        if (!name || key == asked || strcmp(name, key->section) == 0)
            explain_key(table, key, defaults, out);
    config_free_values(own, defaults);
    free(defaults);
    return status;
}

Status config_help(const ConfigTable *table, const char *name, FILE *out) {
    const ConfigNamed *named = NULL;
    const char *instance;
    ConfigFound found = {0};
    bool known = !name || config_find(table, name, &found) || config_find_section(table, name, &named, &instance);
    for (int n = 0; n < table->named_count; n++)
        known = known || strcmp(name, table->named[n].prefix) == 0;
    if (!known)
        return config_unknown_key(table, "--help", name);
    if (named) /* [prefix.NAME] has the keys of [prefix] */
        name = named->prefix;
    TRY(explain_keys(table, table, name, found.key, out));
    for (int n = 0; n < table->named_count; n++)
        TRY(explain_keys(table, table->named[n].table, name, found.key, out));
    return NULL;
}

const char *config_choice_name(const ConfigTable *table, const char *key, int value) {
    ConfigFound found;
    const bool known = config_find(table, key, &found) && found.key->type == CONFIG_CHOICE;
    return known ? config_choice_of(found.key, value) : "";
}
