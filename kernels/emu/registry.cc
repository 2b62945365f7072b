/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/emu/registry.h"

#include <cxxabi.h>
#include <map>

namespace emu {
static KernelEntry *first;

KernelEntry::KernelEntry(const char *type, const void *address)
    : type(type), address(address), executions(0), dynamic_limit(0), next(first) {
    first = this;
}

/* Out of "emu::Kernel<&(void NAME<ARGUMENTS>(PARAMETERS)), void (*)(PARAMETERS)>". */
std::string kernel_name(const KernelEntry *kernel) {
    static const std::string unnamed = "(anonymous namespace)::", result = "void ";
    char *const readable = abi::__cxa_demangle(kernel->type, nullptr, nullptr, nullptr);
    const std::string text = readable ? readable : "";
    free(readable);
    const size_t begin = text.find('&') + 1, end = text.rfind(", void (*)(");
    if (begin == 0 || end == std::string::npos)
        return kernel->type;
    std::string name = text.substr(begin, end - begin);
    if (name.front() == '(' && name.back() == ')')
        name = name.substr(1, name.size() - 2);
    if (name.compare(0, result.size(), result) == 0)
        name.erase(0, result.size());
    for (size_t at = name.find(unnamed); at != std::string::npos; at = name.find(unnamed))
        name.erase(at, unnamed.size());
    if (name.back() == ')') {
        size_t at = name.size();
        for (int depth = 0; at > 0 && (at == name.size() || depth > 0);) {
            at--;
            depth += (name[at] == ')') - (name[at] == '(');
        }
        name.erase(at);
    }
    return name;
}

static KernelEntry *entry(size_t number) {
    KernelEntry *at = first;
    while (at && number--)
        at = at->next;
    return at;
}

KernelEntry *registry_find(const void *kernel) {
    KernelEntry *at = first;
    while (at && at->address != kernel)
        at = at->next;
    return at;
}

size_t registry_count() {
    size_t count = 0;
    for (KernelEntry *at = first; at; at = at->next)
        count++;
    return count;
}

const char *registry_name(size_t kernel) {
    static std::map<size_t, std::string> names;
    const KernelEntry *at = entry(kernel);
    if (!at)
        return nullptr;
    return names.emplace(kernel, kernel_name(at)).first->second.c_str();
}

unsigned long registry_executions(size_t kernel) {
    const KernelEntry *at = entry(kernel);
    return at ? at->executions : 0;
}
} // namespace emu
