/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix products of a warp, matrix loads and asynchronous copies: the twins of kernels/cuda/mma.cuh. */
#include "kernels/emu/block.h"
#include "kernels/emu/memory.h"
#include "kernels/emu/sanitizer.h"
#include "kernels/emu/shared_memory.h"

namespace emu {
namespace {
typedef float Row __attribute__((vector_size(32))); /* 8 columns */

struct ProductOperand {
    float *d;
    const uint32_t *a, *b;
};
struct MatricesOperand {
    uint32_t *out;
    const void *row;
    bool transposed;
};

EMU_UNSANITIZED inline float float_of(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

EMU_UNSANITIZED void act_product(Thread *warp, unsigned) {
    float a[16][16], b[16][8], d[16][8];
    for (unsigned lane = 0; lane < LANES; lane++) {
        const ProductOperand *x = (const ProductOperand *)warp[lane].operand;
        const unsigned group = lane / 4, pair = lane % 4;
        for (unsigned i = 0; i < 4; i++) {
            float *at = &a[group + i % 2 * 8][2 * pair + i / 2 * 8];
            at[0] = float_of(x->a[i] << 16);
            at[1] = float_of(x->a[i] & 0xffff0000u);
        }
        for (unsigned i = 0; i < 2; i++) {
            b[2 * pair + 8 * i][group] = float_of(x->b[i] << 16);
            b[2 * pair + 8 * i + 1][group] = float_of(x->b[i] & 0xffff0000u);
        }
        for (unsigned i = 0; i < 4; i++)
            d[group + i / 2 * 8][2 * pair + i % 2] = x->d[i];
    }
    for (unsigned m = 0; m < 16; m++) {
        Row sum, row;
        memcpy(&sum, d[m], sizeof(sum));
        for (unsigned k = 0; k < 16; k++) {
            memcpy(&row, b[k], sizeof(row));
            sum += a[m][k] * row;
        }
        memcpy(d[m], &sum, sizeof(sum));
    }
    for (unsigned lane = 0; lane < LANES; lane++)
        for (unsigned i = 0; i < 4; i++)
            ((const ProductOperand *)warp[lane].operand)->d[i] = d[lane / 4 + i / 2 * 8][2 * (lane % 4) + i % 2];
}

EMU_UNSANITIZED void act_matrices(Thread *warp, unsigned) {
    for (unsigned i = 0; i < 4; i++) {
        uint16_t rows[8][8];
        for (unsigned r = 0; r < 8; r++)
            memcpy(rows[r], ((const MatricesOperand *)warp[8 * i + r].operand)->row, sizeof(rows[r]));
        for (unsigned lane = 0; lane < LANES; lane++) {
            const MatricesOperand *x = (const MatricesOperand *)warp[lane].operand;
            const unsigned row = lane / 4, column = 2 * (lane % 4);
            const uint16_t low = x->transposed ? rows[column][row] : rows[row][column];
            const uint16_t high = x->transposed ? rows[column + 1][row] : rows[row][column + 1];
            x->out[i] = (uint32_t)high << 16 | low;
        }
    }
}

/* Fails unless `at` is 16 aligned bytes of shared memory that may be touched. */
void check_shared(const void *at, const char *what, const char *file, int line) {
    check_alignment(at, 16, file, line);
    if (!shared_holds(at, 16) || forbidden(at, 16))
        fail("%s %p, which is not in the block's shared memory (%s:%d)", what, at, short_path(file), line);
}
} // namespace

void mma(float *d, const uint32_t *a, const uint32_t *b, const char *file, int line) {
    ProductOperand operand = {d, a, b};
    meet(~0u, act_product, &operand, "a matrix product", file, line);
}

void matrices(uint32_t *out, const void *row, bool transposed, const char *file, int line) {
    check_shared(row, "loads a matrix row from", file, line);
    MatricesOperand operand = {out, row, transposed};
    meet(~0u, act_matrices, &operand, "a matrix load", file, line);
}

void copy_start(void *shared, const void *global, bool inside, const char *file, int line) {
    check_shared(shared, "copies to", file, line);
    check_alignment(global, 16, file, line);
    if (inside && (!memory_holds(global, 16) || forbidden(global, 16)))
        fail("copies from %p, which is not in device memory (%s:%d)", global, short_path(file), line);
    memset(shared, 0xe5, 16);
    running->copying = true;
    running->copies.push_back({shared, inside ? global : nullptr, running->groups});
}

void copy_commit() {
    running->copying = true;
    running->groups++;
}

void copy_wait(unsigned pending) {
    std::vector<Copy> &copies = running->copies;
    size_t done = 0;
    for (; done < copies.size() && copies[done].group + pending < running->groups; done++) {
        if (copies[done].from)
            memcpy(copies[done].to, copies[done].from, 16);
        else
            memset(copies[done].to, 0, 16);
    }
    copies.erase(copies.begin(), copies.begin() + (long)done);
}
} // namespace emu
