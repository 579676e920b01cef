#include "worker/engine/device_memory.h"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>
#include <c10/core/CachingDeviceAllocator.h>

#include "common/kernel_file.h"
#include "worker/engine/control_groups.h"
#include "worker/kernels/device/catch_torch.h"
#include "worker/kernels/tensor_memory.h"

namespace upscaler {
namespace {

constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kBytesPerKib = 1024;

// Abseil's string_view is not the standard library's here.
absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

std::optional<std::int64_t> ToNumber(absl::string_view text) {
  std::int64_t number = 0;
  if (!absl::SimpleAtoi(text, &number)) return std::nullopt;
  return number;
}

// The number on the line of `text` that begins with `name` and a blank or a colon.
std::optional<std::int64_t> Field(std::string_view text, absl::string_view name) {
  for (const absl::string_view line : absl::StrSplit(View(text), '\n')) {
    const std::vector<absl::string_view> words =
        absl::StrSplit(line, absl::ByAnyChar(": "), absl::SkipEmpty());
    if (words.size() >= 2 && words[0] == name) return ToNumber(words[1]);
  }
  return std::nullopt;
}

// The same in bytes, of a line that is in KiB.
std::optional<std::int64_t> KibField(std::string_view text, absl::string_view name) {
  const std::optional<std::int64_t> kib = Field(text, name);
  if (!kib) return std::nullopt;
  return *kib * kBytesPerKib;
}

// The least that the groups have left, whose files have these names.
std::int64_t LeftInGroups(const std::vector<std::filesystem::path>& folders, const char* limit,
                          const char* usage) {
  std::int64_t least = kNoLimit;
  for (const std::filesystem::path& folder : folders) {
    const std::optional<std::int64_t> left =
        LeftInGroup(ReadKernelFile(folder / limit), ReadKernelFile(folder / usage),
                    ReadKernelFile(folder / "memory.stat"));
    least = std::min(least, left.value_or(kNoLimit));
  }
  return least;
}

// The least of the groups' limits.
std::int64_t LeastLimit(const std::vector<std::filesystem::path>& folders, const char* limit) {
  std::int64_t least = kNoLimit;
  for (const std::filesystem::path& folder : folders) {
    least = std::min(least, ToNumber(View(ReadKernelFile(folder / limit))).value_or(kNoLimit));
  }
  return least;
}

}  // namespace

std::optional<std::int64_t> AvailableMemory(std::string_view meminfo) {
  return KibField(meminfo, "MemAvailable");
}

std::optional<std::int64_t> LeftInGroup(std::string_view limit, std::string_view usage,
                                        std::string_view stat) {
  const std::optional<std::int64_t> most = ToNumber(View(limit));  // None in "max".
  const std::optional<std::int64_t> taken = ToNumber(View(usage));
  if (!most || !taken) return std::nullopt;
  // Version 1 has the group's own under the plain name, and with the groups below it
  // under the longer one, as the usage has.
  const std::optional<std::int64_t> with_groups_below = Field(stat, "total_inactive_file");
  const std::int64_t cache =
      with_groups_below ? *with_groups_below : Field(stat, "inactive_file").value_or(0);
  return std::max<std::int64_t>(0, *most - std::max<std::int64_t>(0, *taken - cache));
}

std::int64_t FreeHostBytes(const std::filesystem::path& root) {
  const ControlGroups groups = ReadControlGroups("memory", root);
  const std::int64_t machine =
      AvailableMemory(ReadKernelFile(root / "proc/meminfo")).value_or(kNoLimit);
  return std::min(
      {machine, LeftInGroups(groups.version2, "memory.max", "memory.current"),
       LeftInGroups(groups.version1, "memory.limit_in_bytes", "memory.usage_in_bytes")});
}

std::int64_t TotalHostBytes(const std::filesystem::path& root) {
  const ControlGroups groups = ReadControlGroups("memory", root);
  const std::int64_t machine =
      KibField(ReadKernelFile(root / "proc/meminfo"), "MemTotal").value_or(kNoLimit);
  return std::min({machine, LeastLimit(groups.version2, "memory.max"),
                   LeastLimit(groups.version1, "memory.limit_in_bytes")});
}

std::int64_t FreeDeviceBytes(const c10::Device& device) {
  if (device.is_cpu()) return FreeHostBytes() + static_cast<std::int64_t>(UnusedTensorMemory());
  const absl::StatusOr<std::int64_t> free = CatchTorch([&] {
    c10::DeviceAllocator* allocator = c10::getDeviceAllocator(device.type());
    const auto stats = allocator->getDeviceStats(device.index());
    // Of the sums over all of the allocator's pools, which come first.
    const std::int64_t unused = stats.reserved_bytes[0].current - stats.allocated_bytes[0].current;
    return static_cast<std::int64_t>(allocator->getMemoryInfo(device.index()).first) + unused;
  });
  return free.value_or(0);
}

DeviceMemory MemoryOfDevice(const c10::Device& device) {
  const std::int64_t free = FreeDeviceBytes(device);
  if (device.is_cpu()) return {.total = std::max(free, TotalHostBytes()), .free = free};
  const absl::StatusOr<std::int64_t> total = CatchTorch([&] {
    c10::DeviceAllocator* allocator = c10::getDeviceAllocator(device.type());
    return static_cast<std::int64_t>(allocator->getMemoryInfo(device.index()).second);
  });
  return {.total = total.value_or(0), .free = free};
}

}  // namespace upscaler
