/* SPDX-License-Identifier: Apache-2.0 */
#include "base/config/values.h"
#include "base/config/value.h"
#include "base/list.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* --- Lists ---------------------------------------------------------------------------------------------------------
 */

static void free_list(const ConfigKey *key, ConfigList *list) {
    for (int i = 0; key->type == CONFIG_STRING && i < list->count; i++)
        free(list->values[i].text);
    free(list->values);
    *list = (ConfigList){0};
}

static Status append_value(const ConfigKey *key, ConfigList *list, ConfigValue value) {
    TRY(list_grow(&list->values, list->count, &list->capacity, sizeof *list->values, "a list of the configuration"));
    if (key->type == CONFIG_STRING)
        TRY(text_format(&value.text, "%s", value.text));
    list->values[list->count++] = value;
    return NULL;
}

/* The next element of `*text`, without blanks around it; *text moves past its comma, or becomes NULL. */
static char *next_element(char **text) {
    char *element = *text + strspn(*text, " \t"), *comma = strchr(element, ',');
    *text = comma ? comma + 1 : NULL;
    if (comma)
        *comma = '\0';
    size_t length = strlen(element);
    while (length && strchr(" \t", element[length - 1]))
        length--;
    element[length] = '\0';
    return element;
}

/* The values of `text`, which is cut up: one, or as many as a list has. */
static Status read_list(const ConfigKey *key, char *text, ConfigList *list, const char **why) {
    *list = (ConfigList){0};
    *why = NULL;
    if (key->list && !*text) {
        *why = key->text ? "an empty list" : NULL;
        return NULL;
    }
    Status status = NULL;
    while (text && !*why && !status) {
        ConfigValue value;
        char *element = key->list ? next_element(&text) : text;
        if (!key->list)
            text = NULL;
        *why = key->list && !*element ? "an empty list element" : config_value_read(key, element, &value);
        if (!*why)
            status = append_value(key, list, value);
    }
    if (*why || status)
        free_list(key, list);
    return status;
}

/* --- Setting -------------------------------------------------------------------------------------------------------
 */

static Status refuse_value(const ConfigTable *table, const ConfigFound *found, const char *text, const char *where,
                           const char *why) {
    char range[160], title[CONFIG_NAME];
    config_key_range(found->key, range, sizeof range);
    config_key_title(table, found->key, title);
    return status_error(EXIT_USAGE, "%s: %s = %.60s: %s; expected %s: %s (%s %s)", where, found->full, text, why,
                        config_key_type(found->key), range, table->help_command, title);
}

/* The entry `name`, new unless there is one. */
static Status find_entry(ConfigEntries *entries, const char *name, ConfigEntry **entry) {
    for (int i = 0; i < entries->count; i++)
        if (strcmp(entries->entries[i].name, name) == 0) {
            *entry = &entries->entries[i];
            return NULL;
        }
    char *copy;
    TRY(list_grow(&entries->entries, entries->count, &entries->capacity, sizeof **entry, "a list of keys"));
    TRY(text_format(&copy, "%s", name));
    *entry = &entries->entries[entries->count++];
    **entry = (ConfigEntry){.name = copy};
    return NULL;
}

static bool name_is_plain(const char *name) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-*@+/";
    return *name && !name[strspn(name, allowed)];
}

/* `copy` is cut up. */
static Status set_values(const ConfigTable *table, void *place, const ConfigFound *found, char *copy, const char *text,
                         const char *where, int line) {
    const ConfigKey *key = found->key;
    const char *why;
    if (!found->any_name && !key->list) {
        ConfigValue value;
        why = config_value_read(key, copy, &value);
        if (why)
            return refuse_value(table, found, text, where, why);
        config_value_store(key, place, &value);
        return NULL;
    }
    ConfigList list;
    if (found->any_name && !name_is_plain(found->any_name))
        return status_error(EXIT_USAGE, "%s: %s: a key's name consists of letters, digits and _ . - * @ + /", where,
                            found->full);
    TRY(read_list(key, copy, &list, &why));
    if (why)
        return refuse_value(table, found, text, where, why);
    ConfigList *kept = place;
    if (found->any_name) {
        ConfigEntry *entry = NULL;
        Status status = find_entry(place, found->any_name, &entry);
        if (status) {
            free_list(key, &list);
            return status;
        }
        entry->line = line;
        kept = &entry->list;
    }
    free_list(key, kept);
    *kept = list;
    return NULL;
}

Status config_set(const ConfigTable *table, void *values, const ConfigFound *found, const char *text, const char *where,
                  int line) {
    if (found->named) {
        ConfigSection *section;
        TRY(config_add_section(found->named, values, found->section, where, line, &section));
        values = section->values;
    }
    char *copy = strdup(text);
    if (!copy)
        return status_no_memory("a value of the configuration", strlen(text) + 1);
    Status status = set_values(table, (char *)values + found->key->offset, found, copy, text, where, line);
    free(copy);
    return status;
}

Status config_add_section(const ConfigNamed *named, void *values, const char *name, const char *where, int line,
                          ConfigSection **section) {
    ConfigSections *all = (void *)((char *)values + named->offset);
    for (int i = 0; i < all->count; i++)
        if (strcmp(all->sections[i].name, name) == 0) {
            *section = &all->sections[i];
            return NULL;
        }
    if (!name_is_plain(name))
        return status_error(EXIT_USAGE, "%s: [%s.%.80s]: a section's name consists of letters, digits and _ - * @ + /",
                            where, named->prefix, name);
    TRY(list_grow(&all->sections, all->count, &all->capacity, sizeof **section, "a list of sections"));
    ConfigSection made = {.name = strdup(name), .values = calloc(1, named->table->size), .line = line};
    Status status = made.name && made.values ? config_defaults(named->table, made.values)
                                             : status_no_memory("a section", named->table->size);
    if (status) {
        free(made.name);
        free(made.values);
        return status;
    }
    *section = &all->sections[all->count++];
    **section = made;
    return NULL;
}

/* --- Defaults and freeing ------------------------------------------------------------------------------------------
 */

/* The default of a text or a list, which the table contains as in a file. */
static Status set_default_text(const ConfigTable *table, void *values, const ConfigKey *key) {
    ConfigFound found = {.key = key};
    config_key_title(table, key, found.full);
    return config_set(table, values, &found, key->text, "default", 0);
}

Status config_defaults(const ConfigTable *table, void *values) {
    memset(values, 0, table->size);
    for (const ConfigKey *key = table->keys; key < table->keys + table->key_count; key++) {
        const bool number = key->type == CONFIG_INTEGER || key->type == CONFIG_SIZE;
        ConfigValue value = {0};
        if (key->text)
            TRY(set_default_text(table, values, key));
        if (config_any_name(key) || key->list || key->type == CONFIG_STRING)
            continue;
        if (number)
            value.integer = (int64_t)key->fallback;
        else if (key->type == CONFIG_SWITCH)
            value.on = key->fallback != 0;
        else if (key->type == CONFIG_CHOICE)
            value.choice = (int)key->fallback;
        else
            value.real = key->fallback;
        config_value_store(key, (char *)values + key->offset, &value);
    }
    return NULL;
}

static void free_entries(const ConfigKey *key, ConfigEntries *entries) {
    for (int i = 0; i < entries->count; i++) {
        free(entries->entries[i].name);
        free_list(key, &entries->entries[i].list);
    }
    free(entries->entries);
    *entries = (ConfigEntries){0};
}

void config_free_values(const ConfigTable *table, void *values) {
    for (const ConfigKey *key = table->keys; key < table->keys + table->key_count; key++) {
        void *place = (char *)values + key->offset;
        if (config_any_name(key))
            free_entries(key, place);
        else if (key->list)
            free_list(key, place);
    }
    for (int n = 0; n < table->named_count; n++) {
        ConfigSections *all = (void *)((char *)values + table->named[n].offset);
        for (int i = 0; i < all->count; i++) {
            config_free_values(table->named[n].table, all->sections[i].values);
            free(all->sections[i].values);
            free(all->sections[i].name);
        }
        free(all->sections);
        *all = (ConfigSections){0};
    }
}
