/* SPDX-License-Identifier: Apache-2.0 */
/* Shuffles and votes. */
#include "kernels/emu/block.h"
#include "kernels/emu/sanitizer.h"

namespace emu {
namespace {
struct ShuffleOperand {
    Shuffle kind;
    uint64_t bits, result;
    int lane, width;
};
struct Vote {
    bool condition;
    unsigned lanes;
};

/* The lane whose value `lane` gets, within its part of `width` lanes; itself where the distance leads outside. */
EMU_UNSANITIZED unsigned source_lane(const ShuffleOperand *x, unsigned lane) {
    const int within = (int)lane % x->width, first = (int)lane - within;
    switch (x->kind) {
    case SHUFFLE_INDEX:
        return (unsigned)(first + (x->lane & (x->width - 1)));
    case SHUFFLE_UP:
        return (unsigned)(within - x->lane < 0 ? (int)lane : (int)lane - x->lane);
    case SHUFFLE_DOWN:
        return (unsigned)(within + x->lane >= x->width ? (int)lane : (int)lane + x->lane);
    default: { /* lanes of later parts of the warp are out of reach, those of earlier parts are not */
        const int other = (int)lane ^ x->lane;
        return (unsigned)(other >= first + x->width ? (int)lane : other & (LANES - 1));
    }
    }
}

EMU_UNSANITIZED void act_shuffle(Thread *warp, unsigned mask) {
    for (unsigned rest = mask; rest; rest &= rest - 1) {
        const unsigned lane = (unsigned)__builtin_ctz(rest);
        ShuffleOperand *const x = (ShuffleOperand *)warp[lane].operand;
        const unsigned from = source_lane(x, lane);
        /* The value of a lane that does not take part is undefined. */
        x->result = mask >> from & 1u ? ((ShuffleOperand *)warp[from].operand)->bits : ~(uint64_t)0;
    }
}

EMU_UNSANITIZED void act_vote(Thread *warp, unsigned mask) {
    unsigned lanes = 0;
    for (unsigned rest = mask; rest; rest &= rest - 1)
        if (((Vote *)warp[__builtin_ctz(rest)].operand)->condition)
            lanes |= rest & -rest;
    for (unsigned rest = mask; rest; rest &= rest - 1)
        ((Vote *)warp[__builtin_ctz(rest)].operand)->lanes = lanes;
}
} // namespace

EMU_UNSANITIZED uint64_t shuffle(Shuffle kind, unsigned mask, uint64_t bits, int lane, int width, const char *file,
                                 int line) {
    if (width < 1 || width > LANES || (width & (width - 1)))
        fail("a shuffle's width of %d (%s:%d)", width, short_path(file), line);
    ShuffleOperand operand = {kind, bits, 0, lane, width};
    meet(mask, act_shuffle, &operand, "a shuffle", file, line);
    return operand.result;
}

EMU_UNSANITIZED unsigned ballot(unsigned mask, bool condition, const char *file, int line) {
    Vote vote = {condition, 0};
    meet(mask, act_vote, &vote, "a vote", file, line);
    return vote.lanes;
}
} // namespace emu
