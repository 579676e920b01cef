#include "worker/engine/cpu_threads.h"

#include <algorithm>
#include <optional>

#include <ATen/Parallel.h>

#include "worker/engine/control_groups.h"

namespace upscaler {

int ThreadsPerReplica(int wanted, int cores, int replicas) {
  if (wanted > 0) return wanted;
  return std::max(1, cores / std::max(1, replicas));
}

int CpuCores(const std::filesystem::path& root) {
  const int cores = at::intraop_default_num_threads();
  const std::optional<double> quota = CpuQuota(root);
  if (!quota.has_value() || *quota >= cores) return cores;
  return std::max(1, static_cast<int>(*quota));
}

void ComputeWithThreads(int threads) {
  // The question already brings a new thread in line with the process's number.
  if (at::get_num_threads() != threads) at::set_num_threads(threads);
}

}  // namespace upscaler
