/* SPDX-License-Identifier: Apache-2.0 */
#include "image/jpeg_failure.h"

static void escape_jpeg(j_common_ptr jpeg) {
    JpegFailure *failure = (JpegFailure *)jpeg->err;
    jpeg->err->format_message(jpeg, failure->message);
    longjmp(failure->escape, 1);
}

/* Level -1 is a warning: the data ended early or made no sense, and the decoder would invent pixels. */
static void refuse_warning(j_common_ptr jpeg, int level) {
    if (level < 0)
        escape_jpeg(jpeg);
}

static void stay_silent(j_common_ptr jpeg) {
    (void)jpeg;
}

struct jpeg_error_mgr *jpeg_failure_start(JpegFailure *failure) {
    jpeg_std_error(&failure->manager);
    failure->manager.error_exit = escape_jpeg;
    failure->manager.emit_message = refuse_warning;
    failure->manager.output_message = stay_silent;
    return &failure->manager;
}
