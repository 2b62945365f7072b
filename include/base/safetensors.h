/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the safetensors format: an 8-byte little-endian header length, a JSON header, then the tensors' bytes,
 * row-major. Every bound is checked (header at most 100 MB, no holes, no overlap, shape and bytes agree). */
#ifndef FOVEA_BASE_SAFETENSORS_H
#define FOVEA_BASE_SAFETENSORS_H

#include "base/status.h"
#include "base/tensor.h"

typedef struct SafeTensors SafeTensors;

/* Reads the whole file. EXIT_IO when it cannot be read, EXIT_DATA when it is no valid safetensors file, naming path and
 * tensor. Free with safetensors_close(). */
Status safetensors_open(const char *path, SafeTensors **file) MUST_USE;
void safetensors_close(SafeTensors *file);
int safetensors_count(const SafeTensors *file);
const Tensor *safetensors_at(const SafeTensors *file, int index);
const Tensor *safetensors_find(const SafeTensors *file, const char *name); /* NULL: none */
const char *safetensors_note(const SafeTensors *file, const char *key);    /* NULL: none */
const char *safetensors_note_key(const SafeTensors *file, int index);      /* NULL: there are no more */
int safetensors_note_count(const SafeTensors *file);

#endif
