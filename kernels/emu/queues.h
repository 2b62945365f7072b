/* SPDX-License-Identifier: Apache-2.0 */
/* Streams are queues of work that is done when the host waits for it and no sooner: code that forgets to wait sees the
 * old content. */
#ifndef FOVEA_EMU_QUEUES_H
#define FOVEA_EMU_QUEUES_H

#include "kernels/emu/cuda_runtime.h"

#include <deque>
#include <memory>
#include <vector>

namespace emu {
struct Work {
    virtual ~Work() = default;
    /* Reports a failure by collapse(). */
    virtual void run() = 0;
};

struct Queue {
    std::deque<std::shared_ptr<Work>> waiting;
    unsigned long done; /* how much has left the queue */
    unsigned long given() const {
        return done + waiting.size();
    }
    bool capturing, spoilt; /* work goes to `captured`; the capture will fail */
    bool strict;            /* calls that may disturb a capture spoil it */
    std::vector<std::shared_ptr<Work>> captured;
};

/* A stream's queue; NULL for one that does not exist. NULL is the default stream, which is not special. */
std::shared_ptr<Queue> queue_of(cudaStream_t stream);
/* A new stream with its queue; and its end, when its work is done. */
cudaStream_t stream_open();
void stream_close(cudaStream_t stream);
/* Adds work to a stream, or to what it captures. */
void give(Queue &queue, std::shared_ptr<Work> work);
/* Does a stream's work, and what it waits for, until `until` of it is done. Returns the device's failure. */
cudaError_t advance(Queue &queue, unsigned long until);
cudaError_t advance_all();
/* Spoils the captures under way; whether there are any. */
bool capture_spoil();
} // namespace emu

#endif
