#include "worker/engine/cpu_threads.h"

#include <algorithm>
#include <optional>

#include <ATen/Parallel.h>
#include <sched.h>

#include "worker/engine/control_groups.h"

namespace upscaler {

int ThreadsPerReplica(int wanted, int cores, int replicas) {
  if (wanted > 0) return wanted;
  return std::max(1, cores / std::max(1, replicas));
}

int CpuCores(const std::filesystem::path& root) {
  int cores = at::intraop_default_num_threads();  // Of the machine, or OMP_NUM_THREADS.
  cpu_set_t allowed;
  if (::sched_getaffinity(/*pid=*/0, sizeof(allowed), &allowed) == 0) {
    cores = std::min(cores, CPU_COUNT(&allowed));
  }
  const std::optional<double> quota = CpuQuota(root);
  if (!quota.has_value() || *quota >= cores) return cores;
  return std::max(1, static_cast<int>(*quota));
}

void ComputeWithThreads(int threads) {
  // The question already brings a new thread in line with the process's number.
  if (at::get_num_threads() != threads) at::set_num_threads(threads);
}

}  // namespace upscaler
