#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
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
# Each room and the rooms it may use; `ops` is the table of operations, the kernels' only face.
declare -A may_use=(
    [base]=""
    [device]="ops base" [image]="base" [pack]="image base" [rundir]="base"
    [ops]="device image base" [kernels]="ops device image base"
    [data]="ops device image pack rundir base" [model]="ops device base"
    [checkpoint]="model data ops device base" [cost]="model ops device base" [profile]="cost model ops device base"
    [train]="checkpoint cost profile data model rundir pack image ops device base"
    [stage]="pack image base"
    [cli]="stage train checkpoint cost profile data model rundir pack image ops device base"
)

# The room of a path: include/ROOM/x.h, src/ROOM/.../x.c, kernels/BACKEND/x.cu.
room_of() {
    case $1 in
    include/* | src/*) cut -d/ -f2 <<<"$1" ;;
    kernels/*) echo kernels ;;
    esac
}

# Lines "file: what is wrong" for the sources given. An include names a path from include/, src/ or the top; another
# room's headers are those in include/ alone.
wrong_includes() {
    local file line name room other path
    while read -r file; do
        room=$(room_of "$file")
        if [ -z "$room" ] || [ -z "${may_use[$room]+known}" ]; then
            echo "$file: no room called $room in tests/e2e/structure.sh"
            continue
        fi
        while read -r name; do
            for path in "include/$name" "src/$name" "$name" ""; do
                [ -f "$path" ] && break
            done
            other=$(room_of "$path")
            if [ -z "$other" ]; then
                echo "$file: $name does not start at include/, src/ or the top"
            elif [ "$other" = "$room" ]; then
                continue
            elif [[ $path != include/* ]]; then
                echo "$file: room $room may not use $name, a private header of room $other"
            elif [[ " ${may_use[$room]} " != *" $other "* ]]; then
                echo "$file: room $room may not use $name of room $other"
            fi
        done < <(sed -n 's/^[ \t]*#[ \t]*include[ \t]*"\([^"]*\)".*/\1/p' "$file")
    done
}
grep -E '^(include|src|kernels)/' "$TMP/sources" | wrong_includes | none "rooms include only what they may"

# The check sees what it is for.
mkdir -p "$TMP/src/image"
echo '#include "train/train.h"' >"$TMP/src/image/bad.c"
echo '#include "train/run.h"' >"$TMP/src/image/worse.c"
(cd "$TMP" && ln -s "$OLDPWD/include" include && ln -s "$OLDPWD/src/train" src/train &&
    printf 'src/image/%s.c\n' bad worse | wrong_includes >"$TMP/offenders")
check "an include up the layers would be found" grep -q 'image may not use train/train.h of room train' "$TMP/offenders"
check "a private header of another room would be found" grep -q 'train/run.h, a private header' "$TMP/offenders"

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
    grep '\.c$' "$TMP/sources" | xargs -P "$(nproc)" -n 8 $cross -std=gnu11 -D_GNU_SOURCE -Iinclude -Isrc -I. \
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
