// What LibTorch's tensors take of memory, to the byte.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <c10/core/Allocator.h>
#include <c10/core/Device.h>

namespace upscaler::test {

// Counts what the thread allocates that has set it, as LibTorch's profiler does:
//
//   const auto meter = std::make_shared<AllocationMeter>();
//   const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, meter);
class AllocationMeter final : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void* /*pointer*/, std::int64_t size, std::size_t /*allocated*/,
                         std::size_t /*reserved*/, c10::Device /*device*/) override {
    now_ += size;
    most_ = std::max(most_, now_);
  }
  bool memoryProfilingEnabled() const override { return true; }

  // Bytes that were allocated since, and not freed.
  std::int64_t now() const { return now_; }
  // The most that they were at any time.
  std::int64_t most() const { return most_; }

 private:
  std::int64_t now_ = 0;
  std::int64_t most_ = 0;
};

}  // namespace upscaler::test
