/* SPDX-License-Identifier: Apache-2.0 */
#include "base/config/print.h"
#include "base/config/keys.h"
#include "base/config/value.h"

#include <string.h>

static void print_list(const ConfigKey *key, const ConfigList *list, FILE *out) {
    for (int i = 0; i < list->count; i++) {
        if (i)
            fputs(", ", out);
        config_value_print(key, &list->values[i], out);
    }
}

void config_print_value(const ConfigKey *key, const void *place, FILE *out) {
    if (key->list) {
        print_list(key, place, out);
    } else {
        const ConfigValue value = config_value_load(key, place);
        config_value_print(key, &value, out);
    }
}

typedef struct {
    FILE *out;
    ConfigPart part;
    const char *section;  /* printed last; NULL: none */
    const char *instance; /* NAME of a section [prefix.NAME]; NULL: one of a fixed name */
} Printer;

static void print_section(Printer *printer, const char *section) {
    if (printer->section && strcmp(printer->section, section) == 0)
        return;
    fprintf(printer->out, "%s[%s%s%s]\n", printer->section ? "\n" : "", section, printer->instance ? "." : "",
            printer->instance ? printer->instance : "");
    printer->section = section;
}

static void print_entries(Printer *printer, const ConfigKey *key, const ConfigEntries *entries) {
    for (int i = 0; i < entries->count; i++) {
        const ConfigList *list = &entries->entries[i].list;
        const bool empty = !list->count || (key->type == CONFIG_STRING && !list->values[0].text[0]);
        print_section(printer, key->section);
        fprintf(printer->out, "%s =%s", entries->entries[i].name, empty ? "" : " ");
        print_list(key, list, printer->out);
        fputc('\n', printer->out);
    }
}

static void print_key(Printer *printer, const ConfigKey *key, const void *place) {
    const bool empty =
        key->list ? !((const ConfigList *)place)->count : key->type == CONFIG_STRING && !*(const char *)place;
    print_section(printer, key->section);
    fprintf(printer->out, "%s =%s", key->name, empty ? "" : " ");
    config_print_value(key, place, printer->out);
    fputc('\n', printer->out);
}

static bool is_left_out(const ConfigKey *key, ConfigPart part) {
    return part != CONFIG_ALL_KEYS && (key->unhashed || (part == CONFIG_RESULT_KEYS && key->neutral));
}

static void print_rows(Printer *printer, const ConfigTable *table, const void *values) {
    for (const ConfigKey *key = table->keys; key < table->keys + table->key_count; key++) {
        const void *place = (const char *)values + key->offset;
        if (is_left_out(key, printer->part))
            continue;
        if (config_any_name(key))
            print_entries(printer, key, place);
        else
            print_key(printer, key, place);
    }
}

void config_print_keys(const ConfigTable *table, const void *values, ConfigPart part, FILE *out) {
    Printer printer = {.out = out, .part = part};
    print_rows(&printer, table, values);
    for (int n = 0; n < table->named_count; n++) {
        const ConfigSections *all = (const void *)((const char *)values + table->named[n].offset);
        for (int i = 0; i < all->count; i++) {
            if (printer.section)
                fputc('\n', out);
            printer = (Printer){.out = out, .part = part, .instance = all->sections[i].name};
            print_rows(&printer, table->named[n].table, all->sections[i].values);
        }
    }
}
