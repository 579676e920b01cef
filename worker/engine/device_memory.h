// How much memory there is, and how much of it is free for pictures.
//
// In a container the machine's memory is not the process's: the kernel ends a
// process that outgrows its control group, however much the machine has left. So
// the CPU's answer is the least of the machine's and of every group's around us.

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

#include <c10/core/Device.h>

#include "worker/scheduler/engine.h"

namespace upscaler {

// MemAvailable of /proc/meminfo in bytes; nothing where it is missing.
std::optional<std::int64_t> AvailableMemory(std::string_view meminfo);

// What a control group has left of its limit, in bytes, from the files that hold the
// limit, the usage, and memory.stat. The page cache that nobody has touched lately
// counts as free: the kernel takes it back first. Nothing where there is no limit.
std::optional<std::int64_t> LeftInGroup(std::string_view limit, std::string_view usage,
                                        std::string_view stat);

// What a process may use of the machine's memory, in bytes, from proc and sys below
// `root`; where they say nothing, nothing limits. Thread-safe.
std::int64_t TotalHostBytes(const std::filesystem::path& root = "/");

// What a process can still take of the machine's memory, in bytes, from the same. Thread-safe.
std::int64_t FreeHostBytes(const std::filesystem::path& root = "/");

// What can still be taken of the device's memory, in bytes, counting what LibTorch
// holds of it and does not use. 0 for a GPU that does not answer. Thread-safe.
std::int64_t FreeDeviceBytes(const c10::Device& device);

// That, and what there is in all. Thread-safe.
DeviceMemory MemoryOfDevice(const c10::Device& device);

}  // namespace upscaler
