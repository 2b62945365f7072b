/* SPDX-License-Identifier: Apache-2.0 */
#include "base/options/options_help.h"

#include "base/options/option_value.h"

#include <string.h>

enum {
    PAGE = 100,      /* columns of a page */
    MAX_ENTRY = 30,  /* columns of the left side; a longer one has its sentence below it */
    FEW_OPTIONS = 4, /* that a usage line names; more are [OPTION]... */
    WORDS = 300,
    SENTENCE = 1200
};

/* --- Text --------------------------------------------------------------------------------------------------------- */

/* Prints `text` wrapped, from column `column` on, later lines indented by `indent`. A line end starts a new line. */
static void print_wrapped(const char *text, int column, int indent, FILE *out) {
    while (*text) {
        const size_t word = strcspn(text, " \n");
        if (column + (int)word > PAGE && column > indent) {
            fprintf(out, "\n%*s", indent, "");
            column = indent;
        }
        fwrite(text, 1, word, out);
        column += (int)word;
        text += word;
        if (*text == '\n') {
            fprintf(out, "\n%*s", text[1] ? indent : 0, "");
            column = indent;
            text++;
        } else if (*text) {
            text += strspn(text, " ");
            if (column + 1 + (int)strcspn(text, " \n") <= PAGE) {
                fputc(' ', out);
                column++;
            } else {
                fprintf(out, "\n%*s", indent, "");
                column = indent;
            }
        }
    }
    fputc('\n', out);
}

static void print_paragraphs(const char *text, FILE *out) {
    if (!text)
        return;
    fputc('\n', out);
    print_wrapped(text, 0, 0, out);
}

const char *options_help_exit(ExitCode code) {
    switch (code) {
    case EXIT_OK:
        return "done";
    case EXIT_USAGE:
        return "wrong usage or configuration";
    case EXIT_DATA:
        return "input data is missing, damaged or refused";
    case EXIT_MISSING:
        return "a needed device or library is missing";
    case EXIT_INTERNAL:
        return "internal error";
    case EXIT_IO:
        return "a file cannot be read or written, or the disk is full";
    case EXIT_STOPPED:
        return "stopped with a checkpoint";
    case EXIT_NO_MEMORY:
        return "out of memory";
    case EXIT_DIVERGED:
        return "the training diverged";
    case EXIT_REFUSED:
        return "refused: held by others, no right, or it does not fit";
    }
    return "failed";
}

/* --- Options ------------------------------------------------------------------------------------------------------ */

static bool is_shown(const Program *program, const Option *option, int command) {
    return !option->renamed && options_taken_by(program, option, command);
}

static bool collects_texts(const Option *option) {
    return option->type == OPTION_TEXTS || option->type == OPTION_PATHS;
}

void options_help_entry(const Program *program, const Option *option, char *text, size_t size) {
    char value[WORDS / 2], letter[] = "    ";
    if (options_is_operand(option)) {
        snprintf(text, size, "%s%s", option->name, collects_texts(option) ? "..." : "");
        return;
    }
    option_value_name(option, value, sizeof value);
    if (option == options_common && program->topics.name)
        snprintf(value, sizeof value, "[%s]", program->topics.name);
    if (option->letter)
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    snprintf(text, size, "%s%s%s%s", letter, option->name, *value ? " " : "", value);
}

/* --help says more in a program that has topics or commands. */
static const char *find_help(const Program *program, const Option *option) {
    if (option == options_common && program->topics.name)
        return program->topics.help;
    if (option == options_common && program->commands)
        return "Prints help; after a command, help for that command.";
    return option->help;
}

void options_help_sentence(const Program *program, const Option *option, char *text, size_t size) {
    const char *fallback = option->unset ? option->unset : option->fallback, *help = find_help(program, option);
    const size_t length = strlen(help);
    if (fallback)
        snprintf(text, size, "%.*s (default: %s).", (int)length - (help[length - 1] == '.'), help, fallback);
    else
        snprintf(text, size, "%s", help);
}

static void print_option(const Program *program, const Option *option, int width, FILE *out) {
    char entry[WORDS], sentence[SENTENCE];
    options_help_entry(program, option, entry, sizeof entry);
    options_help_sentence(program, option, sentence, sizeof sentence);
    const int indent = 2 + width + 2;
    if ((int)strlen(entry) > width)
        fprintf(out, "  %s\n%*s", entry, indent, "");
    else
        fprintf(out, "  %-*s  ", width, entry);
    print_wrapped(sentence, indent, indent, out);
}

static void widen_entry(const Program *program, const Option *option, int *width) {
    char entry[WORDS];
    options_help_entry(program, option, entry, sizeof entry);
    if ((int)strlen(entry) > *width && (int)strlen(entry) <= MAX_ENTRY)
        *width = (int)strlen(entry);
}

/* Operands, then options. */
static void print_options(const Program *program, int command, FILE *out) {
    int width = 0;
    for (const Option *option = program->options; option->name; option++)
        if (is_shown(program, option, command))
            widen_entry(program, option, &width);
    for (const Option *option = options_common; option->name; option++)
        widen_entry(program, option, &width);
    fputc('\n', out);
    for (const Option *option = program->options; option->name; option++)
        if (is_shown(program, option, command) && options_is_operand(option))
            print_option(program, option, width, out);
    for (const Option *option = program->options; option->name; option++)
        if (is_shown(program, option, command) && !options_is_operand(option))
            print_option(program, option, width, out);
    for (const Option *option = options_common; option->name; option++)
        print_option(program, option, width, out);
}

/* --- Usage -------------------------------------------------------------------------------------------------------- */

static void append_usage(const Option *option, char *text, size_t size) {
    char value[WORDS], word[2 * WORDS];
    option_value_name(option, value, sizeof value);
    const bool needed = options_is_operand(option) ? !option->optional : option->required,
               more = collects_texts(option);
    if (options_is_operand(option))
        snprintf(word, sizeof word, "%s%s%s", option->after_dashes ? "-- " : "", option->name, more ? "..." : "");
    else
        snprintf(word, sizeof word, "%s%s%s", option->name, *value ? " " : "", value);
    const size_t used = strlen(text);
    snprintf(text + used, size - used, needed ? " %s" : " [%s]%s", word,
             !options_is_operand(option) && more ? "..." : "");
}

void options_help_usage(const Program *program, int command, char *text, size_t size) {
    int optional = 0;
    snprintf(text, size, "%s%s%s", program->name, command >= 0 ? " " : "",
             command >= 0 ? program->commands[command].name : "");
    for (const Option *option = program->options; option->name; option++) {
        if (!is_shown(program, option, command))
            continue;
        optional += !options_is_operand(option) && !option->required;
        if (options_is_operand(option) && !option->after_dashes)
            append_usage(option, text, size);
    }
    for (const Option *option = program->options; option->name; option++)
        if (is_shown(program, option, command) && !options_is_operand(option) &&
            (option->required || optional <= FEW_OPTIONS))
            append_usage(option, text, size);
    if (optional > FEW_OPTIONS)
        snprintf(text + strlen(text), size - strlen(text), " [OPTION]...");
    for (const Option *option = program->options; option->name; option++)
        if (is_shown(program, option, command) && option->after_dashes)
            append_usage(option, text, size);
}

static void print_usage(const Program *program, int command, FILE *out) {
    char text[SENTENCE];
    int first = command, last = command;
    if (command < 0 && program->commands) {
        first = 0;
        for (last = 0; program->commands[last + 1].name;)
            last++;
    }
    for (int i = first; i <= last; i++) {
        options_help_usage(program, i, text, sizeof text);
        fprintf(out, "%s %s\n", i == first ? "usage:" : "      ", text);
    }
}

/* --- A page ------------------------------------------------------------------------------------------------------- */

static void print_commands(const Program *program, FILE *out) {
    int width = 0;
    for (const ProgramCommand *command = program->commands; command->name; command++)
        if ((int)strlen(command->name) > width)
            width = (int)strlen(command->name);
    fputs("\ncommands:\n", out);
    for (const ProgramCommand *command = program->commands; command->name; command++) {
        fprintf(out, "  %-*s  ", width, command->name);
        print_wrapped(command->help, width + 4, width + 4, out);
    }
}

/* Those of the command, or all. */
static void print_examples(const Program *program, int command, FILE *out) {
    char start[WORDS];
    snprintf(start, sizeof start, "%s %s", program->name, command >= 0 ? program->commands[command].name : "");
    bool any = false;
    for (const char *const *example = program->examples; example && *example; example++) {
        if (command >= 0 && strncmp(*example, start, strlen(start)))
            continue;
        fprintf(out, "%s  %s\n", any ? "" : "\nexamples:\n", *example);
        any = true;
    }
}

static void print_exits(const Program *program, FILE *out) {
    fprintf(out, "\nexit codes:\n  %2d  %s\n", EXIT_OK, options_help_exit(EXIT_OK));
    for (const ExitCode *code = program->exits; code && *code; code++)
        fprintf(out, "  %2d  %s\n", (int)*code, options_help_exit(*code));
}

void options_help_print(const Program *program, int command, FILE *out) {
    print_usage(program, command, out);
    if (command >= 0) {
        print_paragraphs(program->commands[command].help, out);
    } else {
        print_paragraphs(program->about, out);
        if (program->commands)
            print_commands(program, out);
    }
    print_options(program, command, out);
    print_paragraphs(command >= 0 ? program->commands[command].notes : program->notes, out);
    print_examples(program, command, out);
    print_exits(program, out);
}
