#include "worker/engine/cpu_threads.h"

#include <algorithm>

#include <ATen/Parallel.h>

namespace upscaler {

int ThreadsPerReplica(int wanted, int cores, int replicas) {
  if (wanted > 0) return wanted;
  return std::max(1, cores / std::max(1, replicas));
}

int CpuCores() { return at::intraop_default_num_threads(); }

void ComputeWithThreads(int threads) {
  // The question already brings a new thread in line with the process's number.
  if (at::get_num_threads() != threads) at::set_num_threads(threads);
}

}  // namespace upscaler
