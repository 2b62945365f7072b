/* SPDX-License-Identifier: Apache-2.0 */
#include "base/config/config_table.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static void print_value(const Config *config, const ConfigKey *key, FILE *out) {
    const void *place = (const char *)config + key->offset;
    int choice;
    switch (key->type) {
    case KEY_INTEGER:
        if (key->automatic && *(const int64_t *)place == CONFIG_AUTO)
            fputs("auto", out);
        else
            fprintf(out, "%lld", (long long)*(const int64_t *)place);
        break;
    case KEY_REAL:
        fputs(config_real_text(*(const double *)place).text, out);
        break;
    case KEY_SWITCH:
        fputs(*(const bool *)place ? "on" : "off", out);
        break;
    case KEY_CHOICE:
        memcpy(&choice, place, sizeof choice);
        fputs(key->choice[choice], out);
        break;
    case KEY_TEXT:
        fputs(place, out);
        break;
    }
}

/* All keys but `without` (NULL: all). */
static void print_keys(const Config *config, const ConfigKey *without, FILE *out) {
    const char *section = NULL;
    for (const ConfigKey *key = config_keys; key < config_keys + config_key_count; key++) {
        if (key == without)
            continue;
        if (!section || strcmp(section, key->section))
            fprintf(out, "%s[%s]\n", section ? "\n" : "", key->section);
        section = key->section;
        fprintf(out, "%s =", key->name);
        if (key->type != KEY_TEXT || *((const char *)config + key->offset))
            fputc(' ', out);
        print_value(config, key, out);
        fputc('\n', out);
    }
}

static Status print_to_text(const Config *config, const ConfigKey *without, char **text) {
    size_t size = 0;
    *text = NULL;
    FILE *out = open_memstream(text, &size);
    bool fine = out != NULL;
    if (fine) {
        print_keys(config, without, out);
        fine = !ferror(out);
        fine = fclose(out) == 0 && fine;
    }
    if (!fine) {
        free(*text);
        *text = NULL;
        return status_no_memory("the text of the configuration", 4096);
    }
    return NULL;
}

void config_print(const Config *config, FILE *out) {
    print_keys(config, NULL, out);
}

Status config_text(const Config *config, char **text) {
    return print_to_text(config, NULL, text);
}

Status config_hash(const Config *config, uint64_t *hash) {
    char *text;
    TRY(print_to_text(config, config_key_find("run", "dir"), &text));
    *hash = XXH3_64bits(text, strlen(text));
    free(text);
    return NULL;
}

static void explain(const ConfigKey *key, const Config *defaults, FILE *out) {
    char full[CONFIG_KEY_LENGTH], range[160];
    snprintf(full, sizeof full, "%s.%s", key->section, key->name);
    config_key_range(key, range, sizeof range);
    fprintf(out, "%-20s %-8s %s%s%s; default ", full, config_key_type(key), range, *key->unit ? " " : "", key->unit);
    if (key->by_preset)
        fputs("by the preset", out);
    else if (key->type == KEY_TEXT)
        fputs("empty", out);
    else
        print_value(defaults, key, out);
    fprintf(out, "\n    %s\n", key->help);
}

Status config_help(const char *name, FILE *out) {
    Config defaults;
    config_defaults(&defaults);
    bool found = false;
    for (const ConfigKey *key = config_keys; key < config_keys + config_key_count; key++) {
        char full[CONFIG_KEY_LENGTH];
        snprintf(full, sizeof full, "%s.%s", key->section, key->name);
        if (name && strcmp(name, full) && strcmp(name, key->section))
            continue;
        found = true;
        explain(key, &defaults, out);
    }
    return found ? NULL : config_unknown_key("--help", name);
}
