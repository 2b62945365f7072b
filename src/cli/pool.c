/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/pool.h"
#include "base/files.h"
#include "base/program.h"
#include "cli/pool_options.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

static Status run(void *context) {
    TRY(pool_command(context));
    return fflush(stdout) || ferror(stdout) ? files_failure("write", "the standard output", errno) : NULL;
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    if (argc > 0 && pool_is_helper(argv[0]))
        return pool_helper(argc, argv);
    PoolOptions options = {0};
    const int code = program_main(&pool_program, argc, argv, &options, run);
    return code ? code : options.exit;
}
