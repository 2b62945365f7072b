/* What the tests of this room share: small trees of files, and sources read from them. Include after cmocka.h. */
#ifndef FOVEA_TEST_STAGE_TREE_H
#define FOVEA_TEST_STAGE_TREE_H

#include "../../src/stage/source.h"
#include "../data/scratch.h"

static inline int tree_setup(void **state) {
    *state = scratch_make();
    return 0;
}

static inline int tree_teardown(void **state) {
    scratch_remove(*state);
    return 0;
}

/* Writes a text, making the folders it lies in. */
static inline void put(const char *root, const char *name, const char *text) {
    char *path = scratch_path(root, name);
    *strrchr(path, '/') = '\0';
    assert_ok(files_make_directory(path));
    free(path);
    scratch_write(root, name, text, strlen(text));
}

static inline void put_link(const char *root, const char *name, const char *target) {
    char *path = scratch_path(root, name);
    assert_int_equal(symlink(target, path), 0);
    free(path);
}

static inline const StageInput *input_at(const StageSource *source, const char *path) {
    for (int64_t i = 0; i < source->count; i++)
        if (strcmp(source->inputs[i].path, path) == 0)
            return &source->inputs[i];
    fail_msg("no input %s", path);
    return NULL;
}

static inline float label_of(const StageSource *source, const StageInput *input, const char *name) {
    for (int i = 0; i < source->about.label_count; i++)
        if (strcmp(source->about.label_names[i], name) == 0)
            return input->labels[i];
    fail_msg("no label %s", name);
    return 0;
}

static inline int findings_of(const Findings *findings, FindingKind kind, const char *path) {
    int count = 0;
    for (int i = 0; i < findings->count; i++)
        count += findings->list[i].kind == kind && strcmp(findings->list[i].path, path) == 0;
    return count;
}

#endif
