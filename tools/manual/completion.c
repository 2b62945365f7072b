/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/manual/completion.h"

#include "base/version.h"

#include <stdlib.h>

static bool takes_paths(const Option *option) {
    return option->type == OPTION_PATH || option->type == OPTION_PATHS;
}

/* --long and -s of an option with a value, as a pattern of `case`. */
static void print_pattern(const Option *option, FILE *out) {
    fprintf(out, "    %s", option->name);
    if (option->letter)
        fprintf(out, " | -%c", option->letter);
    fputs(")\n", out);
}

/* The program's topics in one line, each followed by `suffix`. */
static Status print_topics(const Program *program, const char *suffix, FILE *out) {
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    if (!memory)
        return status_no_memory("the completion's words", 0);
    program->topics.list(memory);
    if (fclose(memory)) {
        free(text);
        return status_no_memory("the completion's words", size);
    }
    for (const char *c = text; *c; c++) {
        if (*c == '\n')
            fputs(suffix, out);
        fputc(*c == '\n' ? ' ' : *c, out);
    }
    free(text);
    return NULL;
}

/* What may follow an option: nothing known, files, choices, or keys. */
static Status print_value(const Program *program, const Option *option, FILE *out) {
    print_pattern(option, out);
    if (takes_paths(option)) {
        fputs("        _fovea_paths\n", out);
    } else if (option->type == OPTION_CHOICE) {
        fputs("        mapfile -t COMPREPLY < <(compgen -W '", out);
        for (const char *const *choice = option->choices; *choice; choice++)
            fprintf(out, "%s%s", choice == option->choices ? "" : " ", *choice);
        fputs("' -- \"$word\")\n", out);
    } else if (option->topic && program->topics.list) {
        fputs("        mapfile -t COMPREPLY < <(compgen -W '", out);
        TRY(print_topics(program, "=", out));
        fputs("' -- \"$word\")\n        compopt -o nospace 2>/dev/null\n", out);
    }
    fputs("        return\n        ;;\n", out);
    return NULL;
}

static Status print_values(const Program *program, FILE *out) {
    fputs("    case $option in\n", out);
    for (const Option *option = program->options; option->name; option++)
        if (!options_is_operand(option) && option->type != OPTION_FLAG && !option->renamed)
            TRY(print_value(program, option, out));
    if (program->topics.list) {
        fputs("    --help | -h)\n        mapfile -t COMPREPLY < <(compgen -W '", out);
        TRY(print_topics(program, "", out));
        fputs("' -- \"$word\")\n        return\n        ;;\n", out);
    }
    fputs("    esac\n", out);
    return NULL;
}

/* The options of a command and its operands' choices, whether its operands are paths, and whether a command of its own
 * follows `--`. */
static void print_words(const Program *program, int command, FILE *out) {
    bool paths = false, rest = false;
    fputs("words='", out);
    for (const Option *option = program->options; option->name; option++) {
        if (option->renamed || !options_taken_by(program, option, command))
            continue;
        if (!options_is_operand(option)) {
            fprintf(out, "%s ", option->name);
            continue;
        }
        paths = paths || takes_paths(option);
        rest = rest || option->after_dashes;
        if (option->type == OPTION_CHOICE)
            for (const char *const *choice = option->choices; *choice; choice++)
                fprintf(out, "%s ", *choice);
    }
    fprintf(out, "--help --version' paths=%s rest=%s", paths ? "yes" : "", rest ? "yes" : "");
}

static void print_command_words(const Program *program, FILE *out) {
    fputs("    for ((i = 1; i < COMP_CWORD; i++)); do\n        case ${COMP_WORDS[i]} in\n        ", out);
    for (const ProgramCommand *command = program->commands; command->name; command++)
        fprintf(out, "%s%s", command == program->commands ? "" : " | ", command->name);
    fputs(")\n            command=${COMP_WORDS[i]}\n            break\n            ;;\n        esac\n    done\n", out);
    fputs("    case $command in\n    '') words='", out);
    for (const ProgramCommand *command = program->commands; command->name; command++)
        fprintf(out, "%s ", command->name);
    fputs("--help --version' paths= rest= ;;\n", out);
    for (int i = 0; program->commands[i].name; i++) {
        fprintf(out, "    %s) ", program->commands[i].name);
        print_words(program, i, out);
        fputs(" ;;\n", out);
    }
    fputs("    esac\n", out);
}

/* What follows `--` is another program's command line: completed as such where bash-completion is installed. */
static void print_rest(FILE *out) {
    fputs("    for ((i = 1; i < COMP_CWORD && ${#rest}; i++)); do\n"
          "        [ \"${COMP_WORDS[i]}\" = -- ] || continue\n"
          "        if declare -F _command_offset >/dev/null; then\n"
          "            _command_offset $((i + 1))\n"
          "        else\n"
          "            _fovea_paths\n"
          "        fi\n"
          "        return\n"
          "    done\n",
          out);
}

Status completion_print(const Program *program, FILE *out) {
    fprintf(out, "# bash completion for %s of fovea %s, printed from its table of options.\n", program->name,
            FOVEA_VERSION);
    fputs("_fovea_paths() {\n"
          "    mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
          "    compopt -o filenames 2>/dev/null\n"
          "}\n",
          out);
    fprintf(out, "_fovea_%s() {\n", program->name);
    /* bash makes a word of its own of the = in --option=value. */
    fputs("    local word=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} command= words paths rest i\n"
          "    COMPREPLY=()\n"
          "    if [ \"$word\" = = ]; then\n"
          "        word=\n"
          "    elif [ \"$option\" = = ]; then\n"
          "        option=${COMP_WORDS[COMP_CWORD - 2]}\n"
          "    fi\n",
          out);
    if (program->commands) {
        print_command_words(program, out);
    } else {
        fputs("    ", out);
        print_words(program, -1, out);
        fputc('\n', out);
    }
    print_rest(out);
    TRY(print_values(program, out));
    fputs("    if [[ $word == -* || -z $paths ]]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
          "    else\n"
          "        _fovea_paths\n"
          "    fi\n"
          "}\n",
          out);
    fprintf(out, "complete -F _fovea_%s %s\n", program->name, program->name);
    return NULL;
}
