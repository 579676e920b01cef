#include "worker/kernels/machine_loops.h"

#include <array>
#include <cstddef>

namespace upscaler {

// Each in a file of its name.
extern const MachineLoops kPlainLoops;
#ifdef __x86_64__
extern const MachineLoops kAvx2Loops;
extern const MachineLoops kAvx512Loops;
#endif

std::span<const MachineLoops* const> UsableLoops() {
#ifdef __x86_64__
  static constexpr std::array<const MachineLoops*, 3> kLoops = {&kPlainLoops, &kAvx2Loops,
                                                                &kAvx512Loops};
  std::size_t usable = 1;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) usable = 2;
  if (usable == 2 && __builtin_cpu_supports("avx512f")) usable = 3;
  return std::span(kLoops).first(usable);
#else
  static constexpr std::array<const MachineLoops*, 1> kLoops = {&kPlainLoops};
  return kLoops;
#endif
}

}  // namespace upscaler
