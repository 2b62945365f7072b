# SPDX-License-Identifier: Apache-2.0
# The rules that tests/e2e/structure.sh checks. Each function reads the paths of sources on standard input, relative to
# the current directory, and prints one line for each offence: so the test can run it on planted offenders, too.

# Each room and the rooms that it may use. `ops` is the table of operations, the only part of kernels that others see.
declare -A may_use=(
    [base]=""
    [device]="gauges base" [image]="base" [pack]="image base" [rundir]="base" [gauges]="base"
    [ops]="device image base" [kernels]="ops device image base"
    [data]="ops device image pack rundir base" [model]="ops device base" [stats]="ops base"
    [checkpoint]="model data ops device base" [cost]="model ops device base" [profile]="cost model ops device base"
    [train]="checkpoint cost profile data model stats ops gauges rundir pack image device base"
    [eval]="train checkpoint cost data model stats ops rundir pack image device base"
    [stage]="pack image base"
    [pool]="stats rundir gauges base"
    [cli]="pool eval stage train checkpoint cost profile data model stats ops gauges rundir pack image device base"
)

MAX_FOLDER_SOURCES=25      # .c and .h directly in a folder of src
MAX_FUNCTION_LINES=60      # in src
MAX_KERNEL_LINES=80        # in kernels
MAX_POSITIONAL_ARGUMENTS=10 # in include

# The room of a path: include/ROOM/x.h, src/ROOM/.../x.c, kernels/BACKEND/x.cu. Sets $room, without a subshell.
find_room() {
    room=
    case $1 in
    include/*/* | src/*/*)
        room=${1#*/}
        room=${room%%/*}
        ;;
    kernels/*) room=kernels ;;
    esac
}

# The unit of a path: the source and the header of one name in one room. Sets $unit.
find_unit() {
    find_room "$1"
    unit=${1##*/}
    unit=${unit%.*}
    case $1 in
    kernels/*) unit=${1%/*}/$unit ;;
    *) unit=$room/$unit ;;
    esac
}

# Lines "file name" for each include in quotes.
list_includes() {
    xargs awk 'match($0, /^[ \t]*#[ \t]*include[ \t]*"[^"]*"/) { split($0, part, "\""); print FILENAME, part[2] }'
}

# Lines "file path" for each include in quotes that names a file of the project; offences go to descriptor 3.
resolve_includes() {
    local file name path found
    while read -r file name; do
        found=
        for path in "include/$name" "src/$name" "$name"; do
            [ -f "$path" ] || continue
            [ -z "$found" ] || echo "$file: $name is both $found and $path" >&3
            found=${found:-$path}
        done
        if [ -z "$found" ] || [[ $name != */* ]]; then
            echo "$file: $name does not start at include/, src/ or the top" >&3
        else
            echo "$file $found"
        fi
    done
}

wrong_includes() {
    local file path from
    list_includes | resolve_includes 3>&1 | while read -r file path; do
        case $file in
        *:) # an offence
            echo "$file $path"
            continue
            ;;
        esac
        find_room "$file"
        from=$room
        find_room "$path"
        if [ -z "$from" ] || [ -z "${may_use[$from]+known}" ]; then
            echo "$file: no room called $from in tests/e2e/structure_rules.sh"
        elif [ "$room" = "$from" ]; then
            continue
        elif [[ $path != include/* ]]; then
            echo "$file: room $from may not use $path, a private header of room $room"
        elif [[ " ${may_use[$from]} " != *" $room "* ]]; then
            echo "$file: room $from may not use $path of room $room"
        fi
    done
}

# Prints each circle of the graph whose edges "from to" come in, on one line.
circles() {
    tsort 2>&1 >/dev/null | sed 's/^tsort: //' |
        awk '/contains a loop/ { if (line != "") print line; line = "circle:"; next } { line = line " " $0 } END { if (line != "") print line }'
}

file_circles() {
    local file path from
    list_includes | resolve_includes 3>/dev/null | while read -r file path; do
        find_unit "$file"
        from=$unit
        find_unit "$path"
        [ "$from" = "$unit" ] || echo "$from $unit"
    done | sort -u | circles
}

# Folders of one room, by the sources and private headers in them; a public header counts to the folder of its source.
folder_circles() {
    local file path from list
    declare -A folder_of=()
    list=$(cat)
    while read -r file; do
        [[ $file == src/*.c ]] || continue
        find_unit "$file"
        folder_of[$unit]=${file%/*}
    done <<<"$list"
    list_includes <<<"$list" | resolve_includes 3>/dev/null | while read -r file path; do
        find_unit "$file"
        from=${folder_of[$unit]-${file%/*}}
        find_room "$file"
        local here=$room
        find_unit "$path"
        path=${folder_of[$unit]-${path%/*}}
        [ "$room" = "$here" ] && [[ $from == src/* && $path == src/* && $from != "$path" ]] && echo "$from $path"
    done | sort -u | circles
}

# No two files of a room share a name.
double_names() {
    local file
    declare -A first=()
    while read -r file; do
        [[ $file == src/* ]] || continue
        find_unit "$file"
        if [ "${first[$unit]-${file%/*}}" != "${file%/*}" ]; then
            echo "$file: room $room has another ${unit#*/} in ${first[$unit]}"
        fi
        first[$unit]=${file%/*}
    done
}

large_folders() {
    local file
    while read -r file; do
        [[ $file == src/* ]] && echo "${file%/*}"
    done | sort | uniq -c | while read -r count folder; do
        [ "$count" -le $MAX_FOLDER_SOURCES ] || echo "$folder: $count sources, more than $MAX_FOLDER_SOURCES: give it sub-folders"
    done
}

# Lines "file line name length public" for each function, by the layout that clang-format gives.
list_functions() {
    xargs awk '
        FNR == 1 { name = ""; comment = 0 }
        comment { if (/\*\//) comment = 0; next }
        /^\/\*/ { if (!/\*\//) comment = 1; next }
        name == "" && /^[A-Za-z_]/ && /\(/ && !/;[ \t]*$/ && !/^(typedef|struct|enum|union|namespace|#)/ && !/^[A-Z_0-9]+\(/ {
            head = $0
            sub(/\(.*/, "", head)
            sub(/.*[ *&]/, "", head)
            name = head
            start = FNR
            public = $0 !~ /(^|[ \t])static[ \t]/
            if (/\}[ \t]*$/) name = ""
        }
        name != "" && /;[ \t]*$/ && !/^[ \t]/ { name = "" }
        name != "" && /^\}/ { print FILENAME, start, name, FNR - start + 1, public; name = "" }'
}

long_functions() {
    local file line name length public most
    list_functions | while read -r file line name length public; do
        case $file in
        src/*) most=$MAX_FUNCTION_LINES ;;
        kernels/*) most=$MAX_KERNEL_LINES ;;
        *) continue ;;
        esac
        [ "$length" -le "$most" ] || echo "$file:$line: $name has $length lines, more than $most"
    done
}

# A function of src that other files see is declared in the header of its own file.
foreign_functions() {
    grep -E '^src/.*\.c$' | grep -v '^src/cli/' | list_functions | awk '
        # Every word of a file, once.
        function read_words(path,   line, words, count, i) {
            if (path in known) return
            known[path]
            while ((getline line <path) > 0) {
                count = split(line, words, /[^A-Za-z0-9_]+/)
                for (i = 1; i <= count; i++) has[path, words[i]]
            }
            close(path)
        }
        $5 == 1 {
            own = $1
            sub(/c$/, "h", own)
            header = own
            sub(/.*\//, "", header)
            split($1, part, "/")
            shared = "include/" part[2] "/" header
            read_words(own)
            read_words(shared)
            if (!((own, $3) in has) && !((shared, $3) in has)) print $1 ":" $2 ": " $3 " is not declared in " header
        }'
}

# A function of one name in two rooms: a program that needs both cannot be linked, and until then nothing says so.
double_functions() {
    grep -E '^src/.*\.c$' | grep -v '^src/cli/' | list_functions | awk '
        $5 == 1 {
            if ($3 in first) print $1 ":" $2 ": " $3 " is also in " first[$3]
            else first[$3] = $1
        }'
}

many_arguments() {
    grep '^include/' | xargs awk -v most=$MAX_POSITIONAL_ARGUMENTS '
        FNR == 1 { depth = 0; comment = 0 }
        /^[ \t]*#/ { next }
        {
            for (i = 1; i <= length($0); i++) {
                two = substr($0, i, 2)
                if (comment) { if (two == "*/") { comment = 0; i++ } continue }
                if (two == "/*") { comment = 1; i++; continue }
                if (two == "//") break
                one = substr($0, i, 1)
                if (one == "(") { depth++; count[depth] = 1; line[depth] = FNR }
                else if (one == ",") count[depth]++
                else if (one == ")") {
                    if (count[depth] > most) printf "%s:%d: %d positional arguments, more than %d: take a struct\n", FILENAME, line[depth], count[depth], most
                    depth--
                }
            }
        }'
}

# second_ways "what" PATTERN HOME...: lines outside the HOME files that match.
second_ways() {
    local what=$1 pattern=$2
    shift 2
    grep -vxF -- "$(printf '%s\n' "$@")" | xargs -r grep -nE -- "$pattern" /dev/null | sed "s|^|$what: |"
}

unlicensed() {
    xargs grep -L 'SPDX-License-Identifier: Apache-2.0'
}
