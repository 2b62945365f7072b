/* SPDX-License-Identifier: Apache-2.0 */
#include "base/files.h"
#include "base/program.h"
#include "checkpoint/weights.h"
#include "checkpoint/weights_write.h"
#include "cli/convert_options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void print_shape(const Tensor *tensor, char *text, size_t room) {
    size_t used = (size_t)snprintf(text, room, "[");
    for (int i = 0; i < tensor->dims && used < room; i++)
        used += (size_t)snprintf(text + used, room - used, "%s%" PRId64, i ? ", " : "", tensor->shape[i]);
    if (used < room)
        snprintf(text + used, room - used, "]");
}

static void list_tensors(const Weights *weights, bool encoder_only) {
    int width = 0;
    for (int i = 0; i < weights_count(weights); i++) {
        const int length = (int)strlen(weights_at(weights, i)->name);
        width = length > width ? length : width;
    }
    for (int i = 0; i < weights_count(weights); i++) {
        const Tensor *tensor = weights_at(weights, i);
        const char *origin = weights_origin(weights, i);
        char shape[TENSOR_MAX_DIMS * 24];
        if (encoder_only && !weights_is_encoder(tensor->name))
            continue;
        print_shape(tensor, shape, sizeof shape);
        printf("%-*s  %-4s  %s", width, tensor->name, tensor_type_name(tensor->type), shape);
        if (strcmp(origin, tensor->name) != 0)
            printf("  from %s", origin);
        printf("\n");
    }
}

static Status write_weights(const Weights *weights, const ConvertArguments *arguments) {
    WeightsWritten written;
    TRY(weights_check_parts(weights));
    TRY(weights_write(weights, arguments->encoder, arguments->out, &written));
    printf("%s: %d tensors, %" PRId64 " parameters", arguments->out, written.tensors, written.parameters);
    if (written.tensors < weights_count(weights))
        printf("; %d left out", weights_count(weights) - written.tensors);
    if (weights_left_out(weights))
        printf("; %d entries of %s are no tensors", weights_left_out(weights), arguments->in);
    printf("\n");
    return NULL;
}

static Status run(void *context) {
    const ConvertArguments *arguments = context;
    if (!arguments->out && !arguments->list)
        return status_error(EXIT_USAGE, "OUT is missing; name the file to write, or give --list");
    if (arguments->out && arguments->list)
        return status_error(EXIT_USAGE, "--list writes nothing; leave %s out", arguments->out);
    if (arguments->out)
        TRY(weights_write_check(arguments->out));
    Weights *weights;
    TRY(weights_open(arguments->in, arguments->key, &weights));
    Status status = NULL;
    if (arguments->list)
        list_tensors(weights, arguments->encoder);
    else
        status = write_weights(weights, arguments);
    weights_close(weights);
    if (!status && (fflush(stdout) || ferror(stdout)))
        status = files_failure("write", "the standard output", errno);
    return status;
}

int main(int argc, char **argv) {
    ConvertArguments arguments = {0};
    return program_main(&convert_program, argc, argv, &arguments, run);
}
