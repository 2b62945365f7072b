/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/import/pickle_globals.h"

#include <stddef.h>
#include <string.h>

/* All that is in them. */
static const char *const modules[] = {"os",
                                      "posix",
                                      "nt",
                                      "posixpath",
                                      "ntpath",
                                      "sys",
                                      "subprocess",
                                      "commands",
                                      "popen2",
                                      "pty",
                                      "shutil",
                                      "socket",
                                      "ssl",
                                      "signal",
                                      "ctypes",
                                      "_ctypes",
                                      "cffi",
                                      "importlib",
                                      "imp",
                                      "pkgutil",
                                      "runpy",
                                      "code",
                                      "codeop",
                                      "pdb",
                                      "bdb",
                                      "cProfile",
                                      "profile",
                                      "timeit",
                                      "trace",
                                      "doctest",
                                      "marshal",
                                      "pickle",
                                      "_pickle",
                                      "cPickle",
                                      "dill",
                                      "cloudpickle",
                                      "shelve",
                                      "io",
                                      "_io",
                                      "tempfile",
                                      "threading",
                                      "_thread",
                                      "thread",
                                      "asyncio",
                                      "multiprocessing",
                                      "concurrent",
                                      "http",
                                      "urllib",
                                      "urllib2",
                                      "httplib",
                                      "requests",
                                      "ftplib",
                                      "smtplib",
                                      "telnetlib",
                                      "webbrowser",
                                      "platform",
                                      "types",
                                      "inspect",
                                      "gc",
                                      "site",
                                      "pip",
                                      "_posixsubprocess"};

static const char *const builtin_modules[] = {"builtins", "__builtin__", "__builtins__"};
static const char *const builtins[] = {"eval",    "exec",      "execfile",   "compile",    "open",    "file",
                                       "input",   "raw_input", "__import__", "getattr",    "setattr", "delattr",
                                       "globals", "locals",    "vars",       "breakpoint", "apply",   "reload",
                                       "exit",    "quit",      "help",       "memoryview"};

/* Functions elsewhere that run what they are given. */
static const struct {
    const char *module, *name;
} functions[] = {
    {"operator", "attrgetter"},
    {"operator", "methodcaller"},
    {"_operator", "attrgetter"},
    {"_operator", "methodcaller"},
    {"torch", "load"},
    {"torch.serialization", "load"},
    {"torch.storage", "_load_from_bytes"},
    {"torch.hub", "load"},
    {"numpy", "load"},
    {"joblib", "load"},
};

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* Whether the first part of `module` is `package`. */
static bool is_within(const char *module, const char *package) {
    const size_t length = strlen(package);
    return strncmp(module, package, length) == 0 && (module[length] == '\0' || module[length] == '.');
}

bool pickle_is_hostile(const char *module, const char *name) {
    for (size_t i = 0; i < COUNT(modules); i++)
        if (is_within(module, modules[i]))
            return true;
    for (size_t i = 0; i < COUNT(builtin_modules); i++)
        for (size_t j = 0; j < COUNT(builtins) && strcmp(module, builtin_modules[i]) == 0; j++)
            if (is_within(name, builtins[j]))
                return true;
    for (size_t i = 0; i < COUNT(functions); i++)
        if (strcmp(module, functions[i].module) == 0 && is_within(name, functions[i].name))
            return true;
    /* A name with dots reaches into an object, up to the module's own imports. */
    return strstr(name, "__") && strchr(name, '.');
}
