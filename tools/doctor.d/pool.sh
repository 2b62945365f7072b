# SPDX-License-Identifier: Apache-2.0
# Sourced by tools/doctor: what ./pool needs of a machine.

first_namespace='pid:[4026531836]' # the kernel's number of the namespace that is not a container's

# The nearest folder above the pool's state, or that itself, which is there.
pool_folder() {
    local state=${FOVEA_POOL-}
    if [ -z "$state" ]; then
        state=/var/lib/fovea-pool
        if [ ! -d "$state" ]; then state=${XDG_STATE_HOME:-$HOME/.local/state}/fovea-pool; fi
    fi
    while [ ! -d "$state" ]; do state=$(dirname "$state"); done
    echo "$state"
}

check_pool() {
    local state kind
    state=$(pool_folder)
    kind=$(stat -f -c %T "$state" 2>/dev/null)
    case $kind in
    nfs* | lustre | ceph | gpfs | smb* | cifs | fuse*)
        warns "pool" "$state is on $kind: the pool's database needs a disk of this machine" \
            "name a folder on one: FOVEA_POOL=DIR"
        ;;
    *) ok "pool" "state in $state, on $kind" ;;
    esac
    if [ ${#gpus[@]} -gt 0 ] && [ "$(readlink "$root/proc/self/ns/pid")" != "$first_namespace" ]; then
        warns "pool" "this is a container with process numbers of its own, and the driver reports the machine's: the \
pool takes its jobs' processes for foreign ones" "start the container with --pid=host, or the pool outside of it"
    fi
}
