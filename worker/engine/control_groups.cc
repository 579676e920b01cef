#include "worker/engine/control_groups.h"

#include <algorithm>
#include <string>

#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>

#include "common/kernel_file.h"

namespace upscaler {
namespace {

// `mount` and `path` below it, then each folder around that, up to `mount`.
std::vector<std::filesystem::path> Outwards(const std::filesystem::path& mount,
                                            const std::filesystem::path& path) {
  std::vector<std::filesystem::path> folders;
  for (std::filesystem::path rest = path.relative_path(); !rest.empty();
       rest = rest.parent_path()) {
    folders.push_back(mount / rest);
  }
  folders.push_back(mount);
  return folders;
}

// Of the time that a group may compute in each period. Version 2 has "max", version 1 -1
// for no limit.
std::optional<double> Quota(absl::string_view time, absl::string_view period) {
  double most = 0;
  double each = 0;
  if (!absl::SimpleAtod(time, &most) || !absl::SimpleAtod(period, &each)) return std::nullopt;
  if (most <= 0 || each <= 0) return std::nullopt;
  return most / each;
}

}  // namespace

ControlGroups ControlGroupsOf(std::string_view cgroup, std::string_view controller,
                              const std::filesystem::path& mount) {
  ControlGroups groups;
  // Abseil's string_view is not the standard library's here.
  for (const absl::string_view line :
       absl::StrSplit(absl::string_view(cgroup.data(), cgroup.size()), '\n')) {
    // A hierarchy's number, its controllers, and the path: "4:memory:/a", "0::/b".
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() < 3) continue;
    const std::vector<std::string> controllers = absl::StrSplit(parts[1], ',');
    if (parts[0] == "0" && parts[1].empty()) {
      groups.version2 = Outwards(mount, parts[2]);
    } else if (std::ranges::count(controllers, controller) > 0) {
      groups.version1 = Outwards(mount / controller, parts[2]);
    }
  }
  return groups;
}

ControlGroups ReadControlGroups(std::string_view controller, const std::filesystem::path& root) {
  return ControlGroupsOf(ReadKernelFile(root / "proc/self/cgroup"), controller,
                         root / "sys/fs/cgroup");
}

std::optional<double> CpuQuota(const std::filesystem::path& root) {
  const ControlGroups groups = ReadControlGroups("cpu", root);
  std::optional<double> least;
  const auto note = [&least](std::optional<double> quota) {
    if (quota.has_value()) least = std::min(least.value_or(*quota), *quota);
  };
  for (const std::filesystem::path& folder : groups.version2) {
    const std::string text = ReadKernelFile(folder / "cpu.max");
    const std::vector<absl::string_view> words =
        absl::StrSplit(text, absl::ByAnyChar(" \n"), absl::SkipEmpty());
    if (words.size() == 2) note(Quota(words[0], words[1]));
  }
  for (const std::filesystem::path& folder : groups.version1) {
    note(Quota(ReadKernelFile(folder / "cpu.cfs_quota_us"),
               ReadKernelFile(folder / "cpu.cfs_period_us")));
  }
  return least;
}

}  // namespace upscaler
