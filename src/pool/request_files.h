/* SPDX-License-Identifier: Apache-2.0 */
/* The files that must not change between a job's submission and its start. */
#ifndef FOVEA_POOL_REQUEST_FILES_H
#define FOVEA_POOL_REQUEST_FILES_H

#include "pool/request.h"

/* Hashes the program as execvp(3) would find it, libfovea_cuda.so beside it, and every argument that is a regular file
 * ending in .ini. A program that is not there, or cannot be run, is the keeper's to find. */
Status request_add_files(Request *request) MUST_USE;
/* NULL, or EXIT_DATA naming the file that changed or is gone. */
Status request_check_files(const Request *request) MUST_USE;

#endif
