/* SPDX-License-Identifier: Apache-2.0 */
#include "train/plan/identity.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

/* The file may be a checkpoint that another run replaces, under the same name. */
static Status describe_weights(const char *path, int64_t parts[3]) {
    struct stat st;
    memset(parts, 0, 3 * sizeof *parts);
    if (!*path)
        return NULL;
    if (stat(path, &st) != 0)
        return status_error(EXIT_DATA, "%s: %s; correct init.from", path, strerror(errno));
    parts[0] = st.st_size;
    parts[1] = st.st_mtim.tv_sec;
    parts[2] = st.st_mtim.tv_nsec;
    return NULL;
}

Status identity_hash(const Config *config, const IdentityData *data, uint64_t *identity) {
    struct {
        uint64_t config;
        IdentityData data;
        int64_t weights[3];
    } all = {.data = *data};
    TRY(config_hash_results(&train_config, config, &all.config));
    TRY(describe_weights(config->init.from, all.weights));
    *identity = XXH3_64bits(&all, sizeof all);
    return NULL;
}
