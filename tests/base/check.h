/* Assertions on statuses; each frees what it looked at. */
#ifndef FOVEA_TESTS_BASE_CHECK_H
#define FOVEA_TESTS_BASE_CHECK_H

#include "status.h"

#include <string.h>

#define assert_fine(expression)                                                                                        \
    do {                                                                                                               \
        Status check_status_ = (expression);                                                                           \
        if (check_status_)                                                                                             \
            fail_msg("%s: %s", #expression, status_message(check_status_));                                            \
    } while (0)

/* `expression` fails with `wanted_code` and a message that holds `part`. */
#define assert_refused(expression, wanted_code, part)                                                                  \
    do {                                                                                                               \
        Status check_status_ = (expression);                                                                           \
        if (!check_status_)                                                                                            \
            fail_msg("%s: went well, but \"%s\" was expected", #expression, part);                                     \
        if (status_code(check_status_) != (wanted_code) || !strstr(status_message(check_status_), part))               \
            fail_msg("%s: code %d, \"%s\", but code %d and \"%s\" were expected", #expression,                         \
                     status_code(check_status_), status_message(check_status_), wanted_code, part);                    \
        status_free(check_status_);                                                                                    \
    } while (0)

#endif
