/* SPDX-License-Identifier: Apache-2.0 */
/* manual: prints what is generated from the tables of options: man pages, completion for bash, lists for tests. */
#include "base/program.h"
#include "cli/convert_options.h"
#include "cli/eval_options.h"
#include "cli/pool_options.h"
#include "cli/stage_options.h"
#include "cli/train_options.h"
#include "tools/manual/completion.h"
#include "tools/manual/man.h"
#include "tools/synth/arguments.h"

#include <string.h>

static const Program *const programs[] = {&train_program, &stage_program, &eval_program, &convert_program,
                                          &pool_program,  &synth_program, NULL};
static const char *const program_names[] = {"train", "stage", "eval", "convert", "pool", "synth", NULL};

enum { COMMAND_MAN, COMMAND_BASH, COMMAND_LIST };

typedef struct {
    int command, program;
} ManualArguments;

static const Option options[] = {
    {.name = "PROGRAM",
     .type = OPTION_CHOICE,
     .choices = program_names,
     .offset = offsetof(ManualArguments, program),
     .help = "The program: train, stage, eval, convert, pool or synth."},
    {0},
};
static const ProgramCommand commands[] = {
    {.name = "man", .help = "Prints the man page."},
    {.name = "bash", .help = "Prints the completion for bash."},
    {.name = "list", .help = "Prints a line for each option: its command, or a dash, and its name."},
    {0},
};
static const ExitCode exits[] = {EXIT_USAGE, EXIT_INTERNAL, EXIT_IO, EXIT_NO_MEMORY, EXIT_OK};
static const Program manual_program = {
    .name = "manual",
    .about = "Prints a program's man page, completion or list of options, as its table has them.",
    .commands = commands,
    .command_offset = offsetof(ManualArguments, command),
    .options = options,
    .exits = exits,
};

static void list_options(const Program *program, int command, FILE *out) {
    for (const Option *option = program->options; option->name; option++)
        if (!option->renamed && options_taken_by(program, option, command))
            fprintf(out, "%s %s\n", command < 0 ? "-" : program->commands[command].name, option->name);
}

static Status run(void *context) {
    const ManualArguments *a = context;
    const Program *program = programs[a->program];
    if (a->command == COMMAND_MAN)
        return man_print(program, programs, stdout);
    if (a->command == COMMAND_BASH)
        return completion_print(program, stdout);
    if (!program->commands)
        list_options(program, -1, stdout);
    for (int i = 0; program->commands && program->commands[i].name; i++)
        list_options(program, i, stdout);
    return NULL;
}

int main(int argc, char **argv) {
    ManualArguments arguments = {0};
    return program_main(&manual_program, argc, argv, &arguments, run);
}
