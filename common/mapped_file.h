// A file's bytes, read by the operating system when they are touched.
//
// Weights are mapped rather than read: a model of gigabytes is open at once, and
// processes that serve the same file share its pages.

#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

#include <absl/status/statusor.h>

namespace upscaler {

// Immutable; thread-safe. The mapping is private: writing to the bytes would
// change this process's copy alone, and nobody does.
class MappedFile {
 public:
  // Maps the whole file. kNotFound when it cannot be opened, kInvalidArgument
  // when it is empty or not a regular file, kInternal when mapping fails.
  static absl::StatusOr<std::shared_ptr<const MappedFile>> Open(const std::filesystem::path& path);

  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  MappedFile(const std::byte* data, std::size_t size) : data_(data), size_(size) {}

  const std::byte* const data_;
  const std::size_t size_;
};

}  // namespace upscaler
