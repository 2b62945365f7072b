/* SPDX-License-Identifier: Apache-2.0 */
#include "base/program.h"
#include "base/threads.h"
#include "cli/eval_options.h"
#include "eval/evaluate.h"

#include <signal.h>

static Status run(void *context) {
    return eval_run(context);
}

int main(int argc, char **argv) {
    threads_wait_passively(argv);
    /* A reader of the report that goes away (`| head`) does not end the evaluation. */
    signal(SIGPIPE, SIG_IGN);
    EvalOptions options = {0};
    return program_main(&eval_program, argc, argv, &options, run);
}
