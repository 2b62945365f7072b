/* SPDX-License-Identifier: Apache-2.0 */
/* A file system with less than POSIX asks for, for the program that this is preloaded into.
 *
 *   FOVEA_LOCK_ERROR=ERRNO   flock() and locks by fcntl() fail with this number; EWOULDBLOCK: another process has them
 *   FOVEA_LINK_ERROR=ERRNO   symbolic links cannot be made */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* Whether the variable is set; errno is its number then. */
static bool is_refused(const char *variable) {
    const char *number = getenv(variable);
    if (number)
        errno = atoi(number);
    return number != NULL;
}

static bool is_lock(int command) {
    return command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK || command == F_OFD_SETLKW;
}

int flock(int descriptor, int operation) {
    return is_refused("FOVEA_LOCK_ERROR") ? -1 : REAL(flock)(descriptor, operation);
}

static void *next_argument(va_list arguments) {
    return va_arg(arguments, void *);
}

#define FCNTL(name)                                                                                                    \
    int name(int descriptor, int command, ...) {                                                                       \
        va_list arguments;                                                                                             \
        va_start(arguments, command);                                                                                  \
        void *argument = next_argument(arguments);                                                                     \
        va_end(arguments);                                                                                             \
        return is_lock(command) && is_refused("FOVEA_LOCK_ERROR") ? -1 : REAL(name)(descriptor, command, argument);    \
    }
FCNTL(fcntl)
FCNTL(fcntl64)

int symlink(const char *target, const char *name) {
    return is_refused("FOVEA_LINK_ERROR") ? -1 : REAL(symlink)(target, name);
}

int symlinkat(const char *target, int directory, const char *name) {
    return is_refused("FOVEA_LINK_ERROR") ? -1 : REAL(symlinkat)(target, directory, name);
}
