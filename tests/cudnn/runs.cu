/* SPDX-License-Identifier: Apache-2.0 */
/* Runs attention by cuDNN over host memory: cuDNN is the stand-in of library.cc, and there is no driver, so that the
 * plain kernels fail. Prints TAP without numbers. */
#include "kernels/cuda/attention_library.cuh"
#include "kernels/cuda/autotune.cuh"
#include "kernels/cuda/stopwatch.cuh"

#include <algorithm>
#include <cudnn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vector>

struct Case {
    int batch, tokens, heads, head;
};

struct Machine {
    Cuda cuda = {};
    Device device = {};
    Ops ops = {};
    std::vector<char> memory;
    Machine() : memory(4 << 20) {
        device.context = &cuda;
        ops.device = &device;
        ops.type = REAL_BF16;
        cuda.scratch = (void *)(((uintptr_t)memory.data() + 255) / 256 * 256);
        cuda.scratch_bytes = memory.size() - 256;
        ops.error = attention_library_open(&cuda, NULL);
    }
    void tune(const std::vector<AutotuneChoice> &given) {
        ops.error = autotune_open(&cuda);
        autotune_set_timed(&cuda, true);
        if (!ops.error)
            ops.error = autotune_import(&cuda, given.data(), given.size());
    }
    bool lists(const std::vector<AutotuneChoice> &expected) const {
        size_t count;
        const AutotuneChoice *entries = autotune_export(&cuda, &count);
        bool same = count == expected.size();
        for (size_t i = 0; same && i < count; i++)
            same = !strcmp(entries[i].key, expected[i].key) && !strcmp(entries[i].choice, expected[i].choice) &&
                   entries[i].refused == expected[i].refused;
        return same;
    }
    ~Machine() {
        attention_library_close(&cuda);
        autotune_close(&cuda);
        status_free(ops.error);
    }
};

/* The variants that were timed: number 2 is the fastest. */
static std::vector<int> &timed = *new std::vector<int>;
static bool timing_fails;

bool stopwatch_run(Ops *, const char *, int way, bool (*work)(const void *), const void *context, double *seconds) {
    timed.push_back(way);
    if (timing_fails)
        return false;
    *seconds = way == 2 ? 1 : 2;
    return work(context);
}

static const size_t VERSION = CUDNN_VERSION;

static int failed;

static void result(bool good, const char *name, const Case &c, const char *text) {
    printf("%sok - %s of %d x %d tokens, %d heads of %d: %s\n", good ? "" : "not ", name, c.batch, c.tokens, c.heads,
           c.head, text);
    failed += !good;
}

static float widened(uint16_t bits) {
    const uint32_t all = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &all, sizeof value);
    return value;
}

static std::vector<uint16_t> numbers(size_t count, unsigned seed) {
    std::vector<uint16_t> values(count);
    for (uint16_t &value : values) {
        seed = seed * 1664525u + 1013904223u;
        const float drawn = (float)(int)(seed >> 8) / (1 << 22) - 2;
        uint32_t bits;
        memcpy(&bits, &drawn, sizeof bits);
        value = (uint16_t)(bits >> 16);
    }
    return values;
}

/* Attention and its gradient in double precision, by the formulas. */
struct Reference {
    std::vector<double> out, lse, dqkv;
    Reference(const Case &c, const std::vector<uint16_t> &qkv, const std::vector<uint16_t> &dout) {
        const size_t s = (size_t)c.tokens, h = (size_t)c.heads, d = (size_t)c.head;
        out.resize((size_t)c.batch * s * h * d);
        lse.resize((size_t)c.batch * h * s);
        dqkv.resize(3 * out.size());
        const double scale = 1 / sqrt((double)d);
        for (size_t b = 0; b < (size_t)c.batch; b++)
            for (size_t head = 0; head < h; head++)
                for (size_t i = 0; i < s; i++) {
                    const auto in = [&](size_t token, size_t which) {
                        return (((b * s + token) * 3 + which) * h + head) * d;
                    };
                    const size_t row = ((b * s + i) * h + head) * d;
                    std::vector<double> p(s), dp(s);
                    double most = -INFINITY, sum = 0, through = 0;
                    for (size_t j = 0; j < s; j++) {
                        for (size_t k = 0; k < d; k++)
                            p[j] += scale * widened(qkv[in(i, 0) + k]) * widened(qkv[in(j, 1) + k]);
                        most = std::max(most, p[j]);
                    }
                    for (double &value : p)
                        sum += value = exp(value - most);
                    lse[(b * h + head) * s + i] = most + log(sum);
                    for (size_t j = 0; j < s; j++) {
                        p[j] /= sum;
                        for (size_t k = 0; k < d; k++) {
                            out[row + k] += p[j] * widened(qkv[in(j, 2) + k]);
                            dqkv[in(j, 2) + k] += p[j] * widened(dout[row + k]);
                            dp[j] += (double)widened(dout[row + k]) * widened(qkv[in(j, 2) + k]);
                        }
                        through += p[j] * dp[j];
                    }
                    for (size_t j = 0; j < s; j++) {
                        const double ds = scale * p[j] * (dp[j] - through);
                        for (size_t k = 0; k < d; k++) {
                            dqkv[in(i, 0) + k] += ds * widened(qkv[in(j, 1) + k]);
                            dqkv[in(j, 1) + k] += ds * widened(qkv[in(i, 0) + k]);
                        }
                    }
                }
    }
};

/* The largest difference in units of the largest value. */
template <typename T, typename F>
static double difference(const std::vector<T> &have, const std::vector<double> &want, F value) {
    double most = 0, largest = 0;
    for (size_t i = 0; i < want.size(); i++) {
        const double off = fabs(value(have[i]) - want[i]);
        if (isnan(off))
            return INFINITY;
        most = std::max(most, off);
        largest = std::max(largest, fabs(want[i]));
    }
    return most / largest;
}

/* With choices by timing, if `given` is not NULL, after those in it. `expected`: the choices afterwards. */
typedef std::vector<AutotuneChoice> Choices;

static void compare(const Case &c, const Choices *given = NULL, const Choices &expected = {},
                    const std::vector<int> &ways = {}) {
    Machine machine;
    const size_t count = (size_t)c.batch * c.tokens * c.heads * c.head;
    const std::vector<uint16_t> qkv = numbers(3 * count, 1), dout = numbers(count, 2);
    /* All NaN, so that what is not written shows. */
    std::vector<uint16_t> out(count, 0xffff), dqkv(3 * count, 0xffff);
    std::vector<float> lse((size_t)c.batch * c.heads * c.tokens, NAN);
    timed.clear();
    if (given)
        machine.tune(*given);
    const AttentionForward forward = {qkv.data(), out.data(), lse.data(), c.batch, c.tokens, c.heads, c.head};
    const AttentionBackward backward = {dout.data(), qkv.data(), out.data(), lse.data(), dqkv.data(),
                                        c.batch,     c.tokens,   c.heads,    c.head};
    cuda_attention_forward(&machine.ops, &forward);
    cuda_attention_backward(&machine.ops, &backward);
    const Reference reference(c, qkv, dout);
    const double off_out = difference(out, reference.out, widened),
                 off_dqkv = difference(dqkv, reference.dqkv, widened);
    const double off_lse = difference(lse, reference.lse, [](float value) { return value; });
    char text[600];
    snprintf(text, sizeof text, "out %.1e, lse %.1e, dqkv %.1e %s", off_out, off_lse, off_dqkv,
             status_message(machine.ops.error));
    /* BF16 rounds to 2^-9, probabilities first and then the results. */
    result(off_out < 1e-2 && off_lse < 1e-5 && off_dqkv < 1e-2 && !machine.ops.error, "attention", c, text);
    if (given)
        result(machine.lists(expected) && timed == ways, "choices", c, given->empty() ? "timed" : "given before");
}

/* A failure that names each of `parts`. */
static void fails(const Case &c, const char *name, std::vector<const char *> parts, bool noted) {
    Machine machine;
    const size_t count = (size_t)c.batch * c.tokens * c.heads * c.head;
    const std::vector<uint16_t> qkv = numbers(3 * count, 1);
    std::vector<uint16_t> out(count);
    std::vector<float> lse((size_t)c.batch * c.heads * c.tokens);
    const AttentionForward forward = {qkv.data(), out.data(), lse.data(), c.batch, c.tokens, c.heads, c.head};
    cuda_attention_forward(&machine.ops, &forward);
    const char *message = status_message(machine.ops.error), *note = attention_library_note(&machine.cuda);
    bool good = (note != NULL) == noted;
    for (const char *part : parts)
        good = good && strstr(message, part);
    char text[1500];
    snprintf(text, sizeof text, "%s (%s)", message, note ? note : "no note");
    result(good, name, c, text);
}

/* Short sequences have their own kernel, and FP32 never goes to cuDNN. */
static void others() {
    Machine machine;
    const std::vector<uint16_t> qkv = numbers(3 * 64 * 64, 1);
    std::vector<uint16_t> out(64 * 64);
    std::vector<float> lse(64);
    const AttentionForward brief = {qkv.data(), out.data(), lse.data(), 1, 64, 1, 64};
    cuda_attention_forward(&machine.ops, &brief);
    const char *message = status_message(machine.ops.error);
    result(strstr(message, "short_forward") && !attention_library_note(&machine.cuda), "the short kernel",
           {1, 64, 1, 64}, message);
    Machine exact;
    exact.ops.type = REAL_FP32;
    const AttentionForward plain = {qkv.data(), out.data(), lse.data(), 1, 9, 1, 40};
    cuda_attention_forward(&exact.ops, &plain);
    message = status_message(exact.ops.error);
    result(strstr(message, "plain_forward") && !attention_library_note(&exact.cuda), "the plain kernel in FP32",
           {1, 9, 1, 40}, message);
}

/* cuDNN recommends plans 0 to 2, of which number 0 does not compile, then 3 and 4 as a fallback, likewise. Number 2 is
 * said to be the fastest; for heads of 40 it needs too much memory. */
static void choices() {
    char forward[200], backward[200], forty[2][200];
    snprintf(forward, sizeof forward, "attention_forward of 1 x 9 tokens, 2 heads of 24, BF16, by cuDNN %zu", VERSION);
    snprintf(backward, sizeof backward, "attention_backward of 1 x 9 tokens, 2 heads of 24, BF16, by cuDNN %zu",
             VERSION);
    for (int i = 0; i < 2; i++)
        snprintf(forty[i], sizeof forty[i], "attention_%s of 1 x 9 tokens, 2 heads of 40, BF16, by cuDNN %zu",
                 i ? "backward" : "forward", VERSION);
    static const char *const first = "plan 1, engine 4", *const second = "plan 2, engine 5";
    const Choices none, both = {{forward, first, 1, false}, {backward, second, 1, false}};
    const Choices wrong = {{forward, "plan 2, engine 4", 1, false}, {backward, "plan 9, engine 5", 1, false}};
    compare({1, 9, 2, 24}, &none, {{forward, second, 1, false}, {backward, second, 1, false}}, {1, 2, 4, 1, 2, 4});
    compare({1, 9, 2, 24}, &both, both);
    compare({1, 9, 2, 24}, &wrong, {{forward, second, 1, true}, {backward, second, 1, true}}, {1, 2, 4, 1, 2, 4});
    compare({1, 9, 2, 40}, &none, {{forty[0], first, 1, false}, {forty[1], first, 1, false}}, {1, 4, 1, 4});
    /* Short sequences, by cuDNN where that was found to be faster. */
    static const char *const ways[] = {"attention_forward of 1 x 50 tokens, 2 heads of 64, BF16: our kernel or cuDNN",
                                       "attention_backward of 1 x 50 tokens, 2 heads of 64, BF16: our kernel or cuDNN"};
    snprintf(forward, sizeof forward, "attention_forward of 1 x 50 tokens, 2 heads of 64, BF16, by cuDNN %zu", VERSION);
    snprintf(backward, sizeof backward, "attention_backward of 1 x 50 tokens, 2 heads of 64, BF16, by cuDNN %zu",
             VERSION);
    const Choices by_library = {{ways[0], "cuDNN", 1, false},
                                {ways[1], "cuDNN", 1, false},
                                {forward, first, 1, false},
                                {backward, second, 1, false}};
    compare({1, 50, 2, 64}, &by_library, by_library);
}

/* The plan that is used when none can be timed may be captured, so it is not replaced later. */
static void kept() {
    const Case c = {1, 9, 2, 24};
    Machine machine;
    const size_t count = (size_t)c.batch * c.tokens * c.heads * c.head;
    const std::vector<uint16_t> qkv = numbers(3 * count, 1);
    std::vector<uint16_t> out(count);
    std::vector<float> lse((size_t)c.batch * c.heads * c.tokens);
    const AttentionForward forward = {qkv.data(), out.data(), lse.data(), c.batch, c.tokens, c.heads, c.head};
    machine.tune({});
    for (const bool fails : {true, false}) {
        timed.clear();
        timing_fails = fails;
        cuda_attention_forward(&machine.ops, &forward);
        result(timed == (fails ? std::vector<int>{1, 2, 4} : std::vector<int>{}) && machine.lists({}) &&
                   !machine.ops.error,
               fails ? "no plan can be timed" : "the plan stays", c, status_message(machine.ops.error));
    }
}

int main() {
    for (const Case &c :
         {Case{1, 65, 2, 32}, Case{2, 66, 3, 64}, Case{2, 9, 3, 40}, Case{3, 7, 1, 8}, Case{1, 5, 2, 128}})
        compare(c);
    compare({1, 9, 2, 48}); /* by the fallback */
    fails({2, 9, 3, 56}, "a plan that fails",
          {"attention_forward of 2 x 9 tokens, 3 heads of 56", "running its plan", "on purpose"}, false);
    fails({2, 9, 3, 72}, "the plain kernel, where there is no plan", {"attention_forward: ", "plain_forward"}, true);
    fails({2, 9, 3, 20}, "the plain kernel, for a head that is refused", {"attention_forward: ", "plain_forward"},
          true);
    others();
    choices();
    kept();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
