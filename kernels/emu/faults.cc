/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/emu/faults.h"
#include "kernels/emu/memory.h"
#include "kernels/emu/order.h"

#include <stdio.h>
#include <string>

static long countdown[EMU_FAULTS];

void emu::fault_set(EmuFault fault, long nth) {
    if (fault == EMU_FAULT_NONE)
        for (long &count : countdown)
            count = 0;
    else
        countdown[fault] = nth;
}

bool emu::fault_holds(EmuFault fault) {
    return countdown[fault] > 0;
}

bool emu::fault_comes(EmuFault fault) {
    return countdown[fault] > 0 && --countdown[fault] == 0;
}

static int find_name(const char *const *names, int count, const std::string &name) {
    for (int i = 0; i < count; i++)
        if (names[i] && name == names[i])
            return i;
    return -1;
}

static void warn_misspelt(const char *variable, const std::string &value) {
    fprintf(stderr, "emulator: %s: no such value: %s\n", variable, value.c_str());
}

void emu::faults_read() {
    static const char *const orders[EMU_ORDERS] = {"ascending", "descending", "shuffled", "shuffled-again"};
    static const char *const faults[EMU_FAULTS] = {nullptr,      "no-driver", "old-driver", "no-device",
                                                   "old-device", "memory",    "pinned",     "capture",
                                                   "launch",     "ecc",       "lost"};
    static bool read;
    if (read)
        return;
    read = true;
    if (const char *value = getenv("FOVEA_EMU_ORDER")) {
        const int found = find_name(orders, EMU_ORDERS, value);
        if (found < 0)
            warn_misspelt("FOVEA_EMU_ORDER", value);
        else
            order = (EmuOrder)found;
    }
    if (const char *value = getenv("FOVEA_EMU_MEMORY"))
        memory_limit(strtoull(value, nullptr, 10));
    if (const char *value = getenv("FOVEA_EMU_HELD"))
        memory_hold(strtoull(value, nullptr, 10));
    const char *value = getenv("FOVEA_EMU_FAULT");
    std::string rest = value ? value : "";
    while (!rest.empty()) {
        const size_t end = rest.find(','), colon = rest.find(':');
        const std::string one = rest.substr(0, end);
        const int found = find_name(faults, EMU_FAULTS, rest.substr(0, end < colon ? end : colon));
        const long nth = colon < end ? strtol(rest.c_str() + colon + 1, nullptr, 10) : 1;
        if (found < 0 || nth < 1)
            warn_misspelt("FOVEA_EMU_FAULT", one);
        else
            fault_set((EmuFault)found, nth);
        rest = end == std::string::npos ? "" : rest.substr(end + 1);
    }
}
