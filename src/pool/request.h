/* SPDX-License-Identifier: Apache-2.0 */
/* What a client asks to be run: everything that the job has from its submitter. It travels to the daemon, is kept in
 * the database as JSON, and is what a keeper starts. */
#ifndef FOVEA_POOL_REQUEST_H
#define FOVEA_POOL_REQUEST_H

#include "base/status.h"
#include "pool/job.h"

#include <cJSON.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

enum { REQUEST_LIMITS = RLIM_NLIMITS, REQUEST_BYTES = 16 << 20 /* most bytes of one as JSON */ };

/* A file that must not change between submission and start: the program, the plugin, the configuration. */
typedef struct {
    char *path; /* absolute */
    char *hash; /* SHA-256, hexadecimal */
} RequestFile;

typedef struct {
    char **arguments; /* [argument_count], then NULL */
    int argument_count;
    char **environment; /* [environment_count] NAME=VALUE, then NULL */
    int environment_count;
    char *folder; /* absolute */
    mode_t umask;
    struct rlimit limits[REQUEST_LIMITS];
    RequestFile *files; /* [file_count] */
    int file_count;
    char *name, *run_dir, *sweep, *trial; /* "" where there is none */
    int64_t micro_batch;                  /* as planned; 0: not a trainer of fovea */
    JobWants wants;
    bool now, dry_run;
} Request;

/* Fills arguments, environment, folder, umask and limits from this process; the caller sets the rest. */
Status request_of_process(Request *request, char *const *arguments) MUST_USE;
/* JSON text, the caller's. */
Status request_print(const Request *request, char **json) MUST_USE;
/* EXIT_USAGE for what is malformed, too large or missing. Free with request_free() either way. */
Status request_parse(const char *json, Request *request) MUST_USE;
/* The same from an object that was read as part of a message. */
Status request_read(const cJSON *object, Request *request) MUST_USE;
void request_free(Request *request);
/* The command line for people: words quoted as a shell needs them, control characters replaced; the caller's. */
Status request_command(const Request *request, char **text) MUST_USE;

#endif
