/* SPDX-License-Identifier: Apache-2.0 */
/* Processes as the kernel counts them: this one's children in every state, their environment and memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/files.h"
#include "pool/process_table.h"
#include "tests/fixtures/check.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* A child that has written a byte and waits; `thread`: its first thread has ended then. */
static void *write_and_wait(void *descriptor) {
    if (write((int)(intptr_t)descriptor, "", 1) == 1)
        pause();
    return NULL;
}

static pid_t start_child(bool thread) {
    int gate[2];
    char byte;
    assert_int_equal(pipe(gate), 0);
    const pid_t child = fork();
    if (child == 0) {
        pthread_t other;
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* should the test fail */
        prctl(PR_SET_NAME, ") R 1 2 3 (");
        if (!thread)
            write_and_wait((void *)(intptr_t)gate[1]);
        else if (pthread_create(&other, NULL, write_and_wait, (void *)(intptr_t)gate[1]) == 0)
            pthread_exit(NULL);
        _exit(1);
    }
    close(gate[1]);
    assert_int_equal(read(gate[0], &byte, 1), 1);
    close(gate[0]);
    return child;
}

static void wait_for_end(pid_t child) {
    struct pollfd event = {.fd = process_open(child), .events = POLLIN};
    assert_true(event.fd >= 0);
    assert_int_equal(poll(&event, 1, 60000), 1);
    close(event.fd);
}

/* Until the first thread has ended. */
static void await_zombie(pid_t child) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/status", child);
    for (bool zombie = false; !zombie;) {
        char *text;
        size_t size;
        assert_fine(files_read(path, &text, &size));
        zombie = strstr(text, "State:\tZ");
        free(text);
    }
}

static void states_of_a_child(void **state) {
    (void)state;
    for (int thread = 0; thread < 2; thread++) {
        Process process, again;
        const pid_t child = start_child(thread);
        if (thread)
            await_zombie(child);
        assert_true(process_read(child, &process));
        assert_false(process.dead);
        assert_int_equal(process.parent, getpid());
        assert_int_equal(process.group, getpgrp());
        assert_int_equal(process.session, getsid(0));
        assert_true(process.start > 0);
        Process other = process;
        other.start++; /* the number was given to another process */
        process_signal(&other, SIGKILL);
        assert_true(process_read(child, &again) && !again.dead);
        process_signal(&process, SIGKILL);
        wait_for_end(child);
        assert_true(process_read(child, &again) && again.dead); /* not reaped: a zombie */
        assert_int_equal(waitpid(child, NULL, 0), child);
        assert_false(process_read(child, &again));
        process_signal(&process, SIGKILL);
    }
    assert_false(process_read(0, &(Process){0}));
    assert_false(process_read(-1, &(Process){0}));
}

static void all_processes(void **state) {
    (void)state;
    ProcessTable table;
    const pid_t child = start_child(false);
    assert_fine(process_table_read(&table));
    for (int64_t i = 1; i < table.count; i++)
        assert_true(table.list[i - 1].pid < table.list[i].pid);
    const int64_t at = process_table_find(&table, child);
    assert_true(at >= 0 && table.list[at].pid == child);
    assert_true(process_table_find(&table, getpid()) >= 0);
    assert_int_equal(process_table_find(&table, 0), -1);
    assert_int_equal(process_table_find(&table, INT32_MAX), -1);
    process_table_free(&table);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void an_environment(void **state) {
    (void)state;
    const pid_t child = fork();
    if (child == 0) {
        char *arguments[] = {"sleep", "1000", NULL}, *environment[] = {"AB=1", "A=2=3", "B=", NULL};
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execve("/bin/sleep", arguments, environment);
        _exit(1);
    }
    char *value;
    while (!(value = process_variable(child, "A"))) /* before its command it has this program's */
        assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
    assert_string_equal(value, "2=3");
    free(value);
    assert_null(process_variable(child, "C"));
    assert_true(process_has_variable(child, "AB=1"));
    assert_true(process_has_variable(child, "B="));
    assert_false(process_has_variable(child, "A=2"));
    assert_false(process_has_variable(child, "B=1"));
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_null(process_variable(child, "A"));
}

/* What it alone uses counts; a file that it maps can be dropped, and does not. */
static void memory(void **state) {
    (void)state;
    enum { BYTES = 64 << 20 };
    const int64_t before = process_memory(getpid());
    assert_true(before > 0);
    char *bytes = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(bytes, MAP_FAILED);
    memset(bytes, 1, BYTES);
    assert_in_range(process_memory(getpid()) - before, BYTES, BYTES + BYTES / 8);
    const pid_t child = start_child(false); /* which has half of it */
    assert_in_range(process_memory(child), BYTES / 4, BYTES * 3 / 4);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    munmap(bytes, BYTES);
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), BYTES), 0);
    bytes = mmap(NULL, BYTES, PROT_READ, MAP_SHARED | MAP_POPULATE, fileno(file), 0);
    assert_ptr_not_equal(bytes, MAP_FAILED);
    assert_true(process_memory(getpid()) - before < BYTES / 8);
    munmap(bytes, BYTES);
    fclose(file);
    assert_int_equal(process_memory(INT32_MAX), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_of_a_child),
        cmocka_unit_test(all_processes),
        cmocka_unit_test(an_environment),
        cmocka_unit_test(memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
