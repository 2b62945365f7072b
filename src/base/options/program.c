/* SPDX-License-Identifier: Apache-2.0 */
#include "base/program.h"

#include "base/files.h"
#include "base/options/options_help.h"
#include "base/version.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

/* A program that was started without standard input, output or error would write its messages into the first file that
 * it opens. */
static void open_standard_files(void) {
    int descriptor;
    do
        descriptor = open("/dev/null", O_RDWR);
    while (descriptor >= STDIN_FILENO && descriptor <= STDERR_FILENO);
    if (descriptor > STDERR_FILENO)
        close(descriptor);
}

static Status print_help(const Program *program, const OptionsCall *call) {
    if (!call->topic)
        options_help_print(program, call->command, stdout);
    if (!program->topics.explain)
        return NULL;
    if (!call->topic)
        printf("\n%s:\n", program->topics.title);
    return program->topics.explain(call->topic, stdout);
}

static Status check_output(void) {
    if (fflush(stdout) == 0 && !ferror(stdout))
        return NULL;
    return files_failure("write", "the standard output", errno);
}

static Status serve_call(const Program *program, const OptionsCall *call, void *arguments,
                         Status (*run)(void *arguments)) {
    if (call->request == OPTIONS_RUN)
        return run(arguments);
    if (call->request == OPTIONS_VERSION)
        puts("fovea " FOVEA_VERSION);
    else
        TRY(print_help(program, call));
    return check_output();
}

/* One line, whatever names from a file it contains. */
static void print_failure(const char *name, const char *message) {
    fflush(stdout); /* both may go to one file */
    fprintf(stderr, "%s: ", name);
    for (const char *at = message; *at; at++)
        fputc((unsigned char)*at < ' ' || *at == 0x7f ? '?' : *at, stderr);
    fputc('\n', stderr);
}

int program_main(const Program *program, int argc, char **argv, void *arguments, Status (*run)(void *arguments)) {
    open_standard_files();
    /* A write beyond `ulimit -f` fails then, and is reported like any other. */
    signal(SIGXFSZ, SIG_IGN);
    OptionsCall call;
    Status status = options_parse(program, argc, argv, arguments, stderr, &call);
    if (!status)
        status = serve_call(program, &call, arguments, run);
    options_free(program, arguments);
    if (status)
        print_failure(program->name, status_message(status));
    const ExitCode code = status_code(status);
    status_free(status);
    return (int)code;
}
