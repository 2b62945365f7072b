#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The rules of the house that a compiler does not check. Only files that git tracks or would track are looked at.
. "$(dirname "$0")/lib.sh"

shopt -s lastpipe # so that `none` at a pipe's end counts here

# Also in another user's checkout: continuous integration often checks out as one user and runs as another.
git_here() { git -c safe.directory='*' "$@"; }
if ! git_here rev-parse --is-inside-work-tree >"$TMP/output" 2>&1; then
    skip "structure" "no git checkout: which files are the project's is not known"
    exit 0
fi
files() { git_here ls-files -co --exclude-standard -- "$@" | while read -r file; do [ -f "$file" ] && echo "$file"; done; }
files '*.c' '*.h' '*.cc' '*.cu' '*.cuh' >"$TMP/sources"
check "there are sources to look at" grep -q '^src/base/status.c$' "$TMP/sources"

# none NAME: ok when nothing comes in; what comes is the reason.
none() {
    local found
    found=$(head -n 5)
    if [ -z "$found" ]; then ok "$1"; else not_ok "$1" "$(tr '\n' '|' <<<"$found")"; fi
}

# --- Rooms and sizes ------------------------------------------------------------------------------------------------
. tests/e2e/structure_rules.sh
product() { grep -E '^(include|src|kernels)/' "$TMP/sources"; }

product | wrong_includes | none "rooms include only what they may"
product | file_circles | none "files form no circle"
product | folder_circles | none "sub-folders form no circle"
product | double_names | none "a file's name is its room's only one"
product | large_folders | none "no folder of src has more than $MAX_FOLDER_SOURCES sources"
product | long_functions | none "no function is longer than $MAX_FUNCTION_LINES lines in src, $MAX_KERNEL_LINES in kernels"
product | foreign_functions | none "a function is declared in the header of its own file"
product | double_functions | none "no two functions share a name"
product | many_arguments | none "no function of include takes more than $MAX_POSITIONAL_ARGUMENTS positional arguments"
unlicensed <"$TMP/sources" | none "every source names its licence"

# --- One way for each thing -----------------------------------------------------------------------------------------
# Programs of the product and its tools; tests may make broken JSON, wait or count by hand.
programs() { grep -E '^(include|src|kernels|tools)/.*\.[ch]$' "$TMP/sources"; }
json_writers() { second_ways "JSON is written by base/json.h" 'cJSON_(Print|Create|Add)|"[^"]*\\"[a-z_]+\\" ?:' src/base/json.c; }
option_parsers() { second_ways "options are parsed by base/options.h" 'getopt|\bstrn?cmp\([^,]*, "--?[a-z]' src/base/options/options.c; }
clocks() { second_ways "time is read by base/clock.h" '\b(clock_gettime|gettimeofday|timespec_get)\(' src/base/clock.c; }
# A terminal of a job's own has the size of the user's.
progress_lines() { second_ways "progress is shown by base/progress.h" 'TIOCGWINSZ|(print[a-z]*|fputs)\([^"]*"\\r|\\033\[K' src/base/progress.c src/pool/command/terminal.c; }
thread_starters() { second_ways "threads are started by base/threads.h" '\bpthread_create\(' src/base/machine/threads.c; }
core_counts() { second_ways "cores are counted by base/threads.h" '_SC_NPROCESSORS|sched_getaffinity|get_nprocs|omp_get_num_procs' src/base/machine/threads.c src/base/machine/numa.c; }
list_growers() { second_ways "lists grow by base/list.h" 'capacity \? .*\* 2|capacity \*= 2' src/base/list.c; }
ONE_WAY="json_writers option_parsers clocks progress_lines thread_starters core_counts list_growers"
for rule in $ONE_WAY; do programs | $rule | none "one way: $rule"; done

# --- The rules find planted offences --------------------------------------------------------------------------------
# plant RULE FILE TEXT PATTERN: RULE reports PATTERN when FILE with TEXT is added to a copy of the sources.
mkdir "$TMP/tree" && cp -r include src kernels "$TMP/tree/"
plant() {
    local rule=$1 file=$2 text=$3 pattern=$4
    mkdir -p "$TMP/tree/$(dirname "$file")"
    [ ! -e "$TMP/tree/$file" ] || cp "$TMP/tree/$file" "$TMP/kept"
    printf '%b' "$text" >>"$TMP/tree/$file"
    if (cd "$TMP/tree" && find include src kernels -name '*.[ch]' -o -name '*.c[cu]' -o -name '*.cuh' | $rule) | grep -q -- "$pattern"; then
        ok "$rule would find: $pattern"
    else
        not_ok "$rule would find: $pattern"
    fi
    rm "$TMP/tree/$file"
    [ ! -e "$TMP/kept" ] || mv "$TMP/kept" "$TMP/tree/$file"
}
lines() { printf 'static int planted(void) {\\n'; printf '    ;\\n%.0s' $(seq "$1"); printf '}\\n'; }

plant wrong_includes src/image/planted.c '#include "train/train.h"\n' 'room image may not use include/train/train.h of room train'
plant wrong_includes src/stage/planted.c '#include "pack/columns.h"\n' 'a private header of room pack'
plant wrong_includes src/pack/planted.c '#include "columns.h"\n' 'does not start at include/'
plant wrong_includes src/attic/planted.c '#include "base/status.h"\n' 'no room called attic'
plant file_circles include/base/status.h '#include "base/files.h"\n' 'circle:.* base/status'
plant folder_circles src/stage/frame/planted.c '#include "stage/report/reports.h"\n' 'src/stage/frame'
plant double_names src/stage/source/shard.c 'int a;\n' 'room stage has another shard'
plant long_functions src/base/planted.c "$(lines 60)" 'planted has 62 lines'
plant long_functions kernels/cuda/planted.cu "$(lines 80)" 'planted has 82 lines'
plant foreign_functions src/base/planted.c 'int planted(int a) {\n    return a;\n}\n' 'planted is not declared in planted.h'
plant many_arguments include/base/status.h 'void f(int a, int b, int c, int d, int e, int f, int g, int h, int i, int j, int k);\n' '11 positional arguments'
plant unlicensed src/base/planted.c 'int a;\n' 'src/base/planted.c'
plant double_functions src/base/planted.c 'int model_check(int a) {\n    return a;\n}\n' 'model_check is also in '
for i in $(seq $MAX_FOLDER_SOURCES); do : >"$TMP/tree/src/device/planted$i.c"; done
plant large_folders src/device/planted.c 'int a;\n' 'src/device: '
rm "$TMP"/tree/src/device/planted*
plant json_writers src/rundir/planted.c 'fprintf(out, "{\\"step\\": %d}", step);\n' 'JSON is written'
plant json_writers src/pack/planted.c 'cJSON_Print(object);\n' 'JSON is written'
plant option_parsers src/cli/planted.c 'if (strcmp(argument, "--out") == 0)\n' 'options are parsed'
plant clocks src/stage/planted.c 'clock_gettime(CLOCK_MONOTONIC, &now);\n' 'time is read'
plant progress_lines src/stage/planted.c 'printf("\\r%d", n);\n' 'progress is shown'
plant thread_starters src/data/planted.c 'pthread_create(&thread, NULL, work, NULL);\n' 'threads are started'
plant core_counts src/stage/planted.c 'sysconf(_SC_NPROCESSORS_ONLN);\n' 'cores are counted'
plant list_growers src/stage/planted.c 'int64_t capacity = list->capacity ? list->capacity * 2 : 64;\n' 'lists grow'

# --- What may be where ----------------------------------------------------------------------------------------------
# The emulator has headers of its own under CUDA's names.
grep -vE '^(kernels/cuda|kernels/emu|tests/emu|tests/cudnn)/' "$TMP/sources" | xargs grep -nE '^[ \t]*#[ \t]*include[ \t]*[<"](cuda|cublas|cudnn|nccl|nvtx|nvml)' |
    none "no CUDA, cuDNN or NCCL header outside kernels/cuda"

# Of the files with such a call, those that have it outside comments.
ends='\b(_?exit|_Exit|quick_exit|abort)[ ]*\('
grep -E '^(src|kernels|include)/' "$TMP/sources" | grep -v '^src/cli/' | xargs grep -lE "$ends" | while read -r file; do
    gcc -fpreprocessed -dD -E -P "$file" 2>/dev/null | grep -nE "$ends" | sed "s|^|$file:|"
done | none "nothing below main ends the program"

# Intrinsics of one processor need an #if on that processor.
xargs grep -lE '^[ \t]*#[ \t]*include[ \t]*<([a-z]*intrin|arm_neon|arm_sve)\.h>' <"$TMP/sources" | while read -r file; do
    awk '/^[ \t]*#[ \t]*(if|elif).*(__x86_64__|__AVX|__SSE|__ARM|__aarch64__)/ { guarded = 1 }
         /^[ \t]*#[ \t]*endif/ { guarded = 0 }
         /#[ \t]*include[ \t]*<([a-z]*intrin|arm_neon|arm_sve)\.h>/ && !guarded { print FILENAME ":" FNR }' "$file"
done | none "no unguarded processor intrinsics"

files | grep -vE '^(LICENSE|tests/e2e/structure\.sh)$' >"$TMP/texts"
xargs grep -nIE '\b(TODO|FIXME|XXX)\b' <"$TMP/texts" | none "no unfinished business in the files"
xargs grep -nIE '(^|[^A-Za-z0-9_.$}])/(home|root|work|Users|mnt|opt)/[A-Za-z0-9]' <"$TMP/texts" | none "no path of one machine"
xargs grep -nIiE 'artifactory|nexus|(docker|ghcr|quay|nvcr|gcr)\.io|pypi\.org|registry\.[a-z]+[.:/]|mirror\.[a-z]' <"$TMP/texts" |
    none "no registry host"

# --- Format ---------------------------------------------------------------------------------------------------------
# Versions format differently by the same style file; the sources follow 14.
formatter=build/formatter/clang_format/data/bin/clang-format # by tools/setup, where the system has another version
[ -x $formatter ] || formatter=clang-format
version=$($formatter --version 2>/dev/null | grep -oE 'version [0-9]+' | cut -d' ' -f2)
if [ "$version" = 14 ]; then
    xargs $formatter --dry-run 2>&1 <"$TMP/sources" | grep 'warning:' | cut -d: -f1 | sort -u | none "clang-format has nothing to change"
else
    skip "clang-format has nothing to change" "clang-format 14 is missing (${version:-none at all})"
fi

# --- Another processor ----------------------------------------------------------------------------------------------
cross=aarch64-linux-gnu-gcc
if ! command -v $cross >/dev/null; then
    skip "what depends on the processor compiles for aarch64" "no $cross"
elif ! echo '#include <stdio.h>' | $cross -fsyntax-only -x c - 2>/dev/null; then
    skip "what depends on the processor compiles for aarch64" "no C library headers for it: libc6-dev-arm64-cross"
else
    # Third-party headers are this machine's, looked at last so that the C library's own are the other processor's.
    # Only the kernels and what else looks at the processor: `make cross-arm64` of test-long compiles all.
    grep '^kernels/cpu/.*\.c$' "$TMP/sources" >"$TMP/processor"
    grep '^src/.*\.c$' "$TMP/sources" | xargs grep -lE '__(x86_64|aarch64)__|__(AVX|SSE|ARM)|"base/simd\.h"' >>"$TMP/processor"
    <"$TMP/processor" xargs -P "$(nproc)" -n 8 $cross -std=gnu11 -D_GNU_SOURCE -Iinclude -Isrc -I. \
        $(pkg-config --cflags-only-I --keep-system-cflags libpng libopenjp2 libcjson hdf5-serial 2>/dev/null | sed 's|-I/usr/include *$||;s|-I/usr/include ||g') \
        -idirafter /usr/include -idirafter "/usr/include/$(gcc -dumpmachine)" \
        -fopenmp -Wall -Wextra -Werror -fsyntax-only 2>&1 | grep -E 'error|warning' | none "what depends on the processor compiles for aarch64"
fi

# --- make -----------------------------------------------------------------------------------------------------------
if make -q all >"$TMP/output" 2>&1; then
    ok "a second make does nothing"
else
    make -n all >"$TMP/output" 2>&1
    not_ok "a second make does nothing" "it would run: $(head -n 1 "$TMP/output" | cut -c1-200)"
fi
