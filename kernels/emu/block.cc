/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/emu/block.h"
#include "kernels/emu/order.h"
#include "kernels/emu/registry.h"
#include "kernels/emu/sanitizer.h"
#include "kernels/emu/shared_memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string>

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace emu {
Block block;
Thread *running;

static Fibre host, fibres[MOST_THREADS];
static Fibre *spare[MOST_THREADS];
static unsigned fibres_made, spares;
static Thread *to_start; /* the first thread of a fibre that is changed to */
static std::string failure;

EMU_UNSANITIZED static void set_running(Thread *thread) {
    running = thread;
    threadIdx = thread->index;
}

EMU_UNSANITIZED static void set_ready(Thread *thread) {
    thread->state = READY;
    block.ready[thread->position / 64] |= (uint64_t)1 << thread->position % 64;
}

static void set_all_ready() {
    for (unsigned i = 0; i < block.count / 64; i++)
        block.ready[i] = ~(uint64_t)0;
    if (block.count % 64)
        block.ready[block.count / 64] = ((uint64_t)1 << block.count % 64) - 1;
}

/* The first in order of those that may run; NULL: none. */
EMU_UNSANITIZED static Thread *take_ready() {
    const unsigned words = (block.count + 63) / 64;
    for (unsigned i = 0; i < words; i++)
        if (block.ready[i]) {
            const unsigned bit = (unsigned)__builtin_ctzll(block.ready[i]);
            block.ready[i] &= block.ready[i] - 1;
            return &block.threads[block.order[i * 64 + bit]];
        }
    return nullptr;
}

static void run_threads();

static Fibre *take_spare() {
    if (spares)
        return spare[--spares];
    if (fibres_made < MOST_THREADS && fibre_create(&fibres[fibres_made], run_threads, fibres_made))
        return &fibres[fibres_made++];
    return nullptr;
}

/* Copies that were started and not waited for never happen. */
static void forget_copies(Thread *thread) {
    thread->copying = false;
    thread->groups = 0;
    thread->copies.clear();
}

EMU_UNSANITIZED static void end_thread(Thread *thread) {
    thread->state = ENDED;
    thread->fibre = nullptr;
    if (thread->copying)
        forget_copies(thread);
    block.ended++;
}

/* What a fibre does: it runs threads, one after another, as long as the next in order is a new one. */
EMU_UNSANITIZED static void run_threads() {
    for (;;) {
        Thread *thread = to_start, *next;
        Fibre *const self = thread->fibre;
        for (;;) {
            block.launch->thread(block.launch->call);
            end_thread(thread);
            next = take_ready();
            if (!next || next->fibre)
                break;
            thread = next;
            thread->fibre = self;
            thread->state = RUNNING;
            set_running(thread);
        }
        spare[spares++] = self;
        if (!next) {
            fibre_change(self, &host);
        } else {
            next->state = RUNNING;
            set_running(next);
            fibre_change(self, next->fibre);
        }
    }
}

/* Changes from `self` to a thread that may run. */
EMU_UNSANITIZED static void change_to_thread(Fibre *self, Thread *next) {
    if (!next->fibre) {
        next->fibre = take_spare();
        to_start = next;
    }
    if (!next->fibre) {
        failure = "no memory for a fibre's stack";
        fibre_change(self, &host);
    }
    next->state = RUNNING;
    set_running(next);
    fibre_change(self, next->fibre);
}

/* The running thread waits, as its state says, until it becomes ready. */
EMU_UNSANITIZED static void wait_until_ready(Thread *self) {
    Thread *next = take_ready();
    if (next == self) {
        self->state = RUNNING;
        return;
    }
    if (next)
        change_to_thread(self->fibre, next);
    else
        fibre_change(self->fibre, &host); /* all wait for each other: the host reports it and does not return */
}

const char *short_path(const char *file) {
    int slashes = 0;
    for (const char *at = file + strlen(file); at > file; at--)
        if (at[-1] == '/' && ++slashes == 3)
            return at;
    return file;
}

static std::string formatted(const char *format, va_list arguments) {
    char line[1024];
    vsnprintf(line, sizeof(line), format, arguments);
    return line;
}

static std::string coordinates(uint3 at) {
    return "(" + std::to_string(at.x) + "," + std::to_string(at.y) + "," + std::to_string(at.z) + ")";
}

static std::string whereabouts(const Thread *thread) {
    return "kernel " + kernel_name(block.launch->kernel) + ", block " + coordinates(blockIdx) + ", thread " +
           coordinates(thread->index) + ": ";
}

/* Back to the host for good. The stack is abandoned without destructors, so it must not contain strings. */
[[noreturn]] static void leave_kernel() {
    fibre_change(running->fibre, &host);
    __builtin_unreachable();
}

void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    failure = whereabouts(running) + formatted(format, arguments);
    va_end(arguments);
    leave_kernel();
}

static std::string source_line(const Thread *thread) {
    return std::string(short_path(thread->file)) + ":" + std::to_string(thread->line);
}

static std::string activity(const Thread *thread) {
    const std::string who = "thread " + coordinates(thread->index);
    if (thread->state == AT_BARRIER)
        return who + " waits at the barrier at " + source_line(thread);
    if (thread->state == AT_WARP)
        return who + " waits for its warp at " + source_line(thread);
    return who + " has ended";
}

EMU_UNSANITIZED static bool same_call(const Thread *a, const Thread *b) {
    return a->state == b->state && a->line == b->line && a->act == b->act && a->mask == b->mask &&
           (a->file == b->file || !strcmp(a->file, b->file));
}

static std::string not_all_reach(const Thread *waiting, const Thread *other) {
    return whereabouts(waiting) + "waits at the barrier at " + source_line(waiting) +
           ", which not all of the block reach: " + activity(other);
}

/* No thread can run and not all have ended. */
static std::string describe_deadlock() {
    for (unsigned i = 0; i < block.count; i++) {
        const Thread *warp = &block.threads[i / LANES * LANES], *thread = &block.threads[i];
        if (thread->state != AT_WARP)
            continue;
        for (unsigned lane = 0; lane < LANES; lane++)
            if (thread->mask >> lane & 1u && !same_call(thread, &warp[lane]))
                return whereabouts(thread) + "waits for its warp at " + source_line(thread) +
                       ", which not all named lanes reach: " + activity(&warp[lane]);
    }
    for (unsigned i = 0; i < block.count; i++)
        for (unsigned j = 0; block.threads[i].state == AT_BARRIER && j < block.count; j++)
            if (!same_call(&block.threads[i], &block.threads[j]))
                return not_all_reach(&block.threads[i], &block.threads[j]);
    return "kernel " + kernel_name(block.launch->kernel) + ", block " + coordinates(blockIdx) +
           ": threads wait forever";
}

EMU_UNSANITIZED int barrier(bool condition, const char *file, int line) {
    Thread *const self = running;
    self->file = file;
    self->line = line;
    self->mask = 0;
    self->act = nullptr;
    self->state = AT_BARRIER;
    block.holding += condition;
    if (++block.at_barrier == block.count) {
        for (unsigned i = 0; i < block.count; i++)
            if (!same_call(self, &block.threads[i])) {
                failure = not_all_reach(self, &block.threads[i]);
                leave_kernel();
            }
        block.barrier_result = block.holding;
        block.at_barrier = block.holding = 0;
        for (unsigned i = 0; i < block.count; i++)
            block.threads[i].state = READY;
        set_all_ready();
    }
    wait_until_ready(self);
    return (int)block.barrier_result;
}

EMU_UNSANITIZED void meet(unsigned mask, WarpAct *act, void *operand, const char *what, const char *file, int line) {
    Thread *const self = running;
    const unsigned lane = self->number % LANES, number = self->number / LANES;
    Thread *const warp = &block.threads[number * LANES];
    self->file = file;
    self->line = line;
    self->mask = mask;
    self->act = act;
    self->operand = operand;
    self->state = AT_WARP;
    if (!(mask >> lane & 1u))
        fail("%s at %s names lanes %08x, not the calling lane %u", what, short_path(file), mask, lane);
    const unsigned lanes = block.count - number * LANES;
    if (lanes < LANES && mask >> lanes)
        fail("%s at %s:%d names lanes %08x, but its warp has %u", what, short_path(file), line, mask, lanes);
    block.warp_waiting[number] |= 1u << lane;
    if ((block.warp_waiting[number] & mask) == mask) {
        bool all = true;
        for (unsigned rest = mask; rest; rest &= rest - 1)
            all = all && same_call(self, &warp[__builtin_ctz(rest)]);
        if (all) {
            act(warp, mask);
            block.warp_waiting[number] &= ~mask;
            for (unsigned rest = mask; rest; rest &= rest - 1)
                set_ready(&warp[__builtin_ctz(rest)]);
        }
    }
    wait_until_ready(self);
}

/* After a failure fibres have unfinished work. */
static void restart_fibres() {
    spares = 0;
    for (unsigned i = 0; i < fibres_made; i++) {
        fibre_restart(&fibres[i], i);
        spare[spares++] = &fibres[i];
    }
}

static void run_block() {
    block.ended = block.at_barrier = block.holding = 0;
    for (unsigned i = 0; i < (block.count + LANES - 1) / LANES; i++)
        block.warp_waiting[i] = 0;
    set_all_ready();
    shared_begin(block.launch->dynamic);
    change_to_thread(&host, take_ready());
    running = nullptr;
    if (failure.empty() && block.ended < block.count)
        failure = describe_deadlock();
    const std::string damage = shared_end();
    if (failure.empty() && !damage.empty())
        failure = "kernel " + kernel_name(block.launch->kernel) + ", block " + coordinates(blockIdx) + ": " + damage;
}

const char *run_grid(const Launch &launch) {
    static std::string last;
    block.launch = &launch;
    block.count = launch.block.x * launch.block.y * launch.block.z;
    blockDim = launch.block;
    gridDim = launch.grid;
    failure.clear();
    order_fill(block.order, block.count, 1);
    for (unsigned i = 0; i < block.count; i++) {
        Thread *thread = &block.threads[i];
        thread->index = {i % launch.block.x, i / launch.block.x % launch.block.y, i / launch.block.x / launch.block.y};
        thread->number = i;
        thread->fibre = nullptr;
        forget_copies(thread);
        block.threads[block.order[i]].position = i;
    }
    const size_t blocks = (size_t)launch.grid.x * launch.grid.y * launch.grid.z;
    std::vector<unsigned> sequence(blocks);
    order_fill(sequence.data(), blocks, 2);
    for (size_t i = 0; i < blocks && failure.empty(); i++) {
        const unsigned at = sequence[i];
        blockIdx = {at % launch.grid.x, at / launch.grid.x % launch.grid.y, at / launch.grid.x / launch.grid.y};
        run_block();
    }
    if (failure.empty())
        return nullptr;
    restart_fibres();
    last = failure;
    return last.c_str();
}

void check_alignment(const void *at, size_t bytes, const char *file, int line) {
    if ((uintptr_t)at % bytes && running)
        fail("%zu bytes at %p are not aligned (%s:%d)", bytes, at, short_path(file), line);
}

void *shared_new(SharedSite *site, size_t bytes, size_t alignment, const char *name) {
    /* fail() leaves without destructors: the string has to be gone by then. */
    char refusal[256];
    snprintf(refusal, sizeof refusal, "%s", shared_refusal(bytes, alignment, name).c_str());
    if (*refusal)
        fail("%s", refusal);
    site->memory = shared_take(bytes, name);
    site->block = block_serial;
    return site->memory;
}
} // namespace emu
