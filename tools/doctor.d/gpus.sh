# SPDX-License-Identifier: Apache-2.0
# Sourced by tools/doctor: GPUs, their driver and the libraries of CUDA.

needed_cuda=13
needed_driver=580        # the first that runs CUDA 13

gpus=() # "INDEX, NAME, MB, MB USED, PCI ADDRESS, DRIVER"

# A display controller of NVIDIA's without a driver.
has_nvidia_device() {
    local device
    for device in "$root"/sys/bus/pci/devices/*; do
        if [ "$(cat "$device/vendor" 2>/dev/null)" = 0x10de ] && [[ $(cat "$device/class" 2>/dev/null) = 0x03* ]]; then
            return
        fi
    done
    return 1
}

find_gpus() {
    local output status=0
    if ! command -v nvidia-smi >/dev/null; then
        if has_nvidia_device; then
            fails 69 driver "a GPU of NVIDIA's is here, but nvidia-smi is not" \
                "install NVIDIA's driver $needed_driver or newer, or give a container GPUs (docker run --gpus all)"
        else
            ok GPU "none: runs compute on the CPU"
        fi
        return
    fi
    output=$(timeout 30 nvidia-smi --format=csv,noheader,nounits \
        --query-gpu=index,name,memory.total,memory.used,pci.bus_id,driver_version 2>&1) || status=$?
    if [ $status = 124 ]; then
        fails 69 driver "nvidia-smi does not answer" "see \`dmesg\`, and restart the machine"
    elif [ $status != 0 ] || [ -z "$output" ]; then
        fails 69 driver "nvidia-smi finds no working GPU: $(head -n 1 <<<"$output")" \
            "reinstall the driver, or restart the machine after an update of the driver or the kernel"
    else
        mapfile -t gpus <<<"$output"
        check_driver "${output##*, }"
        check_gpus
    fi
}

is_at_least() { [[ $1 =~ ^[0-9]+$ ]] && [ "$1" -ge "$2" ]; }

# check_driver VERSION; CUDA's own package for compatibility makes an older driver do.
check_driver() {
    local cuda
    cuda=$(timeout 30 nvidia-smi 2>/dev/null | sed -nE 's/.*CUDA (UMD )?Version: ([0-9.]+).*/\2/p' | head -n 1)
    if is_at_least "${cuda%%.*}" $needed_cuda || is_at_least "${1%%.*}" $needed_driver; then
        ok driver "$1, for CUDA ${cuda:-$needed_cuda}"
    else
        fails 69 driver "$1 is for CUDA ${cuda:-before $needed_cuda}, and the kernels need $needed_cuda" \
            "install driver $needed_driver or newer, or on a data-centre GPU the package cuda-compat-$needed_cuda-0"
    fi
}

# The cores of a list such as 0-3,8, a line each.
list_cores() { tr , '\n' <<<"$1" | awk -F- 'NF {for (i = $1; i <= $NF; i++) print i}'; }

check_gpus() {
    local gpu index name memory used pci node nodes own
    nodes=$(ls -d "$root"/sys/devices/system/node/node[0-9]* 2>/dev/null | wc -l)
    own=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' "$root/proc/self/status" 2>/dev/null)
    for gpu in "${gpus[@]}"; do
        IFS=, read -r index name memory used pci _ <<<"${gpu//, /,}"
        if ! [[ $memory =~ ^[0-9]+$ ]]; then
            ok "GPU $index" "$name, which shares the machine's memory"
        elif [[ $used =~ ^[0-9]+$ ]] && [ $((10 * used)) -gt "$memory" ]; then
            warns "GPU $index" "$name, $used of $memory MiB are in use" \
                "\`nvidia-smi\` shows by which process; CUDA_VISIBLE_DEVICES chooses another GPU"
        else
            ok "GPU $index" "$name, $memory MiB"
        fi
        if [ "$nodes" -gt 1 ]; then check_node "$index" "${pci,,}" "$own"; fi
    done
}

# check_node GPU PCI-ADDRESS OWN-CORES: workers run on the cores beside their GPU, if the process may use these.
check_node() {
    local node near
    # The kernel's addresses have four digits of the domain, nvidia-smi's eight.
    node=$(cat "$root/sys/bus/pci/devices/${2#0000}/numa_node" 2>/dev/null)
    if [ "${node:--1}" -lt 0 ]; then
        warns "NUMA" "the node of GPU $1 is not known: data may go through another node's memory" \
            "find the node by \`nvidia-smi topo -m\` and start runs with \`numactl -N NODE\`"
        return
    fi
    near=$(cat "$root/sys/devices/system/node/node$node/cpulist" 2>/dev/null)
    if [ -n "$(comm -12 <(list_cores "$near" | sort) <(list_cores "$3" | sort))" ]; then
        ok "NUMA" "GPU $1 on node $node, cores $near"
    else
        warns "NUMA" "GPU $1 is on node $node (cores $near), this process may use only cores $3" \
            "ask for cores of that node (numactl, taskset, Slurm's --gres-flags=enforce-binding)"
    fi
}

check_nodes() {
    local nodes
    nodes=$(ls -d "$root"/sys/devices/system/node/node[0-9]* 2>/dev/null | wc -l)
    if [ "$nodes" -gt 1 ]; then ok "NUMA" "$nodes nodes"; else ok "NUMA" "one node"; fi
}

# The file of a library, as a program finds it: on the path, among the system's, in CUDA's folders or in Python's.
find_library() {
    local folder
    while read -r folder; do
        if [ -n "$folder" ] && [ -e "$folder/$1" ]; then
            realpath "$folder/$1"
            return
        fi
    done < <(tr : '\n' <<<"$library_path")
    PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null | awk -v name="$1" '$1 == name {print $NF; exit}'
}

# check_library CHECK FILE STATE ADVICE: the state, of a machine with a GPU, when it is missing.
check_library() {
    local file
    file=$(find_library "$2")
    if [ -n "$file" ]; then
        ok "$1" "$(basename "$(realpath "$file")") in $(dirname "$file")"
    elif [ ${#gpus[@]} = 0 ] || [ "$3" = ok ]; then
        ok "$1" "none"
    elif [ "$3" = warns ]; then
        warns "$1" "$2 is missing" "$4"
    else
        fails 69 "$1" "$2 is missing" "$4"
    fi
}

check_cuda() {
    local nvcc version library_path plugin
    nvcc=$(command -v nvcc || ls /usr/local/cuda/bin/nvcc 2>/dev/null)
    version=$([ -z "$nvcc" ] || "$nvcc" --version 2>/dev/null | sed -n 's/.*release \([0-9.]*\).*/\1/p')
    if [ -n "$version" ] && [ "${version%%.*}" -lt $needed_cuda ]; then
        warns nvcc "CUDA $version cannot build the kernels" "install CUDA $needed_cuda's toolkit"
    else
        ok nvcc "${version:-none, which only building for GPUs needs}"
    fi
    library_path=$("$here/tools/cuda_env" sh -c 'echo "${LD_LIBRARY_PATH-}"')
    check_library cuBLASLt libcublasLt.so.13 fails "install CUDA $needed_cuda's libraries (libcublas-13-0)"
    check_library cuDNN libcudnn.so.9 warns "long attention in BF16 is slower without it: install libcudnn9-cuda-13"
    check_library NCCL libnccl.so.2 ok ""
    check_library NVML libnvidia-ml.so.1 warns \
        "./pool sees nothing of the GPUs without it: it comes with the driver (docker run --gpus all)"
    if [ ${#gpus[@]} != 0 ]; then
        plugin=$(ls "$here"/{build,bin}/libfovea_cuda.so 2>/dev/null | head -n 1)
        if [ -n "$plugin" ]; then
            ok plugin "$plugin"
        else
            warns plugin "libfovea_cuda.so is not built: runs compute on the CPU" \
                "make builds it where it finds CUDA $needed_cuda's nvcc"
        fi
    fi
}
