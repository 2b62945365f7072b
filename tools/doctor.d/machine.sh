# SPDX-License-Identifier: Apache-2.0
# Sourced by tools/doctor: versions, limits, cores and memory.

few_files=1024           # the usual limit
little_memory=8000       # MB: the copy of ViT-L that a checkpoint is written from, and as much again for the rest
little_locked=65536      # KiB: the usual 64 KiB to 8 MiB are less than one batch of images

first_line() { "$@" 2>/dev/null </dev/null | head -n 1; }

check_versions() {
    local version compiler=${CC:-gcc}
    ok kernel "$(uname -sr) on $(uname -m)"
    ok glibc "$(getconf GNU_LIBC_VERSION 2>/dev/null || echo unknown)"
    version=$(first_line "${compiler%% *}" --version)
    ok compiler "${version:-none, which only building needs: tools/setup installs it}"
}

check_limits() {
    local locked files
    locked=$(ulimit -l) files=$(ulimit -n)
    if [ ${#gpus[@]} -gt 0 ] && [ "$locked" != unlimited ] && [ "$locked" -lt $little_locked ]; then
        warns memlock "$locked KiB may be locked: libraries that lock memory for a GPU or a network card can fail" \
            "ulimit -l unlimited (memlock in limits.conf, systemd's LimitMEMLOCK, docker run --ulimit memlock=-1)"
    else
        ok memlock "$locked$([ "$locked" = unlimited ] || echo ' KiB')"
    fi
    if [ "$files" != unlimited ] && [ "$files" -lt $few_files ]; then
        warns "open files" "$files: packs of many shards can fail" "ulimit -n $few_files"
    else
        ok "open files" "$files"
    fi
}

# group_values FILE CONTROLLER: what that file holds in this process's control group and those above it, of version 2,
# or of that controller in version 1.
group_values() {
    local file=$1 controller=$2 names path folder
    while IFS=: read -r _ names path; do
        if [ -z "$names" ]; then
            folder=$root/sys/fs/cgroup
        elif [[ ,$names, = *,$controller,* ]]; then
            folder=$root/sys/fs/cgroup/$controller
        else
            continue
        fi
        while :; do
            cat "$folder${path%/}/$file" 2>/dev/null
            if [ -z "${path%/}" ]; then break; fi
            path=${path%/*}
        done
    done <"$root/proc/self/cgroup" 2>/dev/null
}

# Cores of a quota in hundredths; nothing without one.
quota_cores() {
    {
        group_values cpu.max cpu | awk '$1 != "max" && $2 > 0 {printf "%.0f\n", 100 * $1 / $2}'
        paste <(group_values cpu.cfs_quota_us cpu) <(group_values cpu.cfs_period_us cpu) |
            awk '$1 > 0 && $2 > 0 {printf "%.0f\n", 100 * $1 / $2}'
    } | sort -n | head -n 1
}

check_cores() {
    local cores quota text
    cores=$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc) quota=$(quota_cores)
    text=$cores
    if [ -n "$quota" ] && [ "$quota" -lt $((100 * cores)) ]; then
        text="$(printf '%d.%02d' $((quota / 100)) $((quota % 100))) of $cores, by the control group's quota"
        cores=$((quota / 100))
    fi
    if [ "$cores" -lt $((2 * ${#gpus[@]})) ]; then
        warns cores "$text for ${#gpus[@]} GPU$([ ${#gpus[@]} = 1 ] || echo s): a GPU may wait for its images" \
            "ask for two cores a GPU at least (taskset, docker run --cpus, Slurm's --cpus-per-task)"
    else
        ok cores "$text"
    fi
}

memory_field() { awk -v name="$1:" '$1 == name {printf "%.0f", $2 * 1024 / 1e6}' "$root/proc/meminfo"; }

check_memory() {
    local all available limit swap used
    all=$(memory_field MemTotal) available=$(memory_field MemAvailable)
    limit=$({ group_values memory.max memory; group_values memory.limit_in_bytes memory; } |
        awk '/^[0-9]+$/ {printf "%.0f\n", $1 / 1e6}' | sort -n | head -n 1)
    if [ -n "$limit" ] && [ "$limit" -lt "$available" ]; then
        available=$limit
        all="$all MB, limited by the control group"
    else
        all="$all MB"
    fi
    if [ "$available" -lt $little_memory ]; then
        warns memory "$available MB free of $all" \
            "./train CONFIG --plan says what a run needs, for the copy from which a checkpoint is written, too"
    else
        ok memory "$available MB free of $all"
    fi
    swap=$(memory_field SwapTotal) used=$((swap - $(memory_field SwapFree)))
    if [ $used -gt 1000 ]; then
        warns swap "$used of $swap MB are in use: the machine has been short of memory" "end what is not needed"
    else
        ok swap "$used of $swap MB in use"
    fi
}

check_shm() {
    local size
    size=$(df -Pk "$root/dev/shm" 2>/dev/null | awk 'NR == 2 {printf "%.0f", $2 * 1024 / 1e6}')
    if [ ${#gpus[@]} -gt 1 ] && [ "${size:-0}" -lt 1000 ]; then
        warns /dev/shm "${size:-0} MB: NCCL's and PyTorch's processes exchange data there" \
            "docker run --shm-size=8g, or --ipc=host"
    else
        ok /dev/shm "${size:-0} MB"
    fi
}
