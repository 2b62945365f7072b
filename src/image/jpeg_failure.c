/* SPDX-License-Identifier: Apache-2.0 */
#include "image/jpeg_failure.h"

#include <jerror.h>
#include <stdbool.h>

static void escape_jpeg(j_common_ptr jpeg) {
    JpegFailure *failure = (JpegFailure *)jpeg->err;
    jpeg->err->format_message(jpeg, failure->message);
    longjmp(failure->escape, 1);
}

/* Whether all pixels are what the encoder wrote in spite of the warning. Extra bytes cost nothing before the header's
 * markers, between scans and before the end mark, but before a restart mark they are coded data that made no sense. All
 * other warnings report that the decoder made pixels up: data that ended early, codes that do not exist, scans that
 * contradict each other. Unknown codes of later versions are taken for those. */
static bool loses_nothing(const struct jpeg_error_mgr *manager) {
    const int mark = manager->msg_parm.i[1];
    switch (manager->msg_code) {
    case JWRN_ADOBE_XFORM:    /* the colours are then YCbCr, which is what it stands for */
    case JWRN_JFIF_MAJOR:     /* a header of version 2, laid out alike */
    case JWRN_NOT_SEQUENTIAL: /* the spectral range of a scan, which a sequential JPEG does not use */
        return true;
    case JWRN_EXTRANEOUS_DATA:
        return mark < 0xD0 || mark > 0xD7;
    default:
        return false;
    }
}

/* Level -1 is a warning. */
static void take_warning(j_common_ptr jpeg, int level) {
    JpegFailure *failure = (JpegFailure *)jpeg->err;
    if (level >= 0)
        return;
    if (!loses_nothing(jpeg->err))
        escape_jpeg(jpeg);
    if (!*failure->warning)
        jpeg->err->format_message(jpeg, failure->warning);
}

static void stay_silent(j_common_ptr jpeg) {
    (void)jpeg;
}

struct jpeg_error_mgr *jpeg_failure_start(JpegFailure *failure) {
    jpeg_std_error(&failure->manager);
    *failure->warning = '\0';
    failure->manager.error_exit = escape_jpeg;
    failure->manager.emit_message = take_warning;
    failure->manager.output_message = stay_silent;
    return &failure->manager;
}
