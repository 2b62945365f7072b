/* SPDX-License-Identifier: Apache-2.0 */
/* Pickles written by hand, one opcode after another, within files of torch.save: what is read of them, and that
 * everything else is refused by its cause. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "checkpoint/weights.h"
#include "tests/fixtures/damage.h"
#include "tests/fixtures/temp.h"
#include "tests/fixtures/torch_make.h"

#define BYTES(literal) literal, sizeof(literal) - 1

typedef struct {
    const char *bytes;
    size_t size;
    const char *part; /* of the message */
} RefusedPickle;

static void refuse_all(void **state, const RefusedPickle *cases, size_t count, const char *key) {
    char path[TEMP_PATH * 2];
    temp_path(state, "refused.pth", path);
    for (size_t i = 0; i < count; i++) {
        Weights *weights;
        torch_make(path, cases[i].bytes, cases[i].size);
        assert_refused(weights_open(path, key, &weights), EXIT_DATA, cases[i].part);
        assert_null(weights);
    }
}
#define REFUSE_ALL(cases, key) refuse_all(state, cases, sizeof(cases) / sizeof *(cases), key)

/* Beside the weights, where any other class is allowed. */
#define BESIDE(value) P_MODEL(P_ENTRY("w", P_MATRIX)) P_ENTRY("x", value) "u."

static void what_would_run_code_is_refused_anywhere(void **state) {
    static const RefusedPickle cases[] = {
        {BYTES(BESIDE("cos\nsystem\n")), "names os.system"},
        {BYTES(BESIDE("cposix\nsystem\n(" P_TEXT("\x02", "ls") "tR")), "names posix.system"},
        {BYTES(BESIDE("csubprocess\nPopen\n)R")), "names subprocess.Popen"},
        {BYTES(BESIDE("csys\nexit\n)R")), "names sys.exit"},
        {BYTES(BESIDE("cos.path\njoin\n")), "names os.path.join"},
        {BYTES(BESIDE("c__builtin__\neval\n")), "names __builtin__.eval"},
        {BYTES(BESIDE("cbuiltins\nexec\n")), "names builtins.exec"},
        {BYTES(BESIDE("cbuiltins\ngetattr\n")), "names builtins.getattr"},
        {BYTES(BESIDE("cbuiltins\n__import__\n")), "names builtins.__import__"},
        {BYTES(BESIDE(P_TEXT("\x08", "builtins") P_TEXT("\x04", "eval") "\x93")), "names builtins.eval"},
        {BYTES(BESIDE("crunpy\nrun_path\n")), "names runpy.run_path"},
        {BYTES(BESIDE("ccollections\nOrderedDict.__init__.__globals__\n")), "names collections.OrderedDict.__init__"},
        {BYTES(BESIDE("(cnt\nsystem\n1N")), "names nt.system"}, /* even where it is dropped at once */
        {BYTES(P_FILE(P_ENTRY("w", "cos\nsystem\n(" P_TEXT("\x02", "ls") "tR"))), "names os.system"},
    };
    REFUSE_ALL(cases, NULL);
}

static void calls_among_the_weights_are_refused_by_name(void **state) {
    static const RefusedPickle cases[] = {
        {BYTES(P_FILE(P_ENTRY("w", "cnumpy._core.multiarray\nscalar\n)R"))),
         "\"w\": made by numpy._core.multiarray.scalar"},
        {BYTES(P_FILE(P_ENTRY("v", P_MATRIX) P_ENTRY("w", "cargparse\nNamespace\n)\x81"))), "\"w\": made by argparse"},
        {BYTES(P_FILE(P_ENTRY("v", P_MATRIX) P_ENTRY("w", "}"))), "\"w\": a dictionary, no tensor"},
        {BYTES(P_FILE(P_ENTRY("v", P_MATRIX) P_ENTRY("w", P_FLOATS))), "\"w\": a storage, no tensor"},
        {BYTES(P_FILE(P_ENTRY("w", "ctorch._utils\n_rebuild_sparse_tensor\n(NNtR"))), "_rebuild_sparse_tensor"},
        {BYTES(P_FILE(P_ENTRY("w", "ctorch._utils\n_rebuild_tensor_v2\n(" P_FLOATS "tR"))), "_rebuild_tensor_v2"},
        {BYTES(P_FILE("K\x07" P_MATRIX)), "no text as its name"},
        {BYTES(P_FILE(P_ENTRY("\n", P_MATRIX))), "no plain text"},
        {BYTES(P_FILE(P_ENTRY("\xff", P_MATRIX))), "no UTF-8"},
        {BYTES(P_FILE(P_ENTRY("w", P_MATRIX) P_TEXT("\x08", "module.w") P_MATRIX)), "are both w"},
        {BYTES(P_FILE(P_TEXT("\x21", "layers.0.attention.q_proj.weight_")
                          P_MATRIX P_TEXT("\x20", "layers.0.attention.q_proj.weight") P_MATRIX)),
         "no query, key or value beside it"},
    };
    REFUSE_ALL(cases, NULL);
}

#define W(storage, offset, sizes, strides) P_FILE(P_ENTRY("w", P_TENSOR(storage, offset, sizes, strides)))

static void a_tensor_beyond_its_storage_is_refused(void **state) {
    static const char outside[] = "\"w\": damaged: its elements are not all within its storage of 12";
    static const RefusedPickle cases[] = {
        {BYTES(W(P_FLOATS, "K\x00", "K\x0d", "K\x01")), outside},
        {BYTES(W(P_FLOATS, "K\x01", "K\x0c", "K\x01")), outside},
        {BYTES(W(P_FLOATS, "K\x0c", "", "")), outside},
        {BYTES(W(P_FLOATS, "J\xfc\xff\xff\xff", "K\x03K\x04", "K\x04K\x01")), outside},
        {BYTES(W(P_FLOATS, "K\x00", "K\x03K\x04", "K\x05K\x01")), outside},
        /* 2 * 2^62 is -2^63, and the sum of the two steps is 0 in 64 bits. */
        {BYTES(W(P_FLOATS, "K\x00", "K\x03K\x03", "\x8a\x08\0\0\0\0\0\0\0\x40\x8a\x08\0\0\0\0\0\0\0\x40")), outside},
        {BYTES(W(P_FLOATS, "K\x00", "J\xff\xff\xff\xffK\x04", "K\x04K\x01")), "no whole number"},
        {BYTES(W(P_FLOATS, "K\x00", "K\x03", "J\xff\xff\xff\xff")), "no whole number"},
        {BYTES(W(P_FLOATS, "K\x00", "NK\x04", "K\x04K\x01")), "no whole number"},
        {BYTES(W(P_FLOATS, "N", "K\x04", "K\x01")), outside},
        {BYTES(W(P_FLOATS, "K\x00", "K\x03K\x04", "K\x01")), "differ in number"},
        {BYTES(W(P_FLOATS, "K\x00", "K\x01K\x01K\x01K\x01K\x01K\x01K\x01K\x01K\x01", "K\x01")), "9 dimensions"},
        {BYTES(W(P_FLOATS, "K\x00", "\x8a\x08\0\0\0\0\0\0\0\x40K\x04", "K\x00K\x00")), "too large"},
        /* A terabyte out of a file of a few hundred bytes. */
        {BYTES(W(P_FLOATS, "K\x00", "\x8a\x05\0\0\0\0\x40", "K\x00")), "larger than the file"},
        {BYTES(W(P_STORAGE("FloatStorage", "0", "K\x0d"), "K\x00", "K\x04", "K\x01")), "13 elements in 48 bytes"},
        {BYTES(W(P_STORAGE("DoubleStorage", "0", "K\x0c"), "K\x00", "K\x04", "K\x01")), "12 elements in 48 bytes"},
        {BYTES(W(P_STORAGE("FloatStorage", "0", "J\xff\xff\xff\xff"), "K\x00", "K\x04", "K\x01")), "-1 elements"},
        {BYTES(W(P_STORAGE("FloatStorage", "9", "K\x0c"), "K\x00", "K\x04", "K\x01")), "\"w\": its storage is missing"},
        {BYTES(W(P_STORAGE("FloatStorage", "/", "K\x0c"), "K\x00", "K\x04", "K\x01")), "\"w\": its storage is missing"},
        {BYTES(W(P_STORAGE("QInt8Storage", "1", "K\x0c"), "K\x00", "K\x04", "K\x01")), "torch.QInt8Storage"},
        {BYTES(W(P_STORAGE("ComplexDoubleStorage", "0", "K\x03"), "K\x00", "K\x03", "K\x01")), "ComplexDoubleStorage"},
        {BYTES(W("N", "K\x00", "K\x04", "K\x01")), "\"w\": damaged: it has no storage"},
        {BYTES(W("(NNNNNtQ", "K\x00", "K\x04", "K\x01")), "\"w\": damaged: it has no storage"},
        {BYTES(P_FILE(P_ENTRY("w", "ctorch._utils\n_rebuild_tensor_v2\n(" P_FLOATS
                                   "K\x00(K\x04t(K\x01t\x89N}" P_TEXT("\x04", "conj") "\x88stR"))),
         "\"w\": a conjugate"},
    };
    REFUSE_ALL(cases, NULL);
}

static void a_file_without_a_dictionary_of_tensors_is_refused(void **state) {
    static const RefusedPickle cases[] = {
        {BYTES("\x80\x02N."), "holds no dictionary of tensors"},
        {BYTES("\x80\x02}."), "holds no dictionary of tensors"},
        {BYTES("\x80\x02}X\x03\0\0\0netK\x01s."), "; name the one that has them among its entries: net"},
        {BYTES("\x80\x02}" P_ENTRY("a", "K\x01") "s."), "among its entries: a"},
        {BYTES("\x80\x02}(" P_ENTRY("a", "}" P_ENTRY("w", P_MATRIX) "s") P_ENTRY("b", "}") "u."), "entries: a, b"},
        {BYTES("\x80\x02"
               "cmodels_vit\nVisionTransformer\n)\x81}b."),
         "an object of class models_vit.VisionTransformer"},
        {BYTES(P_FILE("")), "among its entries: model"},
    };
    REFUSE_ALL(cases, NULL);
    static const RefusedPickle keyed[] = {
        {BYTES(P_FILE(P_ENTRY("w", P_MATRIX))), "\"e\" is missing; its entries: model"},
        {BYTES(P_MODEL(P_ENTRY("w", P_MATRIX)) P_ENTRY("e", "K\x01") "u."), "\"e\" is no dictionary of tensors"},
    };
    REFUSE_ALL(keyed, "e");
}

static void a_broken_pickle_is_refused(void **state) {
    static const RefusedPickle cases[] = {
        {BYTES(""), "ends early"},
        {BYTES("\x80\x02"), "ends early"},
        {BYTES("\x80\x09}."), "a version"},
        {BYTES("\x80\x02."), "nothing is on the stack"},
        {BYTES("\x80\x02}X\xff\xff\xff\xff."), "ends within a value"},
        {BYTES("\x80\x02}\x8d\xff\xff\xff\xff\xff\xff\xff\xff."), "ends within a value"},
        {BYTES("\x80\x02"
               "cos"),
         "ends within a name"},
        {BYTES("\x80\x02t."), "no mark"},
        {BYTES("\x80\x02(\x85."), "nothing is on the stack"},
        {BYTES("\x80\x02}(u(."), "nothing is on the stack"},
        {BYTES("\x80\x02}(NNNu."), "a key without a value"},
        {BYTES("\x80\x02](NNu."), "items for what takes none"},
        {BYTES("\x80\x02h\x00."), "a reference to nothing"},
        {BYTES("\x80\x02}r\xff\xff\xff\x7f."), "a number that no pickle of this size has"},
        {BYTES("\x80\x02}}R."), "arguments are no tuple"},
        {BYTES("\x80\x02"
               "ccollections\nOrderedDict\n(](K\x01"
               "etR."),
         "than pairs"},
        {BYTES("\x80\x02I1\n."), "opcode 0x49"},
        {BYTES("\x80\x02\x82\x01."), "opcode 0x82"}, /* a class by a number */
        {BYTES("\x80\x02"
               "NN\x93."),
         "a class without a name"},
    };
    REFUSE_ALL(cases, NULL);
}

/* A pickle may not take more memory than its share, however it asks for it. */
static void a_pickle_that_is_all_marks_ends(void **state) {
    char path[TEMP_PATH * 2];
    Weights *weights;
    const size_t size = 4 << 20;
    char *pickle = malloc(size);
    assert_non_null(pickle);
    for (int i = 0; i < 2; i++) {
        memset(pickle, i ? ']' : '(', size);
        torch_make(temp_path(state, "marks.pth", path), pickle, size);
        assert_refused(weights_open(path, NULL, &weights), EXIT_DATA, "too large");
    }
    free(pickle);
}

/* A hundred tensors of one storage of 256 KiB: 25 MB out of a quarter. */
static void a_storage_is_not_repeated_without_end(void **state) {
    static const char start[] = P_FILE(
        P_ENTRY("a", P_TENSOR(P_STORAGE("FloatStorage", "0", "J\0\0\1\0"), "K\x00", "J\0\0\1\0", "K\x01") "\x94"));
    enum { ELEMENTS = 65536, MORE = 99, TAIL = 3 /* "uu." */ };
    char path[TEMP_PATH * 2], pickle[2048];
    size_t size = sizeof start - 1 - TAIL;
    memcpy(pickle, start, size);
    for (int i = 0; i < MORE; i++)
        size += (size_t)sprintf(pickle + size, "\x8c\x02%02dh%c", i, 0);
    memcpy(pickle + size, "uu.", TAIL);
    float *storage = calloc(ELEMENTS, sizeof *storage);
    assert_non_null(storage);
    for (int shared = 0; shared < 2; shared++) {
        Weights *weights;
        ZipWriter zip = {.path = temp_path(state, "shared.pth", path)};
        assert_fine(files_new_open(path, &zip.descriptor));
        /* A larger file may: another storage is in it. */
        assert_fine(zip_write_entry(&zip, "a/data/1", storage, shared ? ELEMENTS * sizeof *storage : 0));
        assert_fine(zip_write_entry(&zip, "a/data.pkl", pickle, size + TAIL));
        assert_fine(zip_write_entry(&zip, "a/data/0", storage, ELEMENTS * sizeof *storage));
        assert_fine(zip_write_directory(&zip));
        close(zip.descriptor);
        zip_write_close(&zip);
        if (shared) {
            assert_fine(weights_open(path, NULL, &weights));
            assert_int_equal(weights_count(weights), 1 + MORE);
            weights_close(weights);
        } else {
            assert_refused(weights_open(path, NULL, &weights), EXIT_DATA, "it repeats a storage");
        }
    }
    free(storage);
}

static void assert_floats(const Weights *weights, const char *name, int dims, const float *expected, int count) {
    const Tensor *tensor = weights_find(weights, name);
    assert_non_null(tensor);
    assert_int_equal(tensor->type, TYPE_F32);
    assert_int_equal(tensor->dims, dims);
    assert_int_equal(tensor->count, count);
    if (count)
        assert_memory_equal(tensor->data, expected, sizeof *expected * (size_t)count);
}

static void what_pytorch_writes_is_read(void **state) {
    static const char pickle[] = P_FILE(
        P_ENTRY("a", P_MATRIX)                                                                     /* as it lies */
        P_ENTRY("b", P_TENSOR(P_FLOATS, "K\x01", "K\x02K\x03", "K\x01K\x04"))                      /* transposed */
        P_ENTRY("c", P_TENSOR(P_FLOATS, "K\x05", "K\x02K\x02", "K\x00K\x00"))                      /* one element */
        P_ENTRY("d", P_TENSOR(P_FLOATS, "K\x02", "", ""))                                          /* no dimensions */
        P_ENTRY("e", P_TENSOR(P_FLOATS, "K\x00", "K\x00K\x03", "K\x03K\x01"))                      /* no elements */
        P_ENTRY("f", P_TENSOR(P_FLOATS, "K\x00", "K\x01K\x02", "\x8a\x08\0\0\0\0\0\0\0\x40K\x01")) /* no step */
        P_ENTRY("g", "ctorch._utils\n_rebuild_parameter\n(" P_MATRIX "\x88" P_ORDERED "tR") P_ENTRY(
            "h", "ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\nctorch\nTensor\n(" P_FLOATS
                 "K\x03(K\x01t(K\x01t\x89" P_ORDERED "t}tR") P_ENTRY("i", "K\x07")
            P_ENTRY("j", "N")); /* beside them: left out */
    char path[TEMP_PATH * 2];
    float ramp[12];
    for (int i = 0; i < 12; i++)
        ramp[i] = (float)i;
    Weights *weights;
    torch_make(temp_path(state, "read.pth", path), BYTES(pickle));
    assert_fine(weights_open(path, NULL, &weights));
    assert_int_equal(weights_count(weights), 8);
    assert_int_equal(weights_left_out(weights), 2);
    assert_floats(weights, "a", 2, ramp, 12);
    assert_floats(weights, "b", 2, (const float[]){1, 5, 9, 2, 6, 10}, 6);
    assert_floats(weights, "c", 2, (const float[]){5, 5, 5, 5}, 4);
    assert_floats(weights, "d", 0, ramp + 2, 1);
    assert_floats(weights, "e", 2, NULL, 0);
    assert_floats(weights, "f", 2, ramp, 2);
    assert_floats(weights, "g", 2, ramp, 12);
    assert_floats(weights, "h", 1, ramp + 3, 1);
    weights_close(weights);
}

/* OrderedDict of pairs, as Python 2 wrote it; keys by the memo; attributes set after; --key. */
static void other_ways_to_write_a_dictionary_are_read(void **state) {
    static const char pickle[] = "\x80\x02}(" P_TEXT("\x05", "other") "ccollections\nOrderedDict\n(](](" P_TEXT(
        "\x01", "w") "q\x05" P_MATRIX "eetR}" P_TEXT("\x09", "_metadata") P_ORDERED
        "sb" P_TEXT("\x05", "model") "}h\x05" P_TENSOR(P_FLOATS, "K\x02", "", "") "su.";
    char path[TEMP_PATH * 2];
    Weights *weights;
    torch_make(temp_path(state, "other.pth", path), BYTES(pickle));
    assert_fine(weights_open(path, NULL, &weights));
    assert_floats(weights, "w", 0, (const float[]){2}, 1);
    weights_close(weights);
    assert_fine(weights_open(path, "other", &weights));
    assert_int_equal(weights_find(weights, "w")->count, 12);
    weights_close(weights);
    /* Protocol 4: a frame, and references by the order in which values were remembered. */
    static const char framed[] = "\x80\x04\x95\0\0\0\0\0\0\0\0}\x94(" P_TEXT("\x05", "model") "\x94}" P_TEXT(
        "\x01", "w") "\x94" P_MATRIX "s" P_TEXT("\x05", "other") "}h\x02" P_TENSOR(P_FLOATS, "K\x02", "", "") "su.";
    torch_make(path, BYTES(framed));
    assert_fine(weights_open(path, "other", &weights));
    assert_floats(weights, "w", 0, (const float[]){2}, 1);
    weights_close(weights);
}

/* Bytes changed, cut out, repeated: read or refused. Sanitizers see the rest. */
static void damaged_pickles_are_read_or_refused(void **state) {
    static const char pickle[] = P_FILE(P_ENTRY("a", P_MATRIX) P_ENTRY(
        "b", "ctorch._utils\n_rebuild_parameter\n(" P_TENSOR(P_STORAGE("LongStorage", "1", "K\x02"), "K\x00", "K\x02",
                                                             "K\x01") "\x88" P_ORDERED "tR"));
    enum { ROOM = 1024 };
    const int rounds = getenv("FOVEA_LONG") ? 50000 : 2000;
    char path[TEMP_PATH * 2];
    uint8_t data[ROOM];
    int read = 0;
    temp_path(state, "damaged.pth", path);
    for (int round = 0; round < rounds; round++) {
        Random random;
        random_start(&random, 7, RANDOM_TEST, 0, (uint64_t)round);
        size_t size = sizeof pickle - 1;
        memcpy(data, pickle, size);
        for (uint32_t left = 1 + random_below(&random, 3); left; left--)
            size = damage(&random, data, size, ROOM);
        torch_make(path, data, size);
        Weights *weights;
        Status status = weights_open(path, NULL, &weights);
        if (status)
            assert_int_equal(status_code(status), EXIT_DATA);
        status_free(status);
        read += weights != NULL;
        uint64_t sum = 0;
        for (int i = 0; weights && i < weights_count(weights); i++) {
            const Tensor *tensor = weights_at(weights, i);
            uint64_t bytes;
            assert_true(tensor_type_bytes(tensor->type, (uint64_t)tensor->count, &bytes));
            for (uint64_t j = 0; j < bytes; j++)
                sum += ((const uint8_t *)tensor->data)[j];
        }
        assert_true(sum < UINT64_MAX);
        weights_close(weights);
    }
    assert_true(read > rounds / 100 && read < rounds / 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_pytorch_writes_is_read),
        cmocka_unit_test(other_ways_to_write_a_dictionary_are_read),
        cmocka_unit_test(what_would_run_code_is_refused_anywhere),
        cmocka_unit_test(calls_among_the_weights_are_refused_by_name),
        cmocka_unit_test(a_tensor_beyond_its_storage_is_refused),
        cmocka_unit_test(a_file_without_a_dictionary_of_tensors_is_refused),
        cmocka_unit_test(a_broken_pickle_is_refused),
        cmocka_unit_test(a_pickle_that_is_all_marks_ends),
        cmocka_unit_test(a_storage_is_not_repeated_without_end),
        cmocka_unit_test(damaged_pickles_are_read_or_refused),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
