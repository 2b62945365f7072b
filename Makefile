# SPDX-License-Identifier: Apache-2.0
# fovea. `make` builds the programs, `make demo` shows them, `make test` checks them; `make help` lists the rest.
#
#   CC=clang            another compiler            MARCH=native        another processor (default x86-64-v3 on x86)
#   CFLAGS=-O1          other optimisation          SAN=address,undefined | thread   sanitizers, in a folder of their own
#   WERROR=1            warnings are errors         REQUIRE=1           (test) a skipped test fails
#   CUDA_ARCH="90a 80"  GPU architectures (those of this machine's GPUs, else 90a)
#   NVCC=               without CUDA, even if nvcc is installed

ifeq ($(origin CC),default)
CC      := gcc
endif
ifeq ($(origin CXX),default)
CXX     := g++
endif
NVCC    ?= $(firstword $(shell command -v nvcc) $(wildcard /usr/local/cuda/bin/nvcc))
# That of the GPUs that are there, as 80 for compute capability 8.0; Hopper's has instructions of its own.
GPU_ARCH := $(subst .,,$(sort $(shell nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | grep -xE '[0-9]+\.[0-9]')))
CUDA_ARCH ?= $(or $(patsubst 90,90a,$(GPU_ARCH)),90a)
PYTHON  ?= python3
SAN     ?=
# The processor that CC compiles for.
TARGET  := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine 2>/dev/null || uname -m)))
IS_CLANG := $(findstring clang,$(shell $(CC) --version 2>/dev/null))
MARCH   ?= $(if $(filter x86_64,$(TARGET)),x86-64-v3,$(if $(filter $(TARGET),$(shell uname -m)),native,armv8.2-a))
# Sanitized code is compiled once and run for seconds: -O2 would take longer to compile than it saves. The same holds for
# unit tests, most of all under the sanitizers: their many assertions take three times as long to compile with -O1.
CFLAGS  ?= $(if $(SAN),-O1 -g1,-O3 -g)
TEST_CFLAGS := $(if $(filter file,$(origin CFLAGS)),-O$(if $(SAN),0,1) -g1)
comma   := ,
B       := build$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))

PACKAGES := libjpeg libpng libtiff-4 libopenjp2 charls zlib libcjson libxxhash hdf5-serial libcrypto sqlite3
WARNINGS := -Wall -Wextra -Wformat-security -Wvla -Wstrict-prototypes -Wmissing-prototypes
# Sanitizers hide the ranges of values from gcc, which then warns of what cannot happen, and keep clang from using vectors;
# plain builds keep these.
SAN_QUIET := $(if $(SAN),$(if $(IS_CLANG),-Wno-pass-failed,-Wno-format-truncation -Wno-format-overflow -Wno-stringop-truncation -Wno-maybe-uninitialized))
# Includes name a room: "base/status.h" (public, or this room's own), "kernels/cpu/real.h", "tests/fixtures/check.h".
INCLUDES := -Iinclude -Isrc -I.
# ThreadSanitizer cannot see libgomp's own synchronisation: the OpenMP pragmas are left out there.
OPENMP   := $(if $(filter thread,$(SAN)),-Wno-unknown-pragmas,-fopenmp)
SANITIZE := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)
# Which products and sums become one instruction is each compiler's own choice, and the last digits follow it: none do,
# except in the matrix products, where all do.
COMPILE  := $(CC) $(INCLUDES) -D_GNU_SOURCE $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null) $(CPPFLAGS) -std=gnu11 \
            -march=$(MARCH) -fno-math-errno -fno-trapping-math -ffp-contract=off $(WARNINGS) $(SAN_QUIET) $(OPENMP) $(CFLAGS) $(SANITIZE)
# The plugins use the program's own copy of base and of the CPU's kernels. Each program loads the libraries it uses.
LINK     := $(CC) $(OPENMP) $(CFLAGS) $(SANITIZE) -rdynamic -Wl,--as-needed $(LDFLAGS)
# A hundred tests are linked: the quicker linker, where there is one, takes a third of the time. It warns of symbols that
# clang's sanitizer hides.
TEST_LINK := $(LINK) $(if $(IS_CLANG),,$(if $(shell $(CC) -fuse-ld=gold -Wl,--version 2>/dev/null | grep gold),-fuse-ld=gold))
LIBS     := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lm -ldl -pthread $(LDLIBS)

# ThreadSanitizer's tests need the lower rooms alone.
LIBRARY  := $(patsubst %.c,$(B)/obj/%.o,$(sort $(wildcard kernels/cpu/*.c) \
            $(filter-out src/cli/% $(if $(filter thread,$(SAN)),src/train/% src/stage/% src/profile/% src/cost/% src/stats/%), \
            $(wildcard $(addprefix src/,*/*.c */*/*.c */*/*/*.c)))))
# src/cli/NAME.c is the program NAME, src/cli/NAME_options.c the table of its options.
PROGRAMS := $(patsubst src/cli/%_options.c,$(B)/%,$(wildcard src/cli/*_options.c))
# The CUDA backend, by nvcc for the GPU and by the C++ compiler for the emulator, where kernels/emu/NAME.cc replaces
# kernels/cuda/NAME.cu.
KERNELS  := $(wildcard kernels/cuda/*.cu)
CUDA     := $(if $(NVCC),$(if $(SAN),,$(B)/libfovea_cuda.so))
CUDA_OBJ := $(patsubst kernels/cuda/%.cu,$(B)/obj/kernels/cuda/%.o,$(KERNELS))
CUDA_DIR := $(patsubst %/bin/nvcc,%,$(realpath $(NVCC)))
# The kernels' stores as instructions, for tests/e2e/kernels.sh, where there is a disassembler: CUDA's or tools/setup's.
DISASSEMBLER := $(if $(CUDA),$(firstword $(wildcard $(CUDA_DIR)/bin/cuobjdump build/disassembler/nvidia/cu13/bin/cuobjdump)))
SASS     := $(if $(DISASSEMBLER),$(CUDA_OBJ:.o=.sass))
EMU      := $(B)/libfovea_emu.so
EMU_CC   := $(wildcard kernels/emu/*.cc)
EMU_CC_OBJ := $(patsubst kernels/emu/%.cc,$(B)/obj/emu/%.o,$(EMU_CC))
EMU_CU_OBJ := $(patsubst kernels/cuda/%.cu,$(B)/obj/emu/%.o,$(filter-out $(EMU_CC:kernels/emu/%.cc=kernels/cuda/%.cu),$(KERNELS)))
# To find uses of a stack frame after its function's return, gcc takes frames from the heap. In kernels that makes a
# replay 1.5 times as long, and no kernel keeps the address of a local variable. Checks that AddressSanitizer repeats are
# left out, and so are overflows, which shapes under emulation are too small for: with all of them attention takes 6.2 s
# to compile in place of 4.0.
EMU_SANITIZE := $(SANITIZE) $(if $(findstring undefined,$(SAN)),-fno-sanitize=null$(comma)object-size$(comma)vptr$(comma)return$(comma)pointer-overflow$(comma)signed-integer-overflow) \
            $(if $(findstring address,$(SAN)),$(if $(findstring clang,$(CXX)),-fno-sanitize=function,--param asan-use-after-return=0))
EMULATE  := $(CXX) -x c++ -std=c++17 $(INCLUDES) -Ikernels/emu -include kernels/emu/emu.h -D_GNU_SOURCE -march=$(MARCH) -fPIC \
            -fno-strict-aliasing -ffp-contract=off -Wall -Wextra -Wno-unknown-pragmas -Wno-pass-failed -Wno-missing-field-initializers \
            $(CPPFLAGS) $(SAN_QUIET) $(if $(SAN),-O1,-O2) -g1 $(EMU_SANITIZE)
# With cuDNN's header, beside CUDA's or in the system's folder, attention has its plans. The library is opened at run time.
CUDNN    := $(if $(NVCC),$(wildcard $(CUDA_DIR)/include/cudnn.h /usr/include/cudnn.h))
NVCOMPILE := $(NVCC) -std=c++17 $(INCLUDES) -O3 -lineinfo $(foreach a,$(CUDA_ARCH),-gencode arch=compute_$a,code=sm_$a) \
            $(if $(CUDNN),-DFOVEA_CUDNN) -Xptxas -v -Xcompiler -fPIC,-Wall,-Wextra
NVLINK   := $(NVCC) -cudart static $(foreach a,$(CUDA_ARCH),-gencode arch=compute_$a,code=sm_$a)
SYNTH    := $(patsubst %.c,$(B)/obj/%.o,$(wildcard tools/synth/*.c))
# Prints man pages and completions from the tables of options.
MANUAL   := $(patsubst %.c,$(B)/obj/%.o,$(wildcard tools/manual/*.c src/cli/*_options.c) tools/synth/arguments.c)
INSTALLED := $(notdir $(PROGRAMS)) synth
MAN      := $(INSTALLED:%=$(B)/man/%.1)
COMPLETIONS := $(INSTALLED:%=$(B)/completions/%)
ACCEPT   := $(patsubst tests/accept/%.c,$(B)/accept/%,$(wildcard tests/accept/*.c))
# For libFuzzer: make fuzz CC=clang SAN=address,undefined,fuzzer-no-link. tests/e2e/fuzz.sh runs them.
FUZZ     := $(patsubst tests/fuzz/fuzz_%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
UNIT     := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/*/test_*.c))
# The emulator's own tests, linked with it but without the product's kernels.
EMU_TEST := $(patsubst tests/%.cc,$(B)/tests/%,$(wildcard tests/emu/test_*.cc))
EMU_OWN  := $(patsubst kernels/emu/%.cc,$(B)/obj/emu/%.o,$(filter-out $(KERNELS:kernels/cuda/%.cu=kernels/emu/%.cc),$(EMU_CC)))
# Make cuDNN's plans and run its graphs without a GPU, with stand-ins for the driver and for cuDNN in separate folders;
# tests/e2e/cudnn.sh starts them.
CUDNN_TEST := $(if $(CUDNN),$(if $(SAN),,$(addprefix $(B)/tests/cudnn/,plans runs driver/libcuda.so.1 library/libcudnn.so.9)))
CHECKOPS := $(patsubst %.c,$(B)/obj/%.o,$(wildcard tests/checkops/*.c))
PRELOAD  := $(patsubst tests/preload/%.c,$(B)/tests/%.so,$(wildcard tests/preload/*.c))
# Stand-ins for NVML, a new one and an old one; tests/gauges/fake_nvml.c describes them.
FAKE_NVML := $(addprefix $(B)/tests/gauges/,libnvidia-ml.so.1 old/libnvidia-ml.so.1)
BENCH    := $(patsubst tools/bench/%.c,$(B)/bench/%,$(wildcard tools/bench/*.c))
# The tests of this build for tests/run. Those that take seconds run in the plain build, since the sanitizers make them
# three to five times as slow, and so do those of the emulator, which takes most of a minute to compile with sanitizers.
# All others run under the sanitizers; checkops in both, with the emulator in the plain build. LONG=1: everything in both.
# ThreadSanitizer gets those that start threads of our own.
SLOW     := $(addprefix $(B)/tests/,checkpoint/test_checkpoint_faults eval/test_planted model/test_fp8 model/test_mae \
            model/test_vit stage/test_fundus pack/test_phash train/test_figures train/test_key_effects train/test_layer_watch \
            pool/test_sim pool/test_store_kill train/test_plan train/test_recipe train/test_step train/test_supervised)
EMULATED := $(addprefix $(B)/tests/,device/test_autotune device/test_device eval/test_extract model/test_input train/test_evaluate \
            train/test_online_probe train/test_provenance) \
            $(EMU_TEST)
EVERY    := $(UNIT) $(EMU_TEST)
TESTED   := $(if $(LONG),$(EVERY),$(if $(SAN),$(filter-out $(SLOW) $(EMULATED),$(EVERY)),$(SLOW) $(EMULATED))) $(B)/tests/checkops
ifeq ($(SAN),thread)
TESTED   := $(filter $(addprefix $(B)/tests/,data/test_prefetch% data/test_loader% data/test_device_cache% checkpoint/test_checkpoint$(if $(LONG),%)),$(UNIT))
endif

.PHONY: all programs checked builds build-plain build-address,undefined build-thread accept cross-arm64 test-arm64 tests tested list-tested list-cudnn branches fuzz test test-long demo bench bench-data help clean format man install install-built uninstall force
all: $(PROGRAMS) $(B)/synth $(CUDA) $(if $(SAN),,$(notdir $(PROGRAMS) $(CUDA)))
accept: $(ACCEPT)
tested: $(TESTED) $(PRELOAD) $(FAKE_NVML) $(CUDNN_TEST) $(SASS) $(if $(if $(SAN),$(if $(findstring thread,$(SAN)),,$(LONG)),always),$(EMU)) $(if $(findstring address,$(SAN)),all accept)
# Scripts have unit tests write packs and features, and open tasks.
checked: all accept tested man $(BENCH) $(B)/tests/pack/test_pack $(addprefix $(B)/tests/eval/,test_extract test_page test_task_configs)
tests: checked $(EVERY)
help:
	@sed -n '2,8p' Makefile | cut -c3-
	@echo "targets: all accept demo test test-long test-arm64 bench bench-data tests man install uninstall format clean"

# The programs are copied beside the Makefile, as the README calls them; builds with sanitizers stay in their folder.
ifeq ($(SAN),)
$(notdir $(PROGRAMS) $(CUDA)): %: $(B)/%
	cp $< $@
endif

# Stamps for what file times do not show: the commands, and the list of objects in the library. -Werror is left out: it
# changes no object.
$(B)/commands: STAMP := $(COMPILE) ; $(TEST_CFLAGS) ; $(LINK) ; $(LIBS) ; $(EMULATE) ; $(NVCOMPILE)
$(B)/objects: STAMP := $(LIBRARY)
ifneq ($(strip $(file <$(B)/commands)),$(strip $(COMPILE) ; $(TEST_CFLAGS) ; $(LINK) ; $(LIBS) ; $(EMULATE) ; $(NVCOMPILE)))
$(B)/commands: force
endif
ifneq ($(strip $(file <$(B)/objects)),$(strip $(LIBRARY)))
$(B)/objects: force
endif
$(B)/commands $(B)/objects:
	@mkdir -p $(@D)
	@printf '%s\n' '$(STAMP)' >$@

# Checked once for each set of commands.
$(B)/requirements: $(B)/commands
	@missing=; for package in $(PACKAGES); do pkg-config --exists $$package || missing="$$missing $$package"; done; \
	if [ "$$missing" ]; then echo "missing:$$missing - run tools/setup, which installs them or tells how" >&2; exit 1; fi
	@touch $@

$(B)/libfovea.a: $(LIBRARY) $(B)/objects
	@rm -f $@
	ar rcs $@ $(LIBRARY)
$(PROGRAMS): $(B)/%: $(B)/obj/src/cli/%.o $(B)/obj/src/cli/%_options.o $(B)/libfovea.a
	$(LINK) -o $@ $^ $(LIBS)
$(B)/synth: $(SYNTH) $(B)/libfovea.a
	$(LINK) -o $@ $^ $(LIBS)
$(B)/manual: $(MANUAL) $(B)/libfovea.a
	$(LINK) -o $@ $^ $(LIBS)
$(ACCEPT): $(B)/accept/%: $(B)/obj/tests/accept/%.o $(B)/libfovea.a
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ $(LIBS)
$(UNIT): $(B)/tests/%: $(B)/obj/tests/%.o $(B)/libfovea.a
	@mkdir -p $(@D)
	$(TEST_LINK) $(WRAPPED) -o $@ $^ $(LIBS) -lcmocka
$(B)/tests/checkpoint/test_allocations: WRAPPED := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=vasprintf
$(FUZZ): $(B)/fuzz/%: $(B)/obj/tests/fuzz/fuzz_%.o $(B)/libfovea.a
	@mkdir -p $(@D)
	$(LINK) -fsanitize=fuzzer -o $@ $^ $(LIBS)
fuzz: $(FUZZ)
$(B)/tests/checkops: $(CHECKOPS) $(B)/libfovea.a
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ $(LIBS)
$(BENCH): $(B)/bench/%: $(B)/obj/tools/bench/%.o $(B)/libfovea.a
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ $(LIBS)
# Preloaded into programs under test; built without sanitizers, since it is loaded before them.
$(PRELOAD): $(B)/tests/%.so: tests/preload/%.c tests/preload/paths.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(INCLUDES) -D_GNU_SOURCE -O2 $(WARNINGS) $(if $(WERROR),-Werror) -fPIC -shared -o $@ $< -ldl -pthread
$(B)/tests/gauges/old/libnvidia-ml.so.1: OLD := -DFAKE_NVML_OLD
$(FAKE_NVML): $(wildcard tests/gauges/fake_*.[ch])
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(INCLUDES) -D_GNU_SOURCE -O2 $(WARNINGS) $(if $(WERROR),-Werror) -fPIC -shared $(OLD) \
	    -Wl,-soname,$(@F) -o $@ $(filter %.c,$^) -pthread
$(B)/obj/%.o: %.c $(B)/commands | $(B)/requirements
	@mkdir -p $(@D)
	$(COMPILE) $(OWN_FLAGS) $(if $(WERROR),-Werror) -MMD -MP -c -o $@ $<
$(B)/obj/kernels/cpu/gemm.o: OWN_FLAGS := -ffp-contract=fast
$(UNIT:$(B)/tests/%=$(B)/obj/tests/%.o): OWN_FLAGS := $(TEST_CFLAGS)

$(EMU_TEST): $(B)/tests/%: $(B)/obj/tests/%.o $(B)/obj/tests/emu/emulated.o $(EMU_OWN) $(B)/libfovea.a
	@mkdir -p $(@D)
	$(CXX) $(OPENMP) $(SANITIZE) -o $@ $^ $(LIBS) -lcmocka
$(B)/tests/emu/test_product: $(B)/obj/emu/matmul.o
$(B)/obj/tests/%.o: tests/%.cc $(B)/commands | $(B)/requirements
	@mkdir -p $(@D)
	$(EMULATE) $(if $(WERROR),-Werror) -MMD -MP -c -o $@ $<

# The second has its own stopwatch: without a GPU nothing takes any time.
$(B)/tests/cudnn/plans: $(CUDA_OBJ)
$(B)/tests/cudnn/runs: $(filter-out %/stopwatch.o,$(CUDA_OBJ))
$(B)/tests/cudnn/plans $(B)/tests/cudnn/runs: $(B)/tests/cudnn/%: $(B)/obj/tests/cudnn/%.o $(B)/libfovea.a
	@mkdir -p $(@D)
	$(NVLINK) -o $@ $(filter %.o,$^) $(filter %.a,$^) -lcublasLt -ldl -Xcompiler -fopenmp -Xlinker -rpath,$(CUDA_DIR)/lib64
$(B)/obj/tests/cudnn/%.o: tests/cudnn/%.cu $(B)/commands
	@mkdir -p $(@D)
	$(filter-out -Xptxas -v,$(NVCOMPILE)) $(if $(WERROR),-Werror all-warnings) -MMD -MP -c -o $@ $<
$(B)/tests/cudnn/driver/libcuda.so.1: tests/cudnn/driver.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 $(WARNINGS) $(if $(WERROR),-Werror) -fPIC -shared -Wl,-soname,$(@F) -o $@ $<
$(B)/tests/cudnn/library/libcudnn.so.9: tests/cudnn/library.cc
	@mkdir -p $(@D)
	$(CXX) -std=c++17 -O2 -Wall -Wextra $(if $(WERROR),-Werror) -isystem $(CUDA_DIR)/include -fPIC -shared -Wl,-soname,$(@F) -o $@ $<

# The emulator's library; its undefined symbols are in the program that opens it.
# A library with a name that no file of kernels/cuda defines would fail at run time only.
COMPLETE = @nm -D --undefined-only $@ | awk '/ _Z[0-9]+cuda_/ { print "$@: " $$2 " is not defined in kernels/cuda"; bad = 1 } END { exit bad }' || { rm -f $@; exit 1; }
$(EMU): $(EMU_CC_OBJ) $(EMU_CU_OBJ)
	$(CXX) -shared $(SANITIZE) -o $@ $^
	$(COMPLETE)
# The emulator's own files keep AddressSanitizer alone: with both, their templates take a quarter to a half longer.
$(EMU_CC_OBJ): $(B)/obj/emu/%.o: kernels/emu/%.cc $(B)/commands
	@mkdir -p $(@D)
	$(EMULATE) $(if $(findstring undefined,$(SAN)),-fno-sanitize=undefined) $(if $(WERROR),-Werror) -MMD -MP -c -o $@ $<
$(EMU_CU_OBJ): $(B)/obj/emu/%.o: kernels/cuda/%.cu $(B)/commands
	@mkdir -p $(@D)
	$(EMULATE) $(if $(WERROR),-Werror) -MMD -MP -c -o $@ $<

# An older build's list of dependencies may name a source that is gone.
kernels/emu/%.cc: ;

# Kernels that count which of their branches are taken, beside a copy of checkops: see tests/e2e/branches.sh.
BRANCH_OBJ := $(EMU_CU_OBJ:$(B)/obj/emu/%=$(B)/obj/branches/%)
branches: $(B)/branches/libfovea_emu.so $(B)/branches/checkops
$(BRANCH_OBJ): $(B)/obj/branches/%.o: kernels/cuda/%.cu $(B)/commands
	@mkdir -p $(@D)
	$(EMULATE) -O0 -fno-inline --coverage -MMD -MP -c -o $@ $<
$(B)/branches/libfovea_emu.so: $(EMU_CC_OBJ) $(BRANCH_OBJ)
	@mkdir -p $(@D)
	$(CXX) -shared --coverage -o $@ $^
$(B)/branches/checkops: $(B)/tests/checkops
	@mkdir -p $(@D)
	cp $< $@

# ptxas' report on registers and memory is kept beside each object. A kernel that spills or has a frame in local memory
# is an error: it would run at the speed of that memory.
$(B)/libfovea_cuda.so: $(CUDA_OBJ)
	$(NVLINK) -shared -o $@ $^ -lcublasLt \
	    -Xlinker -rpath,'$$ORIGIN',-rpath,$(CUDA_DIR)/lib64
	$(COMPLETE)
$(B)/obj/kernels/cuda/%.o: kernels/cuda/%.cu $(B)/commands
	@mkdir -p $(@D)
	$(NVCOMPILE) $(if $(WERROR),-Werror all-warnings) -MMD -MP -c -o $@ $< >$(@:.o=.ptxas) 2>&1 || { cat $(@:.o=.ptxas); exit 1; }
	@awk '/Function properties for/ { name = $$NF } /bytes stack frame/ && !/ 0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads/ \
	    { print "$<: " name ":" $$0; bad = 1 } /warning/ { print } END { exit bad }' $(@:.o=.ptxas) || { rm -f $@; exit 1; }

$(SASS): %.sass: %.o
	@PATH=$(dir $(DISASSEMBLER)):$$PATH $(DISASSEMBLER) -sass -arch sm_90a $< | grep -E 'Function :|STG|STL|LDL' >$@ || true

# The plain build, the two sanitizers' builds, and everything in tests/ run on them.
test test-long:
	tools/setup
	+@$(MAKE) --no-print-directory $(JOBS) builds $(if $(filter test-long,$@),LONG=1)
	$(if $(filter test-long,$@),-@tools/setup --arm64)
	$(if $(filter test-long,$@),+-@$(MAKE) --no-print-directory cross-arm64)
	+@tests/run $(if $(filter test-long,$@),--long)
# At once, so that no core waits for another build's last file.
builds: build-plain build-address,undefined build-thread
build-plain:
	+@$(MAKE) --no-print-directory checked
build-address,undefined build-thread: build-%:
	+@$(MAKE) --no-print-directory tested SAN=$*
demo test test-long cross-arm64 test-arm64: JOBS := $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc)) $(if $(CI),WERROR=1)
# For Arm, by a cross-compiler and with the libraries of the folder that `tools/setup --arm64` fills. Everything but the
# GPU's kernels; tests/e2e/arm64.sh runs it in an emulator of the processor.
ARM64_ROOT := build/arm64-root
ARM64_LIBRARIES := $(ARM64_ROOT)/usr/lib/aarch64-linux-gnu/pkgconfig
cross-arm64:
	@test -d $(ARM64_LIBRARIES) || { echo "cross-arm64: $(ARM64_ROOT) is missing; run tools/setup --arm64" >&2; exit 69; }
	+@PKG_CONFIG_SYSROOT_DIR=$(CURDIR)/$(ARM64_ROOT) PKG_CONFIG_LIBDIR=$(ARM64_LIBRARIES) $(MAKE) --no-print-directory $(JOBS) \
	    CC="aarch64-linux-gnu-gcc --sysroot=$(CURDIR)/$(ARM64_ROOT)" CXX="aarch64-linux-gnu-g++ --sysroot=$(CURDIR)/$(ARM64_ROOT)" \
	    NVCC= B=build/arm64 LONG=1 programs accept tested
programs: $(PROGRAMS) $(B)/synth
test-arm64: cross-arm64
	+@$(MAKE) --no-print-directory $(JOBS) programs accept
	+@tests/run --long e2e/arm64

# For tests/run.
list-tested:
	@printf '%s\n' $(TESTED)
# For tests/e2e/cudnn.sh: empty without nvcc or cuDNN.
list-cudnn:
	@printf '%s' '$(CUDNN_TEST)'

# A first look: draws photographs, trains a small model on them, draws reconstructions, reads three labels out of it.
# Photographs already there are kept. A score that the control does not believe is shown with what it found.
demo:
	@tools/setup
	+@$(MAKE) -s --no-print-directory $(JOBS) all
	@test -f demo/data/labels.csv || $(B)/synth demo/data --images 2000 --size 256 --seed 1 --force
	@./train configs/quickstart.ini --force
	@echo
	@test -f packs/demo/pack.json || ./stage folder demo/data --out packs/demo --labels labels.csv --person person | tail -n 2
	@for task in eye grade age; do \
	    ./eval runs/quickstart --against runs/quickstart:random --task configs/tasks/drawn_$$task.ini --control >build/demo-$$task.txt; \
	    sed -n '/^drawn_/,/^$$/p' build/demo-$$task.txt; test -f runs/quickstart/eval/drawn_$$task/report.html || exit 1; done
	@echo
	@echo "loss curve       runs/quickstart/curve.svg"
	@echo "reconstructions  $$(ls -t runs/quickstart/recon/*.png | head -n 1)"
	@echo "scores           runs/quickstart/eval/drawn_{eye,grade,age}/report.html"
	@echo "next             ./train configs/vit_base.ini --set data.train=demo/data/train --set data.val=demo/data/val \\"
	@echo "                     --set train.steps=2 --set train.global_batch=8"

# Speed against PyTorch in the same run; build/bench.json.
bench: all $(BENCH) $(PRELOAD) $(FAKE_NVML)
	@$(PYTHON) tools/bench/run.py --build $(B) --out $(B)/bench.json

# The loader against bare reads and PyTorch, staging against Pillow, the needs of a node; build/bench-data.json.
bench-data: all $(BENCH)
	@$(PYTHON) tools/bench/data.py --build $(B) --out $(B)/bench-data.json

man: $(MAN) $(COMPLETIONS)
$(MAN): $(B)/man/%.1: $(B)/manual
	@mkdir -p $(@D)
	@$< man $* >$@.part && mv $@.part $@
$(COMPLETIONS): $(B)/completions/%: $(B)/manual
	@mkdir -p $(@D)
	@$< bash $* >$@.part && mv $@.part $@

# The programs and the CUDA plugin share a folder of their own, $(PREFIX)/lib/fovea, and bin/ has links: a program looks
# for the plugin beside its own file, which /proc/self/exe names without links.
PREFIX   ?= /usr/local
ROOT      = $(DESTDIR)$(PREFIX)
MAN_DIR   = $(ROOT)/share/man/man1
BASH_DIR  = $(ROOT)/share/bash-completion/completions
DOCS     := $(wildcard README.md CHANGELOG.md LICENSE docs/*.md docs/*.svg docs/*.png docs/decisions/*.md)
SHARED   := $(wildcard configs/*.ini configs/*/*.ini) $(wildcard data/*.tsv) tools/systemd/fovea-pool.service
install: all man
	+@$(MAKE) --no-print-directory install-built
# What is built already, for tests/e2e/install.sh.
install-built:
	install -d $(ROOT)/bin $(ROOT)/lib/fovea $(MAN_DIR) $(BASH_DIR)
	install $(PROGRAMS) $(B)/synth $(wildcard $(CUDA)) $(ROOT)/lib/fovea
	for name in $(INSTALLED); do ln -sf ../lib/fovea/$$name $(ROOT)/bin/$$name || exit 1; done
	install -m 644 $(MAN) $(MAN_DIR)
	install -m 644 $(COMPLETIONS) $(BASH_DIR)
	for file in $(SHARED); do install -D -m 644 $$file $(ROOT)/share/fovea/$$file || exit 1; done
	for file in $(DOCS); do install -D -m 644 $$file $(ROOT)/share/doc/fovea/$$file || exit 1; done
# What is a folder of our own goes as a whole; others lose our files.
uninstall:
	rm -f $(INSTALLED:%=$(ROOT)/bin/%) $(INSTALLED:%=$(MAN_DIR)/%.1) $(INSTALLED:%=$(BASH_DIR)/%)
	rm -rf $(ROOT)/lib/fovea $(ROOT)/share/fovea $(ROOT)/share/doc/fovea

format:
	$(firstword $(wildcard build/formatter/clang_format/data/bin/clang-format) clang-format) -i $$(git ls-files -co --exclude-standard '*.c' '*.h' '*.cc' '*.cu' '*.cuh')
clean:
	rm -rf build $(notdir $(PROGRAMS)) libfovea_cuda.so

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
