/* SPDX-License-Identifier: Apache-2.0 */
/* A lock that another process holds is respected; a file system without locks is no reason to stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file_lock.h"
#include "tests/fixtures/check.h"
#include "tests/fixtures/temp.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

/* This program's own flock overrides the C library's. */
static struct {
    int error; /* 0: none */
    int interrupts;
} faults;

int flock(int descriptor, int operation) {
    if (faults.interrupts-- > 0) {
        errno = EINTR;
        return -1;
    }
    if (faults.error) {
        errno = faults.error;
        return -1;
    }
    return (int)syscall(SYS_flock, descriptor, operation);
}

/* The outcome of locking `path` through a descriptor of its own; what was printed is left in `warning`. */
static bool lock_again(const char *path, char warning[512]) {
    const int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    assert_true(descriptor >= 0);
    FILE *out = fmemopen(warning, 512, "w");
    assert_non_null(out);
    const bool locked = file_lock(descriptor, path, out);
    fclose(out);
    close(descriptor);
    return locked;
}

static void a_held_lock_is_respected(void **state) {
    char path[TEMP_PATH * 2], warning[512] = "";
    temp_path(state, "held", path);
    faults.error = 0;
    faults.interrupts = 2;
    assert_true(lock_again(path, warning));
    const int holder = open(path, O_RDWR | O_CLOEXEC);
    assert_true(file_lock(holder, path, stderr));
    assert_false(lock_again(path, warning));
    assert_string_equal(warning, "");
    close(holder);
    assert_true(lock_again(path, warning)); /* a lock ends with its descriptor */
}

static void a_file_system_without_locks_is_reported(void **state) {
    enum { KERNEL_ENOTSUPP = 524 }; /* Linux' own, which some file systems let through */
    static const int errors[] = {ENOLCK, ENOSYS, EOPNOTSUPP, KERNEL_ENOTSUPP, EIO, EINVAL, EBADF, EACCES};
    char path[TEMP_PATH * 2];
    temp_path(state, "none", path);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        char warning[512] = "";
        faults.error = errors[i];
        assert_true(lock_again(path, warning));
        assert_non_null(strstr(warning, path));
        assert_non_null(strstr(warning, strerror(errors[i])));
    }
    faults.error = 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_held_lock_is_respected),
        cmocka_unit_test(a_file_system_without_locks_is_reported),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
