/* SPDX-License-Identifier: Apache-2.0 */
/* The result of a function that can fail: NULL for success, otherwise an error with an exit code and one message for
 * the user, written once where the failure happened: what, where, what to do.
 *
 * Ownership: the caller that does not return a status to its own caller frees it with status_free(). */
#ifndef FOVEA_BASE_STATUS_H
#define FOVEA_BASE_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

typedef struct Error *Status;

/* Exit codes of every program; the pool acts on them. */
typedef enum {
    EXIT_OK = 0,
    EXIT_USAGE = 64,     /* usage or configuration */
    EXIT_DATA = 65,      /* input data missing or damaged */
    EXIT_MISSING = 69,   /* a needed device or library is missing */
    EXIT_INTERNAL = 70,  /* a bug: an invariant of the program is broken */
    EXIT_IO = 74,        /* disk full, unreadable or unwritable file */
    EXIT_STOPPED = 75,   /* stopped with a checkpoint: run the same command again */
    EXIT_NO_MEMORY = 76, /* out of memory, the device's or the host's */
    EXIT_DIVERGED = 77,  /* the training diverged */
    EXIT_REFUSED = 78    /* held by others, no right, or it does not fit */
} ExitCode;

#define MUST_USE __attribute__((warn_unused_result))

/* A new error, never NULL, with the whole message; when memory is short, a static out-of-memory error. */
Status status_error(ExitCode code, const char *format, ...)
    __attribute__((format(printf, 2, 3), returns_nonnull)) MUST_USE;

/* The out-of-memory error for `bytes` needed for `what`; 0 where the number is not known. */
Status status_no_memory(const char *what, unsigned long long bytes) __attribute__((returns_nonnull)) MUST_USE;

/* Adds to the message of an error, such as advice that only the caller can give, and returns it in place of `status`.
 * NULL stays NULL. */
Status status_append(Status status, const char *format, ...) __attribute__((format(printf, 2, 3))) MUST_USE;

/* The code and message of a status; EXIT_OK and "" for NULL. The message lives as long as the status. */
ExitCode status_code(Status status);
const char *status_message(Status status);

/* Frees a status; NULL and static errors are allowed. */
void status_free(Status status);

#ifdef __cplusplus
}
#endif

/* Returns a failure to the caller. */
#define TRY(expression)                                                                                                \
    do {                                                                                                               \
        Status try_status_ = (expression);                                                                             \
        if (try_status_)                                                                                               \
            return try_status_;                                                                                        \
    } while (0)

#endif
