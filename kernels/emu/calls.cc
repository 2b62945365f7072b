/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/emu/calls.h"
#include "kernels/emu/faults.h"
#include "kernels/emu/queues.h"

namespace emu {
Call::Call(const char *name, bool unsafe) {
    runtime_mutex.lock();
    faults_read();
    error = collapsed();
    if (fault_holds(EMU_FAULT_NO_DRIVER) || fault_holds(EMU_FAULT_OLD_DRIVER))
        error = complain(cudaErrorInsufficientDriver);
    else if (fault_holds(EMU_FAULT_NO_DEVICE))
        error = complain(cudaErrorNoDevice);
    else if (!error && unsafe && capture_spoil())
        error = complain(cudaErrorStreamCaptureUnsupported, std::string(name) + " while a stream is captured");
}

Call::~Call() {
    runtime_mutex.unlock();
}
} // namespace emu
