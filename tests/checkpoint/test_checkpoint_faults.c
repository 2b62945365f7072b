/* SPDX-License-Identifier: Apache-2.0 */
/* The writer when the disk is slow, full or failing, and when the process dies: this program stands between it and the
 * system by defining the calls that change a directory. */
#include "tests/fixtures/checkpoint_fixture.h"
#include "tests/fixtures/printed_path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { NEVER = 0, KILLED = 9 };

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool closed, waiting; /* a closed gate holds the next call up */
    int calls, fail_at, kill_at;
    bool kept;     /* the call that failed would have removed a file */
    bool no_links; /* the file system has none */
} gate = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* What reached the system, in order, for the test of what a power cut would leave. */
typedef enum { WRITE, FSYNC, RENAME } EventKind;
typedef struct {
    EventKind kind;
    ino_t file; /* written, synced, renamed */
} Call;
static struct {
    Call list[256];
    int count;
} events;

static void record(EventKind kind, const struct stat *st) {
    pthread_mutex_lock(&gate.mutex);
    if (events.count < (int)(sizeof events.list / sizeof *events.list))
        events.list[events.count++] = (Call){kind, st->st_ino};
    pthread_mutex_unlock(&gate.mutex);
}

static void record_descriptor(EventKind kind, int descriptor) {
    struct stat st;
    if (fstat(descriptor, &st) == 0)
        record(kind, &st);
}

/* Whether this call has to fail, as on a full disk. */
static bool refused(void) {
    pthread_mutex_lock(&gate.mutex);
    while (gate.closed) {
        gate.waiting = true;
        pthread_cond_broadcast(&gate.changed);
        pthread_cond_wait(&gate.changed, &gate.mutex);
    }
    gate.waiting = false;
    int call = ++gate.calls;
    bool refuses = call == gate.fail_at;
    if (call == gate.kill_at)
        _exit(KILLED);
    pthread_mutex_unlock(&gate.mutex);
    if (refuses)
        errno = ENOSPC;
    return refuses;
}

static void set_gate(bool closed, int fail_at, int kill_at) {
    pthread_mutex_lock(&gate.mutex);
    gate.closed = closed;
    gate.calls = 0;
    gate.fail_at = fail_at;
    gate.kill_at = kill_at;
    gate.kept = false;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.mutex);
}

static void wait_until_held(void) {
    pthread_mutex_lock(&gate.mutex);
    while (!gate.waiting)
        pthread_cond_wait(&gate.changed, &gate.mutex);
    pthread_mutex_unlock(&gate.mutex);
}

static int calls(void) {
    pthread_mutex_lock(&gate.mutex);
    int count = gate.calls;
    pthread_mutex_unlock(&gate.mutex);
    return count;
}

ssize_t write(int descriptor, const void *data, size_t size) {
    if (refused())
        return -1;
    record_descriptor(WRITE, descriptor);
    return syscall(SYS_write, descriptor, data, size);
}
int fsync(int descriptor) {
    if (refused())
        return -1;
    record_descriptor(FSYNC, descriptor);
    return (int)syscall(SYS_fsync, descriptor);
}
int rename(const char *from, const char *to) {
    if (refused())
        return -1;
    struct stat st;
    if (lstat(from, &st) == 0)
        record(RENAME, &st);
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}
int symlink(const char *target, const char *path) {
    if (gate.no_links) {
        errno = EPERM;
        return -1;
    }
    return refused() ? -1 : (int)syscall(SYS_symlinkat, target, AT_FDCWD, path);
}
int mkdir(const char *path, mode_t mode) {
    if (access(path, F_OK) == 0) { /* no full disk prevents that */
        errno = EEXIST;
        return -1;
    }
    return refused() ? -1 : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}
int remove(const char *path) {
    if (refused()) {
        gate.kept = true; /* read by the main thread after it has waited for this one */
        return -1;
    }
    int result = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    return result != 0 && errno == EISDIR ? (int)syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR) : result;
}

static void busy_writer_takes_no_second(void **state) {
    Fixture *fixture = *state;
    CheckpointWriter *writer;
    succeeds(checkpoint_writer_open(fixture->dir, &fixture->params, &(CheckpointKeep){.newest = 3}, &writer));
    TrainState first = state_at(10), second = state_at(20), third = state_at(30);
    bool started;
    set_gate(true, NEVER, NEVER);
    fill(&fixture->params, 1, 10);
    succeeds(checkpoint_writer_begin(writer, &first, false, &started));
    assert_true(started);
    wait_until_held();
    succeeds(checkpoint_writer_begin(writer, &second, true, &started));
    assert_false(started);
    set_gate(false, NEVER, NEVER);
    succeeds(checkpoint_writer_wait(writer));
    assert_true(has(fixture, "step-10"));
    assert_false(has(fixture, "step-20"));
    assert_false(has(fixture, "best"));
    fill(&fixture->params, 1, 30);
    succeeds(checkpoint_writer_begin(writer, &third, false, &started));
    assert_true(started);
    checkpoint_writer_close(writer); /* finishes it */
    reads(fixture, 1, 30);
}

/* Between begin() and copied() the parameters stay; after it, they are the next step's. */
static void the_copy_is_written(void **state) {
    Fixture *fixture = *state;
    CheckpointWriter *writer;
    succeeds(checkpoint_writer_open(fixture->dir, &fixture->params, &(CheckpointKeep){.newest = 3}, &writer));
    for (int64_t step = 1; step <= 200; step++) {
        TrainState state = state_at(step);
        bool started;
        set_gate(true, NEVER, NEVER); /* nothing reaches the disk before the parameters have changed */
        fill(&fixture->params, 1, step);
        succeeds(checkpoint_writer_begin(writer, &state, false, &started));
        assert_true(started);
        checkpoint_writer_copied(writer);
        fill(&fixture->params, 2, step);
        set_gate(false, NEVER, NEVER);
        succeeds(checkpoint_writer_wait(writer));
        reads(fixture, 1, step);
    }
    checkpoint_writer_copied(writer); /* with nothing under way: at once */
    checkpoint_writer_close(writer);
}

static void a_failure_is_reported_once(void **state) {
    Fixture *fixture = *state;
    CheckpointWriter *writer;
    TrainState ten = state_at(10), twenty = state_at(20);
    bool started;
    succeeds(checkpoint_writer_open(fixture->dir, &fixture->params, &(CheckpointKeep){.newest = 3}, &writer));
    fill(&fixture->params, 1, 10);
    set_gate(true, 3, NEVER);
    succeeds(checkpoint_writer_begin(writer, &ten, false, &started));
    wait_until_held();
    set_gate(false, 3, NEVER);
    Status status;
    do /* the write ends at some time; until then the writer is busy */
        status = checkpoint_writer_begin(writer, &twenty, false, &started);
    while (!status && !started);
    assert_false(started);
    assert_non_null(strstr(status_message(status), "disk full"));
    fails(status, EXIT_IO);
    succeeds(checkpoint_writer_wait(writer));
    set_gate(false, 3, NEVER);
    succeeds(checkpoint_writer_begin(writer, &twenty, false, &started));
    assert_true(started);
    fails(checkpoint_writer_wait(writer), EXIT_IO);
    succeeds(checkpoint_writer_wait(writer));
    checkpoint_writer_close(writer);
}

static ino_t inode_of(const Fixture *fixture, const char *name) {
    struct stat st;
    char *path = path_of(fixture, name);
    assert_int_equal(lstat(path, &st), 0);
    free(path);
    return st.st_ino;
}

static int last_event(int before, EventKind kind, ino_t file) {
    while (--before >= 0 && (events.list[before].kind != kind || events.list[before].file != file))
        ;
    return before;
}

/* A power cut keeps only what was synced: files and their directory before the rename that makes them a checkpoint,
 * that rename before the links, the links before the writer says it is done. */
static void order_of_syncs(void **state) {
    Fixture *fixture = *state;
    CheckpointWriter *writer;
    succeeds(checkpoint_writer_open(fixture->dir, &fixture->params, &(CheckpointKeep){.newest = 2}, &writer));
    events.count = 0;
    write_step(writer, &fixture->params, 1, 10, true);
    int count = events.count;
    checkpoint_writer_close(writer);
    ino_t directory = inode_of(fixture, ""), step = inode_of(fixture, "step-10");
    int renamed = last_event(count, RENAME, step), listed = last_event(renamed, FSYNC, step);
    assert_true(listed > 0);
    static const char *const files[] = {"weights.safetensors", "optimizer.safetensors", "state.json", "checksums"};
    for (int i = 0; i < 4; i++) {
        char name[64];
        snprintf(name, sizeof name, "step-10/%s", files[i]);
        ino_t file = inode_of(fixture, name);
        int written = last_event(count, WRITE, file), synced = last_event(listed, FSYNC, file);
        assert_true(written >= 0 && written < synced);
    }
    int latest = last_event(count, RENAME, inode_of(fixture, "latest"));
    int best = last_event(count, RENAME, inode_of(fixture, "best"));
    assert_true(last_event(latest, FSYNC, directory) > renamed);
    assert_true(best > latest);
    assert_true(last_event(count, FSYNC, directory) > best);
}

/* Whoever closes without asking still gets to read it. */
static void unasked_failure_is_printed(void **state) {
    Fixture *fixture = *state;
    CheckpointWriter *writer;
    TrainState ten = state_at(10);
    bool started;
    succeeds(checkpoint_writer_open(fixture->dir, &fixture->params, &(CheckpointKeep){.newest = 3}, &writer));
    set_gate(false, 3, NEVER);
    succeeds(checkpoint_writer_begin(writer, &ten, false, &started));
    char *path = path_of(fixture, "stderr"), *text;
    int file = open(path, O_WRONLY | O_CREAT, 0600), stderr_before = dup(2);
    dup2(file, 2);
    checkpoint_writer_close(writer);
    dup2(stderr_before, 2);
    close(file);
    close(stderr_before);
    size_t size;
    succeeds(files_read(path, &text, &size));
    assert_non_null(strstr(text, "disk full"));
    free(text);
    free(path);
}

typedef struct {
    const char *name;
    int64_t steps[4]; /* written before, in this order; 0 ends */
    int64_t step;     /* written under faults, as a second run of the same steps */
    int keep;
    bool best, best_before; /* the first of `steps` was the best */
} Course;

static const Course courses[] = {
    {"first of all", {0}, 10, 2, true, false},
    {"the only one again", {10}, 10, 1, false, true},
    {"a later one, the former removed", {10}, 20, 1, true, true},
    {"keep two and the best", {5, 10, 15}, 20, 2, false, true},
    {"a better one", {5, 10, 15}, 20, 2, true, true},
    {"an earlier one again", {5, 10, 15}, 10, 2, false, false},
};
enum { COURSES = sizeof courses / sizeof *courses };

static void begin_course(Fixture *fixture, const Course *course) {
    set_gate(false, NEVER, NEVER);
    succeeds(files_remove(fixture->dir));
    for (int i = 0; i < 4 && course->steps[i]; i++)
        write_once(fixture, 1, course->steps[i], 3, course->best_before && i == 0);
}

/* What is read is the new one or the newest of before, whole. */
static void assert_nothing_lost(Fixture *fixture, const Course *course, const char *fault, int call) {
    int64_t newest = 0;
    for (int i = 0; i < 4 && course->steps[i]; i++)
        newest = course->steps[i];
    TrainState state;
    bool found;
    char *note;
    fill(&fixture->params, 999, 999);
    Status status = checkpoint_read(fixture->dir, &fixture->params, &state, &found, &note);
    if (status || note)
        fail_msg("%s, %s in call %d: %s", course->name, fault, call, status ? status_message(status) : note);
    if (!found && !newest)
        return;
    assert_true(found);
    if (state.step != newest && state.step != course->step)
        fail_msg("%s, %s in call %d: step %d is left", course->name, fault, call, (int)state.step);
    Fixture again = {0};
    fixture_params(&again, PLAIN);
    fill(&again.params, 1, state.step);
    bool before = memcmp(again.params.value, fixture->params.value, again.params.total * sizeof(float)) == 0;
    arena_close(&again.arena);
    assert_filled(fixture, before ? 1 : 2, state.step);
}

/* What the links point at is there, under its own name. */
static void assert_links_hold(const Fixture *fixture, const Course *course, const char *fault, int call) {
    static const char *const links[] = {"latest", "best"};
    for (int i = 0; i < 2; i++) {
        struct stat st;
        char *path = path_of(fixture, links[i]);
        if (lstat(path, &st) == 0 && access(path, F_OK) != 0)
            fail_msg("%s, %s in call %d: %s points nowhere", course->name, fault, call, links[i]);
        free(path);
    }
}

/* Directories that are being written or removed. */
static int hidden_entries(const Fixture *fixture) {
    DIR *stream = opendir(fixture->dir);
    assert_non_null(stream);
    int count = -2; /* "." and ".." */
    for (const struct dirent *entry; (entry = readdir(stream));)
        count += entry->d_name[0] == '.';
    closedir(stream);
    return count;
}

static void set_links(bool refused) {
    pthread_mutex_lock(&gate.mutex);
    gate.no_links = refused;
    pthread_mutex_unlock(&gate.mutex);
}

/* On a file system without symbolic links checkpoints are written, kept and read as on another; it is said once. */
static void without_links(void **state) {
    Fixture *fixture = *state;
    write_once(fixture, 1, 5, 2, true);
    assert_true(has(fixture, "latest") && has(fixture, "best"));
    set_links(true);
    CheckpointWriter *writer;
    succeeds(checkpoint_writer_open(fixture->dir, &fixture->params, &(CheckpointKeep){.newest = 2}, &writer));
    int told = 0;
    for (int64_t step = 10; step <= 50; step += 10) {
        bool started;
        TrainState now = state_at(step);
        now.best_step = step < 20 ? 5 : 20;
        fill(&fixture->params, 1, step);
        succeeds(checkpoint_writer_begin(writer, &now, step == 20, &started));
        succeeds(checkpoint_writer_wait(writer));
        Status unlinked = checkpoint_writer_unlinked(writer);
        told += unlinked != NULL;
        if (unlinked)
            assert_non_null(strstr(status_message(unlinked), "cannot create link"));
        status_free(unlinked);
        assert_true(has(fixture, step < 20 ? "step-5" : "step-20"));
        assert_false(has(fixture, "latest")); /* it would name another */
    }
    assert_int_equal(told, 1);
    assert_true(has(fixture, "step-40") && has(fixture, "step-50"));
    assert_false(has(fixture, "step-5") || has(fixture, "step-10") || has(fixture, "step-30") || has(fixture, "best"));
    checkpoint_writer_close(writer);
    set_links(false);
    reads(fixture, 1, 50);
}

static void every_failing_call(const Course *course, Fixture *fixture) {
    for (int call = 1;; call++) {
        begin_course(fixture, course);
        CheckpointWriter *writer;
        succeeds(
            checkpoint_writer_open(fixture->dir, &fixture->params, &(CheckpointKeep){.newest = course->keep}, &writer));
        fill(&fixture->params, 2, course->step);
        TrainState state = state_at(course->step);
        bool started;
        set_gate(false, call, NEVER);
        succeeds(checkpoint_writer_begin(writer, &state, course->best, &started));
        Status status = checkpoint_writer_wait(writer);
        bool reached = calls() >= call;
        bool kept = gate.kept;
        set_gate(false, NEVER, NEVER);
        Status unlinked = checkpoint_writer_unlinked(writer);
        bool linked = unlinked == NULL; /* a link that was not made is no failure */
        status_free(unlinked);
        if (reached != (status != NULL) && !kept && linked) /* what is only in the way is removed another time */
            fail_msg("%s: call %d failed and the writer said: %s", course->name, call, status_message(status));
        if (status)
            fails(status, EXIT_IO);
        assert_nothing_lost(fixture, course, "failure", call);
        assert_links_hold(fixture, course, "failure", call);
        assert_true(hidden_entries(fixture) == 0 || kept);
        /* With room again, the same writer goes on. */
        write_step(writer, &fixture->params, 2, course->step, course->best);
        checkpoint_writer_close(writer);
        reads(fixture, 2, course->step);
        assert_links_hold(fixture, course, "a second write after failure", call);
        assert_int_equal(hidden_entries(fixture), 0);
        if (!reached)
            return;
        assert_true(call < 200);
    }
}

static void failures(void **state) {
    for (int i = 0; i < COURSES; i++)
        every_failing_call(&courses[i], *state);
}

static void write_in_child(Fixture *fixture, const Course *course, int call, int *reason) {
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        CheckpointWriter *writer;
        TrainState state = state_at(course->step);
        bool started;
        fill(&fixture->params, 2, course->step);
        set_gate(false, NEVER, call);
        Status status =
            checkpoint_writer_open(fixture->dir, &fixture->params, &(CheckpointKeep){.newest = course->keep}, &writer);
        if (!status)
            status = checkpoint_writer_begin(writer, &state, course->best, &started);
        if (!status)
            status = checkpoint_writer_wait(writer);
        _exit(status ? 1 : 0);
    }
    assert_int_equal(waitpid(child, reason, 0), child);
    assert_true(WIFEXITED(*reason));
    *reason = WEXITSTATUS(*reason);
}

static void every_deadly_call(const Course *course, Fixture *fixture) {
    for (int call = 1;; call++) {
        int reason;
        begin_course(fixture, course);
        write_in_child(fixture, course, call, &reason);
        assert_true(reason == KILLED || reason == 0);
        assert_nothing_lost(fixture, course, "death", call);
        /* A resumed run tidies up and writes it. */
        write_once(fixture, 2, course->step, course->keep, course->best);
        reads(fixture, 2, course->step);
        assert_links_hold(fixture, course, "a second run after death", call);
        if (reason == 0)
            return;
        assert_true(call < 200);
    }
}

static void deaths(void **state) {
    for (int i = 0; i < COURSES; i++)
        every_deadly_call(&courses[i], *state);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)
    const struct CMUnitTest tests[] = {
        TEST(busy_writer_takes_no_second),
        TEST(the_copy_is_written),
        TEST(a_failure_is_reported_once),
        TEST(order_of_syncs),
        TEST(unasked_failure_is_printed),
        TEST(without_links),
        TEST(failures),
        TEST(deaths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
