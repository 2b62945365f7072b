#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# make install and make uninstall, into a folder in place of the root.
. "$(dirname "$0")/lib.sh"

installed="$TMP/root/usr/there"
top=$PWD
make_target() { make -s --no-print-directory DESTDIR="$TMP/root" PREFIX=/usr/there "$@"; }

mkdir -p "$installed/bin" && : >"$installed/bin/mine"
check "make install builds what it needs" make -n DESTDIR="$TMP/root" PREFIX=/usr/there install
expect_output "install-built"
check "make install" make_target install-built
for file in bin/{train,stage,convert,pool,synth} lib/fovea/{train,stage,convert,pool,synth} share/man/man1/{train,stage,convert,pool,synth}.1 \
    share/bash-completion/completions/{train,stage,convert,pool,synth} share/fovea/configs/quickstart.ini share/fovea/data/{pretraining,xid}.tsv share/doc/fovea/README.md; do
    [ -f "$installed/$file" ] || echo "$file"
done >"$TMP/missing"
check "everything is there" test ! -s "$TMP/missing"
check "and installs over it again" make_target install-built

# From another folder, by the links.
cd "$TMP" || exit 1
check "train --version" "$installed/bin/train" --version
expect_output "fovea "
check "train --help" "$installed/bin/train" --help
expect_output "usage: train CONFIG"
check "stage --help" "$installed/bin/stage" --help
check "draws photographs" "$installed/bin/synth" data --images 24 --size 64 --val 0.2 --test 0
check "trains" env PATH="$installed/bin:$PATH" train "$installed/share/fovea/configs/quickstart.ini" --set data.train=data/train \
    --set data.val= --set run.dir=run --set model.image_size=32 --set model.patch_size=16 --set model.dim=16 --set model.depth=1 \
    --set model.heads=2 --set model.decoder_dim=16 --set model.decoder_depth=1 --set model.decoder_heads=2 \
    --set train.global_batch=4 --set train.steps=2 --set train.device=cpu --set val.every=0
check "into its run directory" test -f run/run.json
if [ -e "$installed/lib/fovea/libfovea_cuda.so" ]; then
    # The plugin is found even without a GPU: the message then comes from CUDA.
    "$installed/bin/train" "$installed/share/fovea/configs/quickstart.ini" --plan --set data.train=data/train --set train.device=cuda >cuda 2>&1
    if grep -q "no libfovea_cuda.so" cuda; then not_ok "the plugin is found"; else ok "the plugin is found"; fi
else
    skip "the plugin is found" "no nvcc: it was not built"
fi
cd "$top" || exit 1

check "make uninstall" make_target uninstall
found=$(cd "$installed" && find . ! -type d | paste -sd' ')
if [ "$found" = ./bin/mine ]; then ok "leaves what is not its own, and nothing else"; else not_ok "leaves what is not its own, and nothing else" "$found"; fi
check "nor a folder of its own" test ! -e "$installed/lib/fovea" -a ! -e "$installed/share/fovea" -a ! -e "$installed/share/doc/fovea"
