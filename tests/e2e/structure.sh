#!/usr/bin/env bash
# The rules of the house that a compiler does not check. Only files that git tracks or would track are looked at.
. "$(dirname "$0")/lib.sh"

shopt -s lastpipe # so that `none` at a pipe's end counts here

# As another user's too: continuous integration often checks out as one user and runs as another.
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

# --- Who may include whom -------------------------------------------------------------------------------------------
# Rooms of the headers in include/. `ops` is the table of operations, the kernels' only face.
declare -A room_of=(
    [arena]=base [numa]=base [config]=base [digest]=base [files]=base [files_new]=base [random]=base [safetensors]=base [status]=base
    [threads]=base [utf8]=base
    [device]=device [ops]=ops [operations]=ops
    [folder]=data [image]=data [loader]=data [pack]=data [prefetch]=data [records]=data
    [stage]=stage
    [fp8]=model [model]=model [params]=model
    [checkpoint]=train [optimizer]=train [train]=train
)
declare -A may_use=(
    [base]="" [ops]="device base" [device]="ops base" [kernels]="ops device base" [gauges]="base"
    [data]="ops device base" [model]="ops device base" [comm]="ops device base"
    [train]="data model comm gauges ops device base"
    [eval]="train data model comm ops device base"
    [stage]="data ops base"
    [pool]="gauges base" [board]="gauges base"
    [cli]="board pool stage eval train data model comm gauges ops device base"
)

room_of_file() {
    local name
    case $1 in
    include/*)
        name=$(basename "$1" .h)
        echo "${room_of[$name]-unknown}"
        ;;
    src/*) cut -d/ -f2 <<<"$1" ;;
    kernels/*) echo kernels ;;
    esac
}

# Lines "file: what is wrong" for the sources given.
wrong_includes() {
    local file line name room other
    while read -r file; do
        room=$(room_of_file "$file")
        if [ "$room" = unknown ] || [ -z "${may_use[$room]+known}" ]; then
            echo "$file: no room called $room in tests/e2e/structure.sh"
            continue
        fi
        while read -r name; do
            [ -f "$(dirname "$file")/$name" ] && [[ $file != include/* ]] && [[ $name != */* ]] && continue
            # The emulator stands in for files of kernels/cuda, with the CPU's arithmetic.
            [[ $file == kernels/emu/* && $name =~ ^\.\./(cuda|cpu)/[a-z_]+\.(h|cuh)$ && -f kernels/emu/$name ]] && continue
            if [[ $name == */* ]] || [ ! -f "include/$name" ]; then
                echo "$file: $name is neither beside it nor in include/"
                continue
            fi
            other=$(room_of_file "include/$name")
            [ "$other" = "$room" ] || [[ " ${may_use[$room]} " == *" $other "* ]] ||
                echo "$file: room $room may not use $name of room $other"
        done < <(sed -n 's/^[ \t]*#[ \t]*include[ \t]*"\([^"]*\)".*/\1/p' "$file")
    done
}
grep -E '^(include|src|kernels)/' "$TMP/sources" | wrong_includes | none "rooms include only what they may"

# The check sees what it is for.
mkdir -p "$TMP/src/pool"
echo '#include "train.h"' >"$TMP/src/pool/bad.c"
if (cd "$TMP" && ln -s "$OLDPWD/include" include && echo src/pool/bad.c | wrong_includes | grep -q 'pool may not use train.h'); then
    ok "a pool that includes train.h would be found"
else
    not_ok "a pool that includes train.h would be found"
fi

# --- What stands where ----------------------------------------------------------------------------------------------
# The emulator has headers of its own under CUDA's names.
grep -vE '^(kernels/cuda|kernels/emu|tests/emu|tests/cudnn)/' "$TMP/sources" | xargs grep -nE '^[ \t]*#[ \t]*include[ \t]*[<"](cuda|cublas|cudnn|nccl|nvtx|nvml)' |
    none "no CUDA, cuDNN or NCCL header outside kernels/cuda"

grep -E '^(src|kernels|include)/' "$TMP/sources" | grep -v '^src/cli/' | while read -r file; do
    gcc -fpreprocessed -dD -E -P "$file" 2>/dev/null | grep -nE '\b(_?exit|_Exit|quick_exit|abort)[ ]*\(' | sed "s|^|$file:|"
done | none "nothing below main ends the program"

# Intrinsics of one processor stand only behind a question about the processor.
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
# Versions differ in what they make of one style file; 14 is the one the sources follow.
version=$(clang-format --version 2>/dev/null | grep -oE 'version [0-9]+' | cut -d' ' -f2)
if [ "$version" = 14 ]; then
    xargs clang-format --dry-run 2>&1 <"$TMP/sources" | grep 'warning:' | cut -d: -f1 | sort -u | none "clang-format has nothing to change"
else
    skip "clang-format has nothing to change" "clang-format 14 is not here (${version:-none at all})"
fi

# --- Another processor ----------------------------------------------------------------------------------------------
cross=aarch64-linux-gnu-gcc
if ! command -v $cross >/dev/null; then
    skip "everything compiles for aarch64" "no $cross"
elif ! echo '#include <stdio.h>' | $cross -fsyntax-only -x c - 2>/dev/null; then
    skip "everything compiles for aarch64" "no C library headers for it: libc6-dev-arm64-cross"
else
    # Third-party headers are this machine's, looked at last so that the C library's own are the other processor's.
    grep '\.c$' "$TMP/sources" | xargs -P "$(nproc)" -n 8 $cross -std=gnu11 -D_GNU_SOURCE -Iinclude \
        $(pkg-config --cflags-only-I --keep-system-cflags libpng libcjson hdf5-serial 2>/dev/null | sed 's|-I/usr/include *$||;s|-I/usr/include ||g') \
        -idirafter /usr/include -idirafter "/usr/include/$(gcc -dumpmachine)" \
        -fopenmp -Wall -Wextra -Werror -fsyntax-only 2>&1 | grep -E 'error|warning' | none "everything compiles for aarch64"
fi

# --- make -----------------------------------------------------------------------------------------------------------
if make -q all >"$TMP/output" 2>&1; then
    ok "a second make does nothing"
else
    make -n all >"$TMP/output" 2>&1
    not_ok "a second make does nothing" "it would run: $(head -n 1 "$TMP/output" | cut -c1-200)"
fi
