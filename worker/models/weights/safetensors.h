// One safetensors file as tensors.
//
// The format is eight bytes of length, a JSON header that says where each tensor
// lies, and the tensors' bytes, little-endian and row-major. Nothing is read but
// the header: a tensor's pages come from the disk when somebody uses it.

#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include <ATen/core/Tensor.h>
#include <absl/status/statusor.h>

namespace upscaler {

using NamedTensors = std::map<std::string, at::Tensor, std::less<>>;

// The tensors are on the CPU, in the dtype of the file, and not to be written to.
// Each keeps the mapped file alive and is a view of it, except one that the file
// holds at an address its dtype does not allow: that one is a copy.
struct SafetensorsFile {
  NamedTensors tensors;
  std::map<std::string, std::string, std::less<>> metadata;
};

// Opens the file and checks all of its header: every tensor has a known dtype
// (F64, F32, F16, BF16, I64, I32, U8), as many bytes as its shape asks for, and
// together they fill the file without gap or overlap. kFailedPrecondition, naming
// the file and the tensor, otherwise. Thread-safe.
absl::StatusOr<SafetensorsFile> OpenSafetensors(const std::filesystem::path& path);

}  // namespace upscaler
