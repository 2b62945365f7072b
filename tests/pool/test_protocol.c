/* SPDX-License-Identifier: Apache-2.0 */
/* The two ends of the socket: the client's, and the daemon's view of a client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pool/client.h"
#include "pool/daemon/calls/calls.h"
#include "pool/request.h"
#include "tests/fixtures/check.h"
#include "tests/fixtures/temp.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* A daemon's end of a connection; *other is the client's. */
static Peer *connect_pair(int *other) {
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    Peer *peer;
    assert_fine(peer_open(pair[0], &peer));
    *other = pair[1];
    return peer;
}

static void write_text(int descriptor, const char *text) {
    assert_int_equal(write(descriptor, text, strlen(text)), (ssize_t)strlen(text));
}

/* What the client's end has got. */
static void expect_text(int descriptor, const char *expected) {
    char text[4096];
    const ssize_t got = read(descriptor, text, sizeof text - 1);
    text[got > 0 ? got : 0] = '\0';
    if (!strstr(text, expected))
        fail_msg("'%s' does not contain '%s'", text, expected);
}

/* --- The daemon's side -------------------------------------------------------------------------------------------- */

static void lines_come_whole(void **state) {
    (void)state;
    int other;
    Peer *peer = connect_pair(&other);
    assert_int_equal(peer->uid, getuid());
    assert_int_equal(peer->pid, getpid());
    write_text(other, "{\"call\":\"sta");
    peer_receive(peer, REQUEST_BYTES);
    assert_null(peer_take_line(peer));
    write_text(other, "tus\"}\n\nlast\n");
    peer_receive(peer, REQUEST_BYTES);
    const char *const expected[] = {"{\"call\":\"status\"}", "", "last"};
    for (int i = 0; i < 3; i++) {
        char *line = peer_take_line(peer);
        assert_string_equal(line, expected[i]);
        free(line);
    }
    assert_null(peer_take_line(peer));
    close(other);
    peer_receive(peer, REQUEST_BYTES);
    assert_true(peer->gone);
    peer_close(peer);
}

static void a_long_request_is_refused(void **state) {
    (void)state;
    int other;
    Peer *peer = connect_pair(&other);
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    write_text(other, text);
    peer_receive(peer, 1000);
    assert_true(peer->closing);
    peer_send(peer);
    expect_text(other, "{\"exit\":64,\"error\":\"a request may have 1000 bytes at most\"}\n");
    close(other);
    peer_close(peer);
}

static void a_client_that_does_not_read_is_dropped(void **state) {
    (void)state;
    int other;
    Peer *peer = connect_pair(&other);
    char text[PEER_ANSWER / 2];
    memset(text, '1', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    int answers = 0;
    while (!peer->gone && answers < 1000) {
        peer_answer(peer, text, sizeof text - 1, -1);
        peer_send(peer);
        answers++;
    }
    assert_true(peer->gone);
    /* what the socket took is beyond the bound */
    assert_true(answers >= PEER_UNREAD / (PEER_ANSWER / 2));
    assert_true(peer->unread <= PEER_UNREAD);
    close(other);
    peer_close(peer);
}

/* A daemon that does nothing but refuse. */
static Daemon *make_daemon(uid_t uid) {
    Daemon *daemon = calloc(1, sizeof *daemon);
    assert_non_null(daemon);
    daemon->uid = uid;
    daemon->rule.member_count = 1;
    strcpy(daemon->rule.members[0], "*");
    return daemon;
}

static void expect_refusal(uid_t uid, const char *line, const char *expected, bool closes) {
    int other;
    Peer *peer = connect_pair(&other);
    Daemon *daemon = make_daemon(uid);
    calls_serve(daemon, peer, line);
    peer_send(peer);
    expect_text(other, expected);
    assert_int_equal(peer->closing, closes);
    close(other);
    peer_close(peer);
    free(daemon);
}

static void what_is_no_call_is_refused(void **state) {
    (void)state;
    expect_refusal(getuid(), "GET / HTTP/1.1", "{\"exit\":64", true);
    expect_refusal(getuid(), "[1]", "{\"exit\":64", true);
    expect_refusal(getuid(), "{}", "{\"exit\":64,\"error\":\"there is no such call", false);
    expect_refusal(getuid(), "{\"call\":7}", "{\"exit\":64", false);
    expect_refusal(getuid(), "{\"call\":\"cancel\"}", "the request has no whole number called job", false);
    expect_refusal(getuid(), "{\"call\":\"cancel\",\"job\":1.5}", "the request has no whole number called job", false);
    expect_refusal(getuid(), "{\"call\":\"cancel\",\"job\":\"1\"}", "{\"exit\":64", false);
    expect_refusal(getuid(), "{\"call\":\"gpu\",\"gpu\":-1}", "the rule has no GPU -1", false);
    expect_refusal(getuid(), "{\"call\":\"gpu\",\"gpu\":4294967296}", "the rule has no GPU", false);
    expect_refusal(getuid(), "{\"call\":\"wait\",\"jobs\":[]}", "lists no jobs", false);
    expect_refusal(getuid(), "{\"call\":\"run\"}", "0 descriptors came with the call instead of 3", false);
    expect_refusal(getuid(), "{\"call\":\"submit\"}", "the call has no request", false);
    expect_refusal(getuid(), "{\"call\":\"submit\",\"request\":{}}", "{\"exit\":64", false);
    expect_refusal(getuid() + 1, "{\"call\":\"status\"}", "{\"exit\":78", false);
}

/* --- The client's side -------------------------------------------------------------------------------------------- */

/* Serves one connection to `folder` in a child: the answers in turn, the last with a descriptor of what it got. */
static pid_t serve_child(const char *folder, const char *const *answers, int count, int descriptor) {
    const int listener = wire_bind(folder);
    assert_true(listener >= 0);
    const pid_t pid = fork();
    if (pid != 0) {
        close(listener);
        return pid;
    }
    struct pollfd wait = {.fd = listener, .events = POLLIN};
    poll(&wait, 1, 10000);
    Peer *peer;
    if (peer_open(accept4(listener, NULL, NULL, SOCK_NONBLOCK), &peer))
        _exit(2);
    wait.fd = peer->socket;
    for (int i = 0; i < count && !peer->gone;) {
        poll(&wait, 1, 10000);
        peer_receive(peer, REQUEST_BYTES);
        for (char *line; (line = peer_take_line(peer)) && i < count; i++) {
            const bool file = strcmp(answers[i], "copy") == 0;
            if (strcmp(answers[i], "refuse") == 0)
                peer_refuse(peer, status_error(EXIT_REFUSED, "held"));
            else
                peer_answer(peer, file ? line : answers[i], strlen(file ? line : answers[i]),
                            file && peer->count == 3 ? dup(peer->descriptors[1])
                            : file                   ? descriptor
                                                     : -1);
            free(line);
        }
        while (peer->first && !peer->gone)
            peer_send(peer);
    }
    peer_close(peer);
    _exit(0);
}

static void expect_child(pid_t pid) {
    int how;
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_int_equal(how, 0);
}

static void a_client_asks_in_turn(void **state) {
    const char *folder = ((Temp *)*state)->root;
    char *large = malloc(PEER_ANSWER * 3);
    memset(large, '7', PEER_ANSWER * 3);
    large[0] = large[PEER_ANSWER * 3 - 2] = '"';
    large[PEER_ANSWER * 3 - 1] = '\0';
    const char *const answers[] = {"{\"a\":1}", "refuse", large, "copy"};
    const pid_t pid = serve_child(folder, answers, 4, -1);
    PoolClient *client;
    cJSON *answer;
    assert_fine(pool_client_open(folder, false, &client));
    assert_fine(pool_client_ask(client, "status", NULL, &answer));
    assert_int_equal(cJSON_GetObjectItem(answer, "a")->valueint, 1);
    cJSON_Delete(answer);
    Status status = pool_client_ask(client, "gpu", NULL, &answer);
    assert_int_equal(status_code(status), EXIT_REFUSED);
    assert_string_equal(status_message(status), "held");
    status_free(status);
    assert_fine(pool_client_ask(client, "jobs", NULL, &answer));
    assert_int_equal(strlen(answer->valuestring), PEER_ANSWER * 3 - 3);
    cJSON_Delete(answer);
    cJSON *arguments = cJSON_Parse("{\"request\":{\"x\":[1,2]}}");
    const int files[] = {0, open("tests/leaks.txt", O_RDONLY), 2};
    int received;
    assert_fine(pool_client_pass(client, "run", arguments, files, 3, &answer, &received));
    assert_string_equal(cJSON_GetObjectItem(answer, "call")->valuestring, "run");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(cJSON_GetObjectItem(answer, "request"), "x")), 2);
    char byte[2];
    assert_int_equal(pread(received, byte, 1, 0), 1);
    close(received);
    close(files[1]);
    cJSON_Delete(arguments);
    cJSON_Delete(answer);
    status = pool_client_ask(client, "status", NULL, &answer);
    assert_int_equal(status_code(status), EXIT_MISSING);
    status_free(status);
    pool_client_close(client);
    expect_child(pid);
    free(large);
}

static void without_a_daemon_it_says_so(void **state) {
    const char *folder = ((Temp *)*state)->root;
    PoolClient *client;
    Status status = pool_client_open(folder, false, &client);
    assert_null(client);
    assert_int_equal(status_code(status), EXIT_MISSING);
    assert_non_null(strstr(status_message(status), "pool daemon --state"));
    status_free(status);
}

static void the_folder_is_found(void **state) {
    (void)state;
    char *folder;
    setenv("FOVEA_POOL", "/there/pool", 1);
    assert_fine(pool_state_folder(NULL, &folder));
    assert_string_equal(folder, "/there/pool");
    free(folder);
    assert_fine(pool_state_folder("/given", &folder));
    assert_string_equal(folder, "/given");
    free(folder);
    assert_fine(pool_state_folder("near", &folder));
    assert_int_equal(folder[0], '/');
    assert_non_null(strstr(folder, "/near"));
    free(folder);
    unsetenv("FOVEA_POOL");
    setenv("XDG_STATE_HOME", "/states", 1);
    assert_fine(pool_state_folder(NULL, &folder));
    assert_true(strcmp(folder, "/states/fovea-pool") == 0 || access("/var/lib/fovea-pool", F_OK) == 0);
    free(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_whole),
        cmocka_unit_test(a_long_request_is_refused),
        cmocka_unit_test(a_client_that_does_not_read_is_dropped),
        cmocka_unit_test(what_is_no_call_is_refused),
        cmocka_unit_test(a_client_asks_in_turn),
        cmocka_unit_test(without_a_daemon_it_says_so),
        cmocka_unit_test(the_folder_is_found),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
