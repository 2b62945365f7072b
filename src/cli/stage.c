/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/stage.h"
#include "base/files.h"
#include "base/program.h"
#include "cli/stage_options.h"
#include "stage/forget.h"
#include "stage/info.h"
#include "stage/split.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

static Status run_command(StageArguments *arguments) {
    switch ((StageCommand)arguments->command) {
    case STAGE_AIREADI:
    case STAGE_FOLDER:
        arguments->stage.layout = stage_program.commands[arguments->command].name;
        arguments->stage.shard_bytes = arguments->shard_mib << 20;
        return stage_run(&arguments->stage);
    case STAGE_VERIFY:
        return stage_verify(arguments->pack, arguments->stage.threads);
    case STAGE_INFO:
        return stage_info(arguments->pack, arguments->sheet, arguments->anyway);
    case STAGE_SPLIT:
        if (arguments->val + arguments->test >= 1)
            return status_error(EXIT_USAGE, "--val and --test leave no people for training: their sum must be below 1");
        return stage_split(arguments->pack, arguments->val, arguments->test, arguments->seed);
    case STAGE_FORGET:
        return stage_forget(arguments->pack, arguments->remove);
    }
    return status_error(EXIT_INTERNAL, "command %d is not in the table", arguments->command);
}

static Status run(void *context) {
    TRY(run_command(context));
    return fflush(stdout) || ferror(stdout) ? files_failure("write", "the standard output", errno) : NULL;
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    /* What is made of licensed data is at most for the user's group; of other data, too, rather than by an option. */
    umask(umask(077) | 007);
    StageArguments arguments = {0};
    return program_main(&stage_program, argc, argv, &arguments, run);
}
