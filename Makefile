# The everyday words. `make` alone lists them; what they do is in CMakePresets.json
# and tools/.

IMAGE ?= docs/pictures/astronaut.png
MODEL ?= checkpoints/demo
SECONDS_OF_FUZZING ?= 60

# A compile job that sees LibTorch's headers can take 2 GB: as many as there are
# cores, but never more than a third of the memory in GB, and at least one.
JOBS ?= $(shell awk -v cores=$$(nproc) '/^MemAvailable/ { jobs = int($$2 / 3145728); \
          if (jobs > cores) jobs = cores; if (jobs < 1) jobs = 1; print jobs }' /proc/meminfo)
export CMAKE_BUILD_PARALLEL_LEVEL := $(JOBS)

SERVER := build/release/bin/upscaler-server
PROGRAMS := upscaler-server upscaler-gateway upscale upscaler-probe

.PHONY: help setup build demo serve test asan tsan clang fuzz bench format lint clean

help: ## list these words
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what the build needs (Debian 12; nothing is done twice)
	@tools/setup.sh build

build: setup ## compile the programs into build/release/bin
	cmake --preset release
	cmake --build --preset release --target $(PROGRAMS)

demo: build ## upscale a picture over REST and gRPC [IMAGE=path]; look into demo-output/
	@tools/demo.sh "$(IMAGE)"

serve: build ## run the server until interrupted [MODEL=folder]
	$(SERVER) --model "$(MODEL)" --log-format text

test: ## every test, in the release build
	@tools/setup.sh build test deploy
	cmake --workflow --preset release

asan: ## the tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@tools/setup.sh build test
	cmake --workflow --preset asan

tsan: ## the tests that race, under ThreadSanitizer
	@tools/setup.sh build test
	cmake --workflow --preset tsan

clang: ## compile and test with Clang and its thread safety analysis
	@tools/setup.sh build test lint
	cmake --workflow --preset clang

fuzz: ## feed the decoder bytes of libFuzzer's making for a minute [SECONDS_OF_FUZZING=60]
	@tools/setup.sh build lint
	cmake --preset fuzz
	cmake --build --preset fuzz
	mkdir -p build/fuzz/corpus
	cd build/fuzz && ASAN_OPTIONS=detect_leaks=0 bin/decode_picture_fuzz -max_total_time=$(SECONDS_OF_FUZZING) \
	  -max_len=65536 -timeout=20 -rss_limit_mb=8000 -print_final_stats=1 -verbosity=0 corpus ../../tests/fuzz/corpus/decode

bench: ## measure scheduling, scaling, service and model (an hour); draw the figures of docs/
	@tools/setup.sh build test bench
	cmake --preset release
	cmake --build --preset release
	build/release/bin/scheduling_bench --out benchmarks/results/scheduling.json
	.deps/test-venv/bin/python -B benchmarks/service.py
	python3 -B benchmarks/scaling.py report
	build/release/bin/conv_bench
	build/release/bin/savings_bench
	.deps/peers-venv/bin/python -B benchmarks/model.py
	.deps/bench-venv/bin/python -B benchmarks/plot.py

format: ## put every C++ file into our form
	@tools/setup.sh lint
	git ls-files --cached --others --exclude-standard '*.h' '*.cc' | xargs clang-format -i

lint: ## check form, rooms, file sizes and scripts
	@tools/setup.sh lint
	@tools/lint.sh

clean: ## remove what was built (what setup installed stays)
	rm -rf build demo-output
