/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/client.h"
#include "base/files.h"
#include "base/json.h"
#include "pool/client/start.h"
#include "pool/client/wire.h"
#include "pool/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SERVICE_FOLDER "/var/lib/fovea-pool"

struct PoolClient {
    char *folder;
    int socket;
    char *data; /* [size] bytes that came and are not used */
    size_t size, capacity;
    int descriptors[WIRE_DESCRIPTORS]; /* [count] that came and are not used */
    int count;
};

/* --- The folder --------------------------------------------------------------------------------------------------- */

static Status name_own_folder(char **folder) {
    const char *base = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (base && base[0] == '/')
        return files_path(folder, "%s/fovea-pool", base);
    if (home && home[0] == '/')
        return files_path(folder, "%s/.local/state/fovea-pool", home);
    return status_error(EXIT_USAGE,
                        "the pool's folder is not known: HOME is not set; name it by --state or FOVEA_POOL");
}

Status pool_state_folder(const char *state, char **folder) {
    *folder = NULL;
    const char *environment = getenv("FOVEA_POOL");
    const char *given = state ? state : environment && *environment ? environment : NULL;
    if (!given && files_exists(SERVICE_FOLDER))
        given = SERVICE_FOLDER;
    if (!given)
        return name_own_folder(folder);
    if (!*given)
        return status_error(EXIT_USAGE, "the pool's folder has no name; give --state a folder");
    if (given[0] == '/')
        return files_path(folder, "%s", given);
    char *here = getcwd(NULL, 0);
    if (!here)
        return files_failure("find", "the current folder", errno);
    Status status = files_path(folder, "%s/%s", here, given);
    free(here);
    return status;
}

/* --- Connection --------------------------------------------------------------------------------------------------- */

/* Whether a daemon may be started by the way: the folder is not there yet, or this user made it; it is no service's;
 * and its last daemon had no rule file, which one without it would break. */
static bool is_own_folder(const char *folder) {
    struct stat about;
    char *path;
    if (strcmp(folder, SERVICE_FOLDER) == 0)
        return false;
    if (stat(folder, &about))
        return errno == ENOENT;
    Status status = files_path(&path, "%s/rule.path", folder);
    const bool own = !status && about.st_uid == geteuid() && !files_exists(path);
    status_free(status);
    free(path);
    return own;
}

static Status refuse_connection(const char *folder, int cause) {
    if (cause == EACCES || cause == EPERM)
        return status_error(EXIT_REFUSED, "the pool at %s serves another user alone", folder);
    if (cause == ENOENT || cause == ECONNREFUSED || cause == ENOTDIR)
        return status_error(EXIT_MISSING, "no daemon serves %s; start one: pool daemon --state %s [--rule FILE]",
                            folder, folder);
    return status_error(EXIT_MISSING, "cannot reach the daemon at %s: %s", folder, strerror(cause));
}

static Status connect_client(PoolClient *client, bool start) {
    client->socket = wire_connect(client->folder);
    const int cause = errno;
    if (client->socket >= 0)
        return NULL;
    if (start && (cause == ENOENT || cause == ECONNREFUSED) && is_own_folder(client->folder))
        return start_daemon(client->folder, &client->socket);
    return refuse_connection(client->folder, cause);
}

Status pool_client_open(const char *state, bool start, PoolClient **client) {
    *client = calloc(1, sizeof **client);
    if (!*client)
        return status_no_memory("the pool's client", sizeof **client);
    (*client)->socket = -1;
    Status status = pool_state_folder(state, &(*client)->folder);
    if (!status)
        status = connect_client(*client, start);
    if (status) {
        pool_client_close(*client);
        *client = NULL;
    }
    return status;
}

void pool_client_close(PoolClient *client) {
    if (!client)
        return;
    if (client->socket >= 0)
        close(client->socket);
    for (int i = 0; i < client->count; i++)
        close(client->descriptors[i]);
    free(client->folder);
    free(client->data);
    free(client);
}

/* --- Lines -------------------------------------------------------------------------------------------------------- */

static Status report_gone(const PoolClient *client) {
    return status_error(EXIT_MISSING, "the daemon at %s went away", client->folder);
}

static Status print_request(const char *call, const cJSON *arguments, char **text, size_t *size) {
    Json json;
    json_open(&json, NULL);
    json_object(&json, NULL, JSON_COMPACT);
    json_string(&json, "call", call);
    for (const cJSON *member = arguments ? arguments->child : NULL; member; member = member->next)
        json_copy(&json, member->string, member);
    json_end(&json);
    json_newline(&json);
    TRY(json_close(&json, "the request", text, size));
    if (*size <= REQUEST_BYTES)
        return NULL;
    free(*text);
    *text = NULL;
    return status_error(EXIT_USAGE, "the request has %zu bytes, more than %d: arguments and environment are too long",
                        *size, REQUEST_BYTES);
}

/* A daemon that refuses the client may hang up before it has read all: its answer is there nevertheless. */
static void send_request(const PoolClient *client, const char *text, size_t size, const int *send, int send_count) {
    for (size_t at = 0; at < size;) {
        const ssize_t sent = wire_send(client->socket, text + at, size - at, send, at == 0 ? send_count : 0);
        if (sent < 0)
            return;
        at += (size_t)sent;
    }
}

static Status receive_piece(PoolClient *client) {
    if (client->size + WIRE_PIECE > client->capacity) {
        const size_t capacity = 2 * client->capacity + WIRE_PIECE;
        char *data = realloc(client->data, capacity);
        if (!data)
            return status_no_memory("the daemon's answer", capacity);
        client->data = data;
        client->capacity = capacity;
    }
    const ssize_t got =
        wire_receive(client->socket, client->data + client->size, WIRE_PIECE, client->descriptors, &client->count);
    if (got <= 0)
        return report_gone(client);
    client->size += (size_t)got;
    return NULL;
}

static Status receive_line(PoolClient *client, cJSON **line) {
    *line = NULL;
    size_t seen = 0;
    char *end = NULL;
    while (!(end = client->size > seen ? memchr(client->data + seen, '\n', client->size - seen) : NULL)) {
        seen = client->size;
        TRY(receive_piece(client));
    }
    *end = '\0';
    *line = cJSON_Parse(client->data);
    const size_t length = (size_t)(end - client->data) + 1;
    client->size -= length;
    memmove(client->data, client->data + length, client->size);
    if (cJSON_IsObject(*line))
        return NULL;
    cJSON_Delete(*line);
    *line = NULL;
    return status_error(EXIT_INTERNAL, "the daemon at %s answered with what is no JSON object", client->folder);
}

/* --- Answers ------------------------------------------------------------------------------------------------------ */

/* A refusal as a status of this side. */
static Status check_answer(const cJSON *line) {
    const cJSON *code = cJSON_GetObjectItem(line, "exit"), *error = cJSON_GetObjectItem(line, "error");
    if (cJSON_IsNumber(code) && code->valueint == EXIT_OK)
        return NULL;
    return status_error(cJSON_IsNumber(code) ? (ExitCode)code->valueint : EXIT_INTERNAL, "%s",
                        cJSON_IsString(error) ? error->valuestring : "the daemon gave no reason");
}

static void take_descriptor(PoolClient *client, int *received) {
    *received = client->count > 0 ? client->descriptors[0] : -1;
    for (int i = 1; i < client->count; i++)
        close(client->descriptors[i]);
    client->count = 0;
}

/* An answer too long for a socket's buffer is in a file. */
static Status read_answer_file(int descriptor, cJSON **answer) {
    struct stat about;
    if (fstat(descriptor, &about))
        return files_failure("read", "the daemon's answer", errno);
    const size_t size = (size_t)about.st_size;
    char *text = malloc(size + 1);
    if (!text)
        return status_no_memory("the daemon's answer", size);
    Status status = files_read_at(descriptor, "the daemon's answer", text, size, 0);
    text[size] = '\0';
    *answer = status ? NULL : cJSON_Parse(text);
    free(text);
    if (!status && !*answer)
        status = status_error(EXIT_INTERNAL, "the daemon's answer is no JSON");
    return status;
}

Status pool_client_pass(PoolClient *client, const char *call, const cJSON *arguments, const int *send, int send_count,
                        cJSON **answer, int *received) {
    *answer = NULL;
    *received = -1;
    char *text;
    size_t size;
    TRY(print_request(call, arguments, &text, &size));
    send_request(client, text, size, send, send_count);
    free(text);
    cJSON *line;
    TRY(receive_line(client, &line));
    take_descriptor(client, received);
    Status status = check_answer(line);
    if (!status && cJSON_IsTrue(cJSON_GetObjectItem(line, "file")) && *received >= 0) {
        status = read_answer_file(*received, answer);
        close(*received);
        *received = -1;
    } else if (!status) {
        *answer = cJSON_DetachItemFromObject(line, "answer");
    }
    cJSON_Delete(line);
    return status;
}

Status pool_client_ask(PoolClient *client, const char *call, const cJSON *arguments, cJSON **answer) {
    int received;
    Status status = pool_client_pass(client, call, arguments, NULL, 0, answer, &received);
    if (received >= 0)
        close(received);
    return status;
}

Status pool_client_next(PoolClient *client, cJSON **line) {
    TRY(receive_line(client, line));
    if (!cJSON_IsTrue(cJSON_GetObjectItem(*line, "end")))
        return NULL;
    cJSON_Delete(*line);
    *line = NULL;
    return NULL;
}

bool pool_client_pending(const PoolClient *client) {
    return client->size > 0 && memchr(client->data, '\n', client->size);
}

int pool_client_descriptor(const PoolClient *client) {
    return client->socket;
}
