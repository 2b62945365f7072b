/* SPDX-License-Identifier: Apache-2.0 */
/* The functions: torch/_utils.py and torch/_tensor.py of PyTorch 2.15. */
#include "checkpoint/import/torch_tensor.h"

#include <stdlib.h>
#include <string.h>

enum {
    WRAPPINGS_MAX = 8,      /* a parameter of a parameter of ... */
    COPIES_SLACK = 4 << 20, /* bytes; copies take no more than the file and this */
    SHARED_MAX = 64         /* times the file that tensors may be written out: layers that share their weights */
};

/* What PyTorch calls a type: a storage's class, and an element type. */
static const struct {
    const char *storage, *element;
    TensorType type;
} types[] = {
    {"DoubleStorage", "float64", TYPE_F64},
    {"FloatStorage", "float32", TYPE_F32},
    {"HalfStorage", "float16", TYPE_F16},
    {"BFloat16Storage", "bfloat16", TYPE_BF16},
    {"LongStorage", "int64", TYPE_I64},
    {"IntStorage", "int32", TYPE_I32},
    {"ShortStorage", "int16", TYPE_I16},
    {"CharStorage", "int8", TYPE_I8},
    {"ByteStorage", "uint8", TYPE_U8},
    {"BoolStorage", "bool", TYPE_BOOL},
    {"ComplexFloatStorage", "complex64", TYPE_C64},
    {NULL, "uint16", TYPE_U16},
    {NULL, "uint32", TYPE_U32},
    {NULL, "uint64", TYPE_U64},
    {NULL, "float8_e4m3fn", TYPE_F8_E4M3},
    {NULL, "float8_e5m2", TYPE_F8_E5M2},
    {NULL, "float8_e8m0fnu", TYPE_F8_E8M0},
    {NULL, "float8_e4m3fnuz", TYPE_F8_E4M3FNUZ},
    {NULL, "float8_e5m2fnuz", TYPE_F8_E5M2FNUZ},
};

/* A tensor's parts, before they are checked. */
typedef struct {
    const Value *storage, *offset, *sizes, *strides;
    const Value *element;  /* NULL: the storage's own */
    const Value *metadata; /* NULL: none */
} Description;

#define REFUSE(...) return status_error(EXIT_DATA, __VA_ARGS__)

static Status refuse_value(const Value *value) {
    static const char *const kinds[] = {[VALUE_NONE] = "None",           [VALUE_BOOL] = "a bool",
                                        [VALUE_INTEGER] = "a number",    [VALUE_REAL] = "a number",
                                        [VALUE_TEXT] = "a text",         [VALUE_TUPLE] = "a tuple",
                                        [VALUE_LIST] = "a list",         [VALUE_DICTIONARY] = "a dictionary",
                                        [VALUE_GLOBAL] = "a class",      [VALUE_CALL] = "an object",
                                        [VALUE_PERSISTENT] = "a storage"};
    if (value->kind == VALUE_CALL && value->pair[0]->kind == VALUE_GLOBAL)
        REFUSE("made by %s.%s: no tensor that can be converted; nothing was run", value->pair[0]->global.module,
               value->pair[0]->global.name);
    REFUSE("%s, no tensor", kinds[value->kind]);
}

static const Value *argument(const Value *call, uint32_t index) {
    return index < call->pair[1]->count ? call->pair[1]->list.items[index] : NULL;
}

/* torch._tensor._rebuild_from_type_v2(function, class, arguments, state): a tensor with attributes. `inner`, the
 * caller's memory, becomes the call of the function. */
static bool unwrap_typed(const Value *call, Value *inner) {
    if (!value_is_call(call, "torch._tensor", "_rebuild_from_type_v2", 3) || argument(call, 2)->kind != VALUE_TUPLE)
        return false;
    const Value *class = argument(call, 1);
    if (!value_is_global(class, "torch", "Tensor") && !value_is_global(class, "torch.nn.parameter", "Parameter") &&
        !value_is_global(class, "torch.nn.parameter", "Buffer"))
        return false;
    *inner = (Value){.kind = VALUE_CALL, .pair = {call->pair[1]->list.items[0], call->pair[1]->list.items[2]}};
    return true;
}

/* The innermost call, which makes the tensor itself. */
static Status describe_tensor(const Value *value, Description *parts) {
    static const char UTILS[] = "torch._utils";
    Value inner[WRAPPINGS_MAX];
    for (int i = 0; i < WRAPPINGS_MAX; i++) {
        if (value_is_call(value, UTILS, "_rebuild_parameter", 1) ||
            value_is_call(value, UTILS, "_rebuild_parameter_with_state", 1))
            value = argument(value, 0);
        else if (unwrap_typed(value, &inner[i]))
            value = &inner[i];
        else
            break;
    }
    *parts = (Description){0};
    if (value_is_call(value, UTILS, "_rebuild_tensor_v2", 6))
        parts->metadata = argument(value, 6);
    else if (value_is_call(value, UTILS, "_rebuild_tensor_v3", 7)) {
        parts->element = argument(value, 6);
        parts->metadata = argument(value, 7);
    } else if (!value_is_call(value, UTILS, "_rebuild_tensor", 4))
        return refuse_value(value);
    parts->storage = argument(value, 0);
    parts->offset = argument(value, 1);
    parts->sizes = argument(value, 2);
    parts->strides = argument(value, 3);
    return NULL;
}

static Status find_type(const Description *parts, const Value *class, TensorType *type) {
    const Value *named = parts->element ? parts->element : class;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const char *name = parts->element ? types[i].element : types[i].storage;
        if (name && (value_is_global(named, "torch", name) || value_is_global(named, "torch.cuda", name))) {
            *type = types[i].type;
            return NULL;
        }
    }
    if (named->kind != VALUE_GLOBAL)
        REFUSE("damaged: its type is no class");
    REFUSE("its type %s.%s cannot be converted; save it as torch.float32", named->global.module, named->global.name);
}

/* The storage's entry, type and number of elements: persistent id ('storage', class, key, device, elements). */
static Status open_storage(const TorchFile *file, const Description *parts, TensorType *type, uint64_t *elements,
                           const ZipEntry **storage) {
    const Value *id = parts->storage->kind == VALUE_PERSISTENT ? parts->storage->pair[0] : NULL;
    if (!id || id->kind != VALUE_TUPLE || id->count < 5 || !value_is_text(id->list.items[0], "storage") ||
        id->list.items[4]->kind != VALUE_INTEGER)
        REFUSE("damaged: it has no storage");
    TRY(find_type(parts, id->list.items[1], type));
    TRY(torch_file_storage(file, id->list.items[2], storage));
    const uint64_t size = tensor_type_bits(*type) / 8;
    const int64_t number = id->list.items[4]->integer;
    uint64_t bytes;
    *elements = (uint64_t)number;
    /* An untyped storage counts bytes. */
    if (parts->element && value_is_global(id->list.items[1], "torch.storage", "UntypedStorage"))
        *elements /= size;
    if (number < 0 || __builtin_mul_overflow(*elements, size, &bytes) || bytes > (*storage)->size)
        REFUSE("damaged: its storage has %lld elements in %llu bytes", (long long)number,
               (unsigned long long)(*storage)->size);
    return NULL;
}

static Status read_sides(const Value *list, int dims, int64_t *sides) {
    if ((list->kind != VALUE_TUPLE && list->kind != VALUE_LIST) || list->count != (uint32_t)dims)
        REFUSE("damaged: its sizes and strides differ in number");
    for (int i = 0; i < dims; i++) {
        if (list->list.items[i]->kind != VALUE_INTEGER || list->list.items[i]->integer < 0)
            REFUSE("damaged: a size or stride is no whole number from 0");
        sides[i] = list->list.items[i]->integer;
    }
    return NULL;
}

/* Whether the furthest element is within the storage. */
static bool is_within(const Tensor *tensor, int64_t offset, const int64_t *strides, uint64_t elements) {
    int64_t last = offset, step;
    for (int i = 0; i < tensor->dims && tensor->count; i++)
        if (__builtin_mul_overflow(tensor->shape[i] - 1, strides[i], &step) ||
            __builtin_add_overflow(last, step, &last))
            return false;
    return offset >= 0 && (uint64_t)last + (tensor->count != 0) <= elements;
}

static bool is_in_order(const Tensor *tensor, const int64_t *strides) {
    int64_t expected = 1;
    for (int i = tensor->dims - 1; i >= 0; i--) {
        if (tensor->shape[i] > 1 && strides[i] != expected)
            return false;
        expected *= tensor->shape[i];
    }
    return true;
}

/* Copies the elements in row-major order. */
static void gather_elements(const Tensor *tensor, const int64_t *strides, const char *from, size_t size, char *to) {
    int64_t at[TENSOR_MAX_DIMS] = {0}, place = 0;
    for (int64_t i = 0; i < tensor->count; i++, to += size) {
        memcpy(to, from + (size_t)place * size, size);
        for (int d = tensor->dims - 1; d >= 0; d--) {
            place += strides[d];
            if (++at[d] < tensor->shape[d])
                break;
            place -= strides[d] * tensor->shape[d];
            at[d] = 0;
        }
    }
}

static Status place_elements(TorchFile *file, const int64_t *strides, const char *from, Tensor *tensor, void **copy) {
    const size_t size = tensor_type_bits(tensor->type) / 8;
    uint64_t bytes;
    tensor->data = from;
    const bool fits = tensor_type_bytes(tensor->type, (uint64_t)tensor->count, &bytes);
    if (!tensor->count)
        return NULL;
    if (fits && is_in_order(tensor, strides)) {
        file->written += bytes;
        if (file->written > SHARED_MAX * file->zip.size + COPIES_SLACK)
            REFUSE("it repeats a storage: written out the tensors would be %d times as large as the file", SHARED_MAX);
        return NULL;
    }
    if (!fits || __builtin_add_overflow(file->copied, bytes, &file->copied) ||
        file->copied > file->zip.size + COPIES_SLACK)
        REFUSE("its strides repeat elements: written out it would be larger than the file");
    *copy = malloc((size_t)bytes);
    if (!*copy)
        return status_no_memory("a tensor", bytes);
    gather_elements(tensor, strides, from, size, *copy);
    tensor->data = *copy;
    return NULL;
}

Status torch_tensor(TorchFile *file, const Value *value, Tensor *tensor, void **copy) {
    Description parts;
    uint64_t elements;
    const ZipEntry *storage;
    int64_t strides[TENSOR_MAX_DIMS];
    *tensor = (Tensor){0};
    *copy = NULL;
    TRY(describe_tensor(value, &parts));
    if (parts.metadata && parts.metadata->kind != VALUE_NONE &&
        (parts.metadata->kind != VALUE_DICTIONARY || parts.metadata->count))
        REFUSE("a conjugate or negative view; save a clone() of it");
    TRY(open_storage(file, &parts, &tensor->type, &elements, &storage));
    if (parts.sizes->count > TENSOR_MAX_DIMS)
        REFUSE("%u dimensions; at most %d are supported", parts.sizes->count, TENSOR_MAX_DIMS);
    tensor->dims = (int)parts.sizes->count;
    TRY(read_sides(parts.sizes, tensor->dims, tensor->shape));
    TRY(read_sides(parts.strides, tensor->dims, strides));
    if (!tensor_shape_count(tensor->shape, tensor->dims, &tensor->count))
        REFUSE("damaged: its sizes are too large");
    for (int i = 0; i < tensor->dims; i++)
        if (tensor->shape[i] <= 1) /* no step is taken there, and PyTorch writes any number */
            strides[i] = 0;
    if (parts.offset->kind != VALUE_INTEGER || !is_within(tensor, parts.offset->integer, strides, elements))
        REFUSE("damaged: its elements are not all within its storage of %llu", (unsigned long long)elements);
    const size_t size = tensor_type_bits(tensor->type) / 8;
    return place_elements(file, strides, storage->data + (size_t)parts.offset->integer * size, tensor, copy);
}
