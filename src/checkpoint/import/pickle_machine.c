/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/import/pickle_machine.h"

#include <string.h>

Status machine_damaged(const PickleMachine *machine, const char *what) {
    return status_error(EXIT_DATA, "%s: damaged: its pickle is wrong at byte %lld: %s", machine->path,
                        (long long)(machine->at - machine->start), what);
}

Status machine_take(const PickleMachine *machine, size_t bytes, void *taken) {
    Pickle *pickle = machine->pickle;
    bytes = (bytes + 7) / 8 * 8;
    if (bytes > pickle->size - pickle->used)
        return status_error(EXIT_DATA, "%s: its pickle is too large: that of a model's weights needs a few MB",
                            machine->path);
    void *memory = pickle->memory + pickle->used;
    pickle->used += bytes;
    memcpy(taken, &memory, sizeof memory);
    return NULL;
}

Status machine_value(const PickleMachine *machine, ValueKind kind, Value **value) {
    TRY(machine_take(machine, sizeof **value, value));
    **value = (Value){.kind = kind};
    return NULL;
}

Status machine_grow(const PickleMachine *machine, Value ***items, uint32_t used, uint32_t *capacity, uint64_t count) {
    if (count <= *capacity)
        return NULL;
    uint64_t wanted = *capacity ? 2 * (uint64_t)*capacity : 4;
    wanted = wanted < count ? count : wanted;
    if (wanted > UINT32_MAX)
        return machine_damaged(machine, "a list that is too long");
    Value **grown;
    TRY(machine_take(machine, (size_t)wanted * sizeof *grown, &grown));
    if (used)
        memcpy(grown, *items, used * sizeof *grown);
    *items = grown;
    *capacity = (uint32_t)wanted;
    return NULL;
}

Status machine_bytes(PickleMachine *machine, uint64_t size, const char **bytes) {
    if (size > (uint64_t)(machine->end - machine->at))
        return machine_damaged(machine, "it ends within a value");
    *bytes = machine->at;
    machine->at += size;
    return NULL;
}

Status machine_number(PickleMachine *machine, int size, uint64_t *value) {
    const char *bytes;
    TRY(machine_bytes(machine, (uint64_t)size, &bytes));
    *value = 0;
    for (int i = size - 1; i >= 0; i--)
        *value = *value << 8 | (unsigned char)bytes[i];
    return NULL;
}

Status machine_line(PickleMachine *machine, const char **line, size_t *length) {
    const char *end = memchr(machine->at, '\n', (size_t)(machine->end - machine->at));
    if (!end)
        return machine_damaged(machine, "it ends within a name");
    *line = machine->at;
    *length = (size_t)(end - machine->at);
    machine->at = end + 1;
    return NULL;
}

/* Values within reach. */
static uint32_t count_reachable(const PickleMachine *machine) {
    return machine->stack.count - (machine->mark ? machine->mark->height : 0);
}

Status machine_push(PickleMachine *machine, Value *value) {
    PickleStack *stack = &machine->stack;
    TRY(machine_grow(machine, &stack->items, stack->count, &stack->capacity, stack->count + 1ull));
    stack->items[stack->count++] = value;
    return NULL;
}

Status machine_top(const PickleMachine *machine, Value **value) {
    if (!count_reachable(machine))
        return machine_damaged(machine, "nothing is on the stack");
    *value = machine->stack.items[machine->stack.count - 1];
    return NULL;
}

Status machine_pop(PickleMachine *machine, Value **value) {
    TRY(machine_top(machine, value));
    machine->stack.count--;
    return NULL;
}

Status machine_mark(PickleMachine *machine) {
    PickleMark *mark;
    TRY(machine_take(machine, sizeof *mark, &mark));
    *mark = (PickleMark){machine->mark, machine->stack.count};
    machine->mark = mark;
    return NULL;
}

Status machine_pop_mark(PickleMachine *machine, uint32_t *first, uint32_t *count) {
    if (!machine->mark)
        return machine_damaged(machine, "no mark is on the stack");
    *first = machine->mark->height;
    *count = machine->stack.count - *first;
    machine->stack.count = *first;
    machine->mark = machine->mark->outer;
    return NULL;
}

/* The top `count` values, or those above the latest mark; they are no longer on the stack. */
static Status take_values(PickleMachine *machine, int count, uint32_t *first, uint32_t *taken) {
    if (count < 0)
        return machine_pop_mark(machine, first, taken);
    *taken = (uint32_t)count;
    if (count_reachable(machine) < *taken)
        return machine_damaged(machine, "nothing is on the stack");
    *first = machine->stack.count -= *taken;
    return NULL;
}

static Status add_items(const PickleMachine *machine, Value *list, uint32_t first, uint32_t count) {
    if (list->kind == VALUE_DICTIONARY && count % 2)
        return machine_damaged(machine, "a key without a value");
    TRY(machine_grow(machine, &list->list.items, list->count, &list->list.capacity, (uint64_t)list->count + count));
    if (count)
        memcpy(list->list.items + list->count, machine->stack.items + first, count * sizeof *list->list.items);
    list->count += count;
    return NULL;
}

Status machine_collect(PickleMachine *machine, ValueKind kind, int count) {
    uint32_t first, taken;
    Value *value;
    TRY(take_values(machine, count, &first, &taken));
    TRY(machine_value(machine, kind, &value));
    TRY(add_items(machine, value, first, taken));
    return machine_push(machine, value);
}

Status machine_extend(PickleMachine *machine, ValueKind kind, int count) {
    uint32_t first, taken;
    Value *list;
    TRY(take_values(machine, count, &first, &taken));
    TRY(machine_top(machine, &list));
    if (list->kind == VALUE_CALL) /* what its class does with them is not known: a call contains nothing */
        return NULL;
    if (list->kind != kind)
        return machine_damaged(machine, "items for what takes none");
    return add_items(machine, list, first, taken);
}

Status machine_store(PickleMachine *machine, uint64_t index) {
    Value *value;
    PickleStack *memo = &machine->memo;
    TRY(machine_top(machine, &value));
    if (index >= (uint64_t)(machine->end - machine->start)) /* Python counts them from 0 */
        return machine_damaged(machine, "a number that no pickle of this size has");
    TRY(machine_grow(machine, &memo->items, memo->count, &memo->capacity, index + 1));
    while (memo->count <= index)
        memo->items[memo->count++] = NULL;
    memo->items[index] = value;
    return NULL;
}

Status machine_load(PickleMachine *machine, uint64_t index) {
    if (index >= machine->memo.count || !machine->memo.items[index])
        return machine_damaged(machine, "a reference to nothing");
    return machine_push(machine, machine->memo.items[index]);
}
