// How many threads compute for one of ours, on the CPU.
//
// LibTorch's number is partly the process's and partly each thread's own: what one
// thread sets, another takes over at its first parallel loop if that comes from ATen,
// and not if it comes from oneDNN or OpenMP directly; afterwards neither hears of the
// other. So whoever computes says the number on its own thread.

#pragma once

#include <filesystem>

namespace upscaler {

// The threads of one replica of several on a machine's CPU: `wanted`, or for 0 its
// share of `cores`, at least one.
int ThreadsPerReplica(int wanted, int cores, int replicas);

// The cores that the calling thread may run on, or fewer where OMP_NUM_THREADS says so or a
// quota allows less of their time (see CpuQuota), which is read below `root`: with one thread
// more than whole cores, all would wait for one that is held up. At least one.
int CpuCores(const std::filesystem::path& root = "/");

// Makes the calling thread compute with `threads` threads from here on. Costs nothing
// where it does so already.
void ComputeWithThreads(int threads);

}  // namespace upscaler
