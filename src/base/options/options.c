/* SPDX-License-Identifier: Apache-2.0 */
#include "base/options.h"

#include "base/nearest.h"
#include "base/options/option_value.h"

#include <ctype.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 300 };

/* One reading of a command line. */
typedef struct {
    const Program *program;
    int argc;
    char **argv;
    int next; /* the word to be read */
    char *arguments;
    FILE *warnings;
    uint64_t given; /* bit i: options[i] was */
    bool only_operands, only_rest;
    OptionsCall *call;
} Reading;

const Option options_common[] = {
    {.name = "--help", .letter = 'h', .type = OPTION_FLAG, .help = "Prints help."},
    {.name = "--version", .type = OPTION_FLAG, .help = "Prints the version."},
    {0},
};

/* Whether `word` is one of the words of `list`, which blanks separate. */
static bool list_has_word(const char *list, const char *word) {
    const size_t length = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at++)
        if ((at == list || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}

bool options_is_operand(const Option *option) {
    return option->name[0] != '-';
}

bool options_taken_by(const Program *program, const Option *option, int command) {
    return !option->commands || (command >= 0 && list_has_word(option->commands, program->commands[command].name));
}

static bool takes_option(const Reading *reading, const Option *option) {
    return options_taken_by(reading->program, option, reading->call->command);
}

static bool collects_texts(const Option *option) {
    return option->type == OPTION_TEXTS || option->type == OPTION_PATHS;
}

/* The words that the call starts with: "stage folder". */
static const char *call_name(const Reading *reading, char *text, size_t size) {
    const int command = reading->call->command;
    snprintf(text, size, "%s%s%s", reading->program->name, command >= 0 ? " " : "",
             command >= 0 ? reading->program->commands[command].name : "");
    return text;
}

/* "train --help lists the options" */
static Status refuse_word(const Reading *reading, const char *what) {
    char name[WORDS];
    return status_error(EXIT_USAGE, "%s (%s --help lists what it takes)", what, call_name(reading, name, sizeof name));
}

/* --- Options ------------------------------------------------------------------------------------------------------ */

/* The option whose name is the `length` bytes of `name`: one of this command, else of any; NULL: none. */
static const Option *find_option(const Reading *reading, const char *name, size_t length) {
    const Option *found = NULL;
    for (const Option *option = reading->program->options; option->name; option++)
        if (!options_is_operand(option) && strncmp(option->name, name, length) == 0 && !option->name[length] &&
            (!found || takes_option(reading, option)))
            found = option;
    return found;
}

static const Option *find_letter(const Reading *reading, char letter) {
    for (const Option *option = reading->program->options; option->name; option++)
        if (option->letter == letter && takes_option(reading, option))
            return option;
    return NULL;
}

static Status refuse_unknown_option(const Reading *reading, const char *name) {
    const char *nearest = NULL;
    int fewest = INT_MAX;
    for (const Option *option = options_common; option->name; option++)
        if (nearest_edits(name, option->name) < fewest)
            fewest = nearest_edits(name, nearest = option->name);
    for (const Option *option = reading->program->options; option->name; option++) {
        const int edits = nearest_edits(name, option->name);
        if (!options_is_operand(option) && !option->renamed && takes_option(reading, option) && edits < fewest) {
            fewest = edits;
            nearest = option->name;
        }
    }
    char what[WORDS];
    snprintf(what, sizeof what, "unknown option %.60s; the nearest is %s", name, nearest);
    return refuse_word(reading, what);
}

static Status refuse_foreign_option(const Reading *reading, const Option *option) {
    char name[WORDS], owners[WORDS];
    snprintf(owners, sizeof owners, "%s", option->commands);
    for (char *blank = owners; (blank = strchr(blank, ' '));)
        *blank = '/';
    return status_error(EXIT_USAGE, "%s takes no %s: it is an option of %s %s", call_name(reading, name, sizeof name),
                        option->name, reading->program->name, owners);
}

/* Adds to a list that has room for all of argv from the start. */
static Status collect_text(Reading *reading, const Option *option, char *text) {
    OptionTexts *texts = (OptionTexts *)(reading->arguments + option->offset);
    const size_t bytes = (size_t)reading->argc * sizeof *texts->list;
    if (!texts->list && !(texts->list = malloc(bytes)))
        return status_no_memory("the command line", bytes);
    texts->list[texts->count++] = text;
    return NULL;
}

static Status store_value(Reading *reading, const Option *option, char *text) {
    if (collects_texts(option))
        return collect_text(reading, option, text);
    return option_value_read(option, text, reading->arguments + option->offset);
}

/* Follows a former name to the present option, with one warning. */
static Status resolve_option(Reading *reading, const Option **option) {
    const Option *former = *option;
    if (!former->renamed)
        return NULL;
    const uint64_t bit = 1ull << (former - reading->program->options);
    if (!(reading->given & bit))
        fprintf(reading->warnings, "%s: %s is now called %s; the old name will be removed\n", reading->program->name,
                former->name, former->renamed);
    reading->given |= bit;
    *option = find_option(reading, former->renamed, strlen(former->renamed));
    return *option ? NULL : status_error(EXIT_INTERNAL, "%s is the former name of no option", former->name);
}

/* Takes an option with the value in `inline_value`, or in the next word when that is NULL. */
static Status take_option(Reading *reading, const Option *option, char *inline_value) {
    TRY(resolve_option(reading, &option));
    if (!takes_option(reading, option))
        return refuse_foreign_option(reading, option);
    reading->given |= 1ull << (option - reading->program->options);
    if (option->type == OPTION_FLAG) {
        if (inline_value)
            return status_error(EXIT_USAGE, "%s takes no value: drop =%.60s", option->name, inline_value);
        *(bool *)(reading->arguments + option->offset) = true;
        return NULL;
    }
    if (!inline_value && reading->next == reading->argc) {
        char value[WORDS];
        option_value_name(option, value, sizeof value);
        return status_error(EXIT_USAGE, "%s needs a value: %s %s", option->name, option->name, value);
    }
    return store_value(reading, option, inline_value ? inline_value : reading->argv[reading->next++]);
}

/* --- Help and version --------------------------------------------------------------------------------------------- */

static int find_command(const Program *program, const char *name) {
    for (int i = 0; program->commands && program->commands[i].name; i++)
        if (strcmp(program->commands[i].name, name) == 0)
            return i;
    return -1;
}

static Status refuse_unknown_command(const Program *program, const char *name) {
    const ProgramCommand *nearest = program->commands;
    for (const ProgramCommand *command = nearest; command->name; command++)
        if (nearest_edits(name, command->name) < nearest_edits(name, nearest->name))
            nearest = command;
    return status_error(EXIT_USAGE, "unknown command %.60s; the nearest is %s (%s --help lists the commands)", name,
                        nearest->name, program->name);
}

static Status take_help(Reading *reading, const char *topic) {
    const Program *program = reading->program;
    reading->call->request = OPTIONS_HELP;
    if (!topic && reading->next < reading->argc && reading->argv[reading->next][0] != '-')
        topic = reading->argv[reading->next];
    if (topic && program->topics.explain) {
        reading->call->topic = topic;
    } else if (topic && program->commands && reading->call->command < 0) {
        reading->call->command = find_command(program, topic);
        return reading->call->command < 0 ? refuse_unknown_command(program, topic) : NULL;
    }
    return NULL;
}

/* Takes --help and --version, which every program has. */
static Status take_common_option(Reading *reading, const char *name, size_t length, const char *inline_value,
                                 bool *taken) {
    const Option *option = options_common;
    while (option->name && (strncmp(option->name, name, length) || option->name[length]) &&
           !(length == 2 && name[1] == option->letter))
        option++;
    *taken = option->name != NULL;
    if (option == options_common)
        return take_help(reading, inline_value);
    if (*taken && inline_value)
        return status_error(EXIT_USAGE, "%s takes no value: drop =%.60s", option->name, inline_value);
    if (*taken)
        reading->call->request = OPTIONS_VERSION;
    return NULL;
}

/* --- Words -------------------------------------------------------------------------------------------------------- */

static Status take_long_word(Reading *reading, char *word) {
    char *equals = strchr(word, '='), *inline_value = equals ? equals + 1 : NULL;
    const size_t length = equals ? (size_t)(equals - word) : strlen(word);
    bool taken;
    TRY(take_common_option(reading, word, length, inline_value, &taken));
    if (taken)
        return NULL;
    const Option *option = find_option(reading, word, length);
    if (option)
        return take_option(reading, option, inline_value);
    char name[WORDS];
    snprintf(name, sizeof name, "%.*s", length < WORDS ? (int)length : WORDS - 1, word);
    return refuse_unknown_option(reading, name);
}

/* -n VALUE, -nVALUE, or several flags in one word. */
static Status take_short_word(Reading *reading, char *word) {
    bool taken;
    TRY(take_common_option(reading, word, strlen(word), NULL, &taken));
    for (char *letter = word + 1; !taken && *letter; letter++) {
        const Option *option = find_letter(reading, *letter);
        if (!option)
            return refuse_unknown_option(reading, word);
        if (option->type != OPTION_FLAG)
            return take_option(reading, option, letter[1] ? letter + 1 : NULL);
        TRY(take_option(reading, option, NULL));
    }
    return NULL;
}

/* The operand that the next word belongs to; NULL: no more are taken. */
static const Option *find_operand(const Reading *reading) {
    for (const Option *option = reading->program->options; option->name; option++) {
        const bool given = reading->given >> (option - reading->program->options) & 1;
        if (options_is_operand(option) && takes_option(reading, option) && option->after_dashes == reading->only_rest &&
            (!given || collects_texts(option)))
            return option;
    }
    return NULL;
}

static Status take_operand(Reading *reading, char *word) {
    const Option *operand = find_operand(reading);
    char what[WORDS];
    snprintf(what, sizeof what, "unexpected argument '%.100s'", word);
    if (!operand)
        return refuse_word(reading, what);
    reading->given |= 1ull << (operand - reading->program->options);
    return store_value(reading, operand, word);
}

/* After `--`: words belong to the operand that collects them, if the command has one. */
static void end_options(Reading *reading) {
    reading->only_operands = true;
    reading->only_rest = true;
    reading->only_rest = find_operand(reading) != NULL;
}

static Status take_command(Reading *reading, const char *word) {
    reading->call->command = find_command(reading->program, word);
    return reading->call->command < 0 ? refuse_unknown_command(reading->program, word) : NULL;
}

static bool is_option_word(const char *word) {
    return word[0] == '-' && word[1] != '\0' && !isdigit((unsigned char)word[1]) && word[1] != '.';
}

static Status read_defaults(Reading *reading) {
    for (const Option *option = reading->program->options; option->name; option++)
        if (option->fallback && takes_option(reading, option))
            TRY(option_value_read(option, option->fallback, reading->arguments + option->offset));
    return NULL;
}

static Status read_words(Reading *reading) {
    const bool has_commands = reading->program->commands != NULL;
    while (reading->next < reading->argc && reading->call->request == OPTIONS_RUN) {
        char *word = reading->argv[reading->next++];
        if (reading->only_operands || !is_option_word(word)) {
            if (has_commands && reading->call->command < 0) {
                TRY(take_command(reading, word));
                TRY(read_defaults(reading));
            } else {
                TRY(take_operand(reading, word));
            }
        } else if (strcmp(word, "--") == 0) {
            end_options(reading);
        } else {
            TRY(word[1] == '-' ? take_long_word(reading, word) : take_short_word(reading, word));
        }
    }
    return NULL;
}

/* --- What is missing ---------------------------------------------------------------------------------------------- */

static Status refuse_missing(const Reading *reading, const char *what) {
    char name[WORDS];
    const size_t length = strlen(call_name(reading, name, sizeof name));
    const char *const *example = reading->program->examples;
    while (example && *example && strncmp(*example, name, length))
        example++;
    if (example && *example)
        return status_error(EXIT_USAGE, "missing %s; for example: %s", what, *example);
    char missing[WORDS];
    snprintf(missing, sizeof missing, "missing %.200s", what);
    return refuse_word(reading, missing);
}

static Status check_command(const Reading *reading) {
    if (!reading->program->commands || reading->call->command >= 0)
        return NULL;
    char names[WORDS] = "";
    size_t used = 0;
    for (const ProgramCommand *command = reading->program->commands; command->name && used < sizeof names; command++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s",
                                 command == reading->program->commands ? ""
                                 : command[1].name                     ? ", "
                                                                       : " or ",
                                 command->name);
    return status_error(EXIT_USAGE, "missing command: %s (%s --help explains them)", names, reading->program->name);
}

static Status check_missing(const Reading *reading) {
    TRY(check_command(reading));
    for (const Option *option = reading->program->options; option->name; option++) {
        const bool given = reading->given >> (option - reading->program->options) & 1;
        const bool needed = options_is_operand(option) ? !option->optional : option->required;
        if (given || !needed || !takes_option(reading, option))
            continue;
        char value[WORDS], what[2 * WORDS];
        option_value_name(option, value, sizeof value);
        if (options_is_operand(option))
            snprintf(what, sizeof what, "%s%s", option->after_dashes ? "-- " : "", option->name);
        else
            snprintf(what, sizeof what, "%s %s", option->name, value);
        return refuse_missing(reading, what);
    }
    return NULL;
}

Status options_parse(const Program *program, int argc, char **argv, void *arguments, FILE *warnings,
                     OptionsCall *call) {
    *call = (OptionsCall){.request = OPTIONS_RUN, .command = -1};
    Reading reading = {.program = program,
                       .argc = argc,
                       .argv = argv,
                       .next = 1,
                       .arguments = arguments,
                       .warnings = warnings,
                       .call = call};
    if (!program->commands)
        TRY(read_defaults(&reading));
    TRY(read_words(&reading));
    if (call->request != OPTIONS_RUN)
        return NULL;
    TRY(check_missing(&reading));
    if (program->commands)
        memcpy(reading.arguments + program->command_offset, &call->command, sizeof call->command);
    return NULL;
}

void options_free(const Program *program, void *arguments) {
    for (const Option *option = program->options; option->name; option++) {
        if (!collects_texts(option) || option->renamed)
            continue;
        OptionTexts *texts = (OptionTexts *)((char *)arguments + option->offset);
        free(texts->list); /* the next row may share the target */
        *texts = (OptionTexts){0};
    }
}
