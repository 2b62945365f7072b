/* SPDX-License-Identifier: Apache-2.0 */
/* The stack machine that a pickle is written for: its stack, marks and memo. All of it is in one block of memory with a
 * limit, so that no pickle, whatever it says, takes more; nothing recurses, so that none is too deep. */
#ifndef FOVEA_CHECKPOINT_IMPORT_PICKLE_MACHINE_H
#define FOVEA_CHECKPOINT_IMPORT_PICKLE_MACHINE_H

#include "base/status.h"
#include "checkpoint/import/pickle_value.h"

typedef struct {
    Value **items;
    uint32_t count, capacity;
} PickleStack;

typedef struct PickleMark {
    struct PickleMark *outer;
    uint32_t height; /* of the stack when it was set */
} PickleMark;

typedef struct {
    const char *path; /* for messages */
    const char *start, *at, *end;
    Pickle *pickle;
    PickleStack stack, memo;
    PickleMark *mark; /* the latest; values below it are out of reach */
    bool stopped;
} PickleMachine;

/* The error for a pickle that is wrong here; `what` says how. */
Status machine_damaged(const PickleMachine *machine, const char *what) MUST_USE;
/* Memory of the pickle, aligned to 8; `taken` is the address of a pointer. */
Status machine_take(const PickleMachine *machine, size_t bytes, void *taken) MUST_USE;
Status machine_value(const PickleMachine *machine, ValueKind kind, Value **value) MUST_USE;
/* Makes room for `count` items in a list, of which `used` are kept. */
Status machine_grow(const PickleMachine *machine, Value ***items, uint32_t used, uint32_t *capacity,
                    uint64_t count) MUST_USE;

/* The next bytes, the next number (little-endian), the next bytes up to a line feed. */
Status machine_bytes(PickleMachine *machine, uint64_t size, const char **bytes) MUST_USE;
Status machine_number(PickleMachine *machine, int size, uint64_t *value) MUST_USE;
Status machine_line(PickleMachine *machine, const char **line, size_t *length) MUST_USE;

Status machine_push(PickleMachine *machine, Value *value) MUST_USE;
Status machine_pop(PickleMachine *machine, Value **value) MUST_USE;
/* The top value, which stays. */
Status machine_top(const PickleMachine *machine, Value **value) MUST_USE;
Status machine_mark(PickleMachine *machine) MUST_USE;
/* Ends the latest mark. The values above it are stack.items[*first] and the *count - 1 after it; they are no longer on
 * the stack. */
Status machine_pop_mark(PickleMachine *machine, uint32_t *first, uint32_t *count) MUST_USE;
/* Replaces the top `count` values, or those above the latest mark (count < 0), by one that contains them. */
Status machine_collect(PickleMachine *machine, ValueKind kind, int count) MUST_USE;
/* Moves the top `count` values, or those above the latest mark (count < 0), into the value below them. */
Status machine_extend(PickleMachine *machine, ValueKind kind, int count) MUST_USE;
Status machine_store(PickleMachine *machine, uint64_t index) MUST_USE;
Status machine_load(PickleMachine *machine, uint64_t index) MUST_USE;

#endif
