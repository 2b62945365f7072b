/* SPDX-License-Identifier: Apache-2.0 */
/* Streams are queues of work that is done when somebody waits for it and no sooner: who forgets to wait sees what was
 * there before. */
#ifndef FOVEA_EMU_STREAMS_H
#define FOVEA_EMU_STREAMS_H

#include "kernels/emu/cuda_runtime.h"

#include <deque>
#include <memory>
#include <vector>

namespace emu {
struct Work {
    virtual ~Work() = default;
    /* A failure is told by collapse(). */
    virtual void run() = 0;
};

struct Queue {
    std::deque<std::shared_ptr<Work>> waiting;
    unsigned long done; /* how much was taken from the queue */
    unsigned long given() const {
        return done + waiting.size();
    }
    bool capturing, spoilt; /* work goes to `captured`; nothing comes of it */
    bool strict;            /* calls that may disturb a capture spoil it */
    std::vector<std::shared_ptr<Work>> captured;
};

/* Of a stream; NULL for one that does not exist. Without a stream it is the default one, which is not special. */
std::shared_ptr<Queue> queue_of(cudaStream_t stream);
/* Adds work to a stream, or to what it captures. */
void give(Queue &queue, std::shared_ptr<Work> work);
/* Does a stream's work, and what it waits for, until `until` of it is done. The device's failure. */
cudaError_t advance(Queue &queue, unsigned long until);
cudaError_t advance_all();
/* Whether a stream is captured that this spoils. */
bool capture_spoil();
} // namespace emu

#endif
