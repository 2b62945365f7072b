/* SPDX-License-Identifier: Apache-2.0 */
/* The opcodes: Python's Lib/pickletools.py. All values are in one block of memory with a limit, so that no pickle,
 * whatever it says, takes more; nothing recurses, so that none is too deep. */
#include "checkpoint/import/pickle.h"
#include "checkpoint/import/pickle_globals.h"
#include "checkpoint/import/pickle_machine.h"

#include <stdlib.h>
#include <string.h>

enum {
    MEMORY_MAX = 40 << 20, /* bytes; a checkpoint of 500 tensors with its optimizer takes about 1 MB */
    MEMORY_A_BYTE = 128,   /* of a pickle; more than any opcode takes */
    MEMORY_LEAST = 4096,
};

#define REFUSE(...) return status_error(EXIT_DATA, "%s: " __VA_ARGS__)

static Status push_integer(PickleMachine *machine, ValueKind kind, int64_t integer) {
    Value *value;
    TRY(machine_value(machine, kind, &value));
    value->integer = integer;
    return machine_push(machine, value);
}

/* An integer of `size` bytes in two's complement; beyond 64 bits only its being a number matters. */
static Status read_long(PickleMachine *machine, uint64_t size) {
    const char *bytes;
    TRY(machine_bytes(machine, size, &bytes));
    if (size > 8)
        return push_integer(machine, VALUE_REAL, 0);
    uint64_t number = size && (bytes[size - 1] & 0x80) ? UINT64_MAX : 0;
    for (int i = (int)size - 1; i >= 0; i--)
        number = number << 8 | (unsigned char)bytes[i];
    return push_integer(machine, VALUE_INTEGER, (int64_t)number);
}

static Status read_real(PickleMachine *machine) {
    const char *bytes;
    Value *value;
    uint64_t bits = 0;
    TRY(machine_bytes(machine, 8, &bytes));
    for (int i = 0; i < 8; i++)
        bits = bits << 8 | (unsigned char)bytes[i];
    TRY(machine_value(machine, VALUE_REAL, &value));
    memcpy(&value->real, &bits, sizeof bits);
    return machine_push(machine, value);
}

static Status read_text(PickleMachine *machine, int length_size) {
    uint64_t length;
    Value *value;
    TRY(machine_value(machine, VALUE_TEXT, &value));
    TRY(machine_number(machine, length_size, &length));
    TRY(machine_bytes(machine, length, &value->text));
    if (length > UINT32_MAX)
        return machine_damaged(machine, "a text that is too long");
    value->count = (uint32_t)length;
    return machine_push(machine, value);
}

/* A copy with a NUL, for names of modules and classes. */
static Status copy_name(PickleMachine *machine, const char *text, size_t length, const char **name) {
    char *copy;
    if (memchr(text, '\0', length))
        return machine_damaged(machine, "a name that contains a NUL");
    TRY(machine_take(machine, length + 1, &copy));
    memcpy(copy, text, length);
    copy[length] = '\0';
    *name = copy;
    return NULL;
}

static Status push_global(PickleMachine *machine, const char *module, size_t module_length, const char *name,
                          size_t name_length) {
    Value *value;
    TRY(machine_value(machine, VALUE_GLOBAL, &value));
    TRY(copy_name(machine, module, module_length, &value->global.module));
    TRY(copy_name(machine, name, name_length, &value->global.name));
    if (pickle_is_hostile(value->global.module, value->global.name))
        REFUSE("refused: its pickle names %s.%s, which would run code or reach the system when Python loads the file; "
               "nothing was run; get the weights from somewhere else",
               machine->path, value->global.module, value->global.name);
    return machine_push(machine, value);
}

static Status read_global(PickleMachine *machine) {
    const char *module, *name;
    size_t module_length, name_length;
    TRY(machine_line(machine, &module, &module_length));
    TRY(machine_line(machine, &name, &name_length));
    return push_global(machine, module, module_length, name, name_length);
}

static Status read_stack_global(PickleMachine *machine) {
    Value *name, *module;
    TRY(machine_pop(machine, &name));
    TRY(machine_pop(machine, &module));
    if (name->kind != VALUE_TEXT || module->kind != VALUE_TEXT)
        return machine_damaged(machine, "a class without a name");
    return push_global(machine, module->text, module->count, name->text, name->count);
}

/* collections.OrderedDict(), or of a list of pairs as Python 2 wrote it. */
static Status make_ordered(PickleMachine *machine, const Value *arguments, Value **value) {
    TRY(machine_value(machine, VALUE_DICTIONARY, value));
    if (arguments->count == 0)
        return NULL;
    const Value *pairs = arguments->list.items[0];
    if (arguments->count != 1 || pairs->kind != VALUE_LIST)
        return machine_damaged(machine, "an OrderedDict of something else than pairs");
    const uint64_t count = 2 * (uint64_t)pairs->count;
    TRY(machine_grow(machine, &(*value)->list.items, 0, &(*value)->list.capacity, count));
    for (uint32_t i = 0; i < pairs->count; i++) {
        const Value *pair = pairs->list.items[i];
        if ((pair->kind != VALUE_LIST && pair->kind != VALUE_TUPLE) || pair->count != 2)
            return machine_damaged(machine, "an OrderedDict of something else than pairs");
        memcpy((*value)->list.items + 2 * i, pair->list.items, 2 * sizeof *pair->list.items);
    }
    (*value)->count = (uint32_t)count;
    return NULL;
}

/* A call, which is noted and not made. Two are what they make: an OrderedDict is a dictionary, a torch.Size a tuple. */
static Status reduce_call(PickleMachine *machine) {
    Value *arguments, *function, *value;
    TRY(machine_pop(machine, &arguments));
    TRY(machine_pop(machine, &function));
    if (arguments->kind != VALUE_TUPLE)
        return machine_damaged(machine, "a call whose arguments are no tuple");
    if (value_is_global(function, "collections", "OrderedDict")) {
        TRY(make_ordered(machine, arguments, &value));
    } else if (value_is_global(function, "torch", "Size") && arguments->count == 1 &&
               (arguments->list.items[0]->kind == VALUE_TUPLE || arguments->list.items[0]->kind == VALUE_LIST)) {
        value = arguments->list.items[0];
    } else {
        TRY(machine_value(machine, VALUE_CALL, &value));
        value->pair[0] = function;
        value->pair[1] = arguments;
    }
    return machine_push(machine, value);
}

static Status read_persistent(PickleMachine *machine) {
    Value *id, *value;
    TRY(machine_pop(machine, &id));
    TRY(machine_value(machine, VALUE_PERSISTENT, &value));
    value->pair[0] = id;
    return machine_push(machine, value);
}

static Status read_none(PickleMachine *machine) {
    Value *value;
    TRY(machine_value(machine, VALUE_NONE, &value));
    return machine_push(machine, value);
}

/* An object's state: of what is known it is only attributes, which no tensor or dictionary of weights depends on. */
static Status drop_state(PickleMachine *machine) {
    Value *state;
    TRY(machine_pop(machine, &state));
    return machine_top(machine, &state);
}

static Status read_number_then(PickleMachine *machine, int size,
                               Status (*then)(PickleMachine *machine, uint64_t number)) {
    uint64_t number;
    TRY(machine_number(machine, size, &number));
    return then(machine, number);
}

static Status read_int(PickleMachine *machine, int size) {
    uint64_t number;
    TRY(machine_number(machine, size, &number));
    return push_integer(machine, VALUE_INTEGER, size == 4 ? (int32_t)number : (int64_t)number);
}

static Status skip_version(PickleMachine *machine, uint64_t version) {
    if (version < 2 || version > 5)
        return machine_damaged(machine, "a version that PyTorch does not write");
    return NULL;
}

static Status skip_frame(PickleMachine *machine, uint64_t size) {
    (void)machine;
    (void)size;
    return NULL;
}

static Status drop_marked(PickleMachine *machine) {
    uint32_t first, count;
    return machine_pop_mark(machine, &first, &count);
}

static Status drop_top(PickleMachine *machine) {
    Value *top;
    return machine_pop(machine, &top);
}

static Status copy_top(PickleMachine *machine) {
    Value *top;
    TRY(machine_top(machine, &top));
    return machine_push(machine, top);
}

/* NEWOBJ_EX: a class, its arguments and its keyword arguments. */
static Status reduce_with_keywords(PickleMachine *machine) {
    Value *keywords;
    TRY(machine_pop(machine, &keywords));
    return reduce_call(machine);
}

static Status stop_reading(PickleMachine *machine) {
    TRY(machine_pop(machine, &machine->pickle->root));
    machine->stopped = true;
    return NULL;
}

/* Values that contain no others. */
static Status run_simple(PickleMachine *machine, unsigned char opcode) {
    switch (opcode) {
    case 'N':
        return read_none(machine);
    case 0x88: /* NEWTRUE */
    case 0x89: /* NEWFALSE */
        return push_integer(machine, VALUE_BOOL, opcode == 0x88);
    case 'J': /* BININT */
        return read_int(machine, 4);
    case 'K': /* BININT1 */
        return read_int(machine, 1);
    case 'M': /* BININT2 */
        return read_int(machine, 2);
    case 0x8a: /* LONG1 */
        return read_number_then(machine, 1, read_long);
    case 0x8b: /* LONG4 */
        return read_number_then(machine, 4, read_long);
    case 'G': /* BINFLOAT */
        return read_real(machine);
    case 'X': /* BINUNICODE */
    case 'T': /* BINSTRING */
    case 'B': /* BINBYTES */
        return read_text(machine, 4);
    case 0x8c: /* SHORT_BINUNICODE */
    case 'U':  /* SHORT_BINSTRING */
    case 'C':  /* SHORT_BINBYTES */
        return read_text(machine, 1);
    case 0x8d: /* BINUNICODE8 */
    case 0x8e: /* BINBYTES8 */
    case 0x96: /* BYTEARRAY8 */
        return read_text(machine, 8);
    case 'c':
        return read_global(machine);
    case 0x93:
        return read_stack_global(machine);
    default:
        machine->at--;
        return status_error(EXIT_DATA,
                            "%s: machine_damaged, or no pickle that PyTorch writes: opcode 0x%02x at byte %lld",
                            machine->path, opcode, (long long)(machine->at - machine->start));
    }
}

/* Containers of others. */
static Status run_container(PickleMachine *machine, unsigned char opcode) {
    switch (opcode) {
    case ')':
        return machine_collect(machine, VALUE_TUPLE, 0);
    case 0x85: /* TUPLE1 */
    case 0x86:
    case 0x87:
        return machine_collect(machine, VALUE_TUPLE, opcode - 0x84);
    case 't':
        return machine_collect(machine, VALUE_TUPLE, -1);
    case ']':
    case 0x8f: /* EMPTY_SET */
        return machine_collect(machine, VALUE_LIST, 0);
    case 'l':
    case 0x91: /* FROZENSET */
        return machine_collect(machine, VALUE_LIST, -1);
    case '}':
        return machine_collect(machine, VALUE_DICTIONARY, 0);
    case 'd':
        return machine_collect(machine, VALUE_DICTIONARY, -1);
    case 'a':
        return machine_extend(machine, VALUE_LIST, 1);
    case 'e':
    case 0x90: /* ADDITEMS */
        return machine_extend(machine, VALUE_LIST, -1);
    case 's':
        return machine_extend(machine, VALUE_DICTIONARY, 2);
    case 'u':
        return machine_extend(machine, VALUE_DICTIONARY, -1);
    default:
        return run_simple(machine, opcode);
    }
}

static Status run_opcode(PickleMachine *machine, unsigned char opcode) {
    switch (opcode) {
    case 0x80:
        return read_number_then(machine, 1, skip_version);
    case 0x95:
        return read_number_then(machine, 8, skip_frame);
    case '(':
        return machine_mark(machine);
    case '1':
        return drop_marked(machine);
    case '0':
        return drop_top(machine);
    case '2':
        return copy_top(machine);
    case 'q':
    case 'r':
        return read_number_then(machine, opcode == 'q' ? 1 : 4, machine_store);
    case 0x94: /* MEMOIZE */
        return machine_store(machine, machine->memo.count);
    case 'h':
    case 'j':
        return read_number_then(machine, opcode == 'h' ? 1 : 4, machine_load);
    case 'R':
    case 0x81: /* NEWOBJ */
        return reduce_call(machine);
    case 0x92:
        return reduce_with_keywords(machine);
    case 'b':
        return drop_state(machine);
    case 'Q':
        return read_persistent(machine);
    case '.':
        return stop_reading(machine);
    default:
        return run_container(machine, opcode);
    }
}

Status pickle_open(const char *path, const char *bytes, size_t size, Pickle *pickle) {
    *pickle = (Pickle){.size = MEMORY_MAX};
    if (size < (MEMORY_MAX - MEMORY_LEAST) / MEMORY_A_BYTE)
        pickle->size = MEMORY_LEAST + size * MEMORY_A_BYTE;
    pickle->memory = malloc(pickle->size);
    if (!pickle->memory)
        return status_no_memory("a pickle", pickle->size);
    PickleMachine machine = {.path = path, .start = bytes, .at = bytes, .end = bytes + size, .pickle = pickle};
    Status status = NULL;
    while (!status && !machine.stopped) {
        if (machine.at == machine.end)
            status = machine_damaged(&machine, "it ends early");
        else
            status = run_opcode(&machine, (unsigned char)*machine.at++);
    }
    if (status)
        pickle_close(pickle);
    return status;
}

void pickle_close(Pickle *pickle) {
    free(pickle->memory);
    *pickle = (Pickle){0};
}
