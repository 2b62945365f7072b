/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text_writer.h"

#include "base/files.h"

#include <stdlib.h>

Status text_writer_open(TextWriter *writer, const char *what) {
    *writer = (TextWriter){.what = what};
    writer->out = open_memstream(&writer->text, &writer->size);
    return writer->out ? NULL : status_no_memory(what, 0);
}

Status text_writer_save(TextWriter *writer, const char *path) {
    char *text;
    TRY(text_writer_take(writer, &text));
    Status status = files_write(path, text, writer->size);
    free(text);
    return status;
}

Status text_writer_take(TextWriter *writer, char **text) {
    const int failed = fclose(writer->out);
    writer->out = NULL;
    *text = writer->text;
    writer->text = NULL;
    if (!failed)
        return NULL;
    free(*text);
    *text = NULL;
    return status_no_memory(writer->what, 0);
}

void text_writer_discard(TextWriter *writer) {
    if (writer->out)
        fclose(writer->out);
    free(writer->text);
    *writer = (TextWriter){0};
}
