// The control groups that the process is in, and so what it may have of its machine.
//
// In a container the machine's memory and cores are not the process's. What it may have is the
// least of what every group around it allows.

#pragma once

#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

namespace upscaler {

// The folders of the groups of one controller, of version 2 and of version 1, each followed
// by those around it.
struct ControlGroups {
  std::vector<std::filesystem::path> version2;
  std::vector<std::filesystem::path> version1;
};

// From the text of /proc/self/cgroup; `controller` is "memory" or "cpu". The folders are below
// `mount`. In a container a path may be the host's and name nothing.
ControlGroups ControlGroupsOf(std::string_view cgroup, std::string_view controller,
                              const std::filesystem::path& mount);

// The same of this process, from proc and sys below `root`.
ControlGroups ReadControlGroups(std::string_view controller, const std::filesystem::path& root);

// How many cores' time the process may have, from the same groups; nothing where there is no
// limit.
std::optional<double> CpuQuota(const std::filesystem::path& root = "/");

}  // namespace upscaler
