// Where libvips' writers put a file: into a string, which is the only copy there is of it.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "worker/imaging/vips_image.h"

namespace upscaler {

// Not thread-safe: libvips writes from one thread at a time.
class MemoryTarget {
 public:
  // `most_expected` bytes are set aside, so that the string does not grow by copying itself;
  // memory is taken by the system only for those that are written. After the first
  // `insert_after` bytes, `inserted` goes into the file.
  MemoryTarget(std::size_t most_expected, std::size_t insert_after, std::string inserted);
  MemoryTarget(const MemoryTarget&) = delete;
  MemoryTarget& operator=(const MemoryTarget&) = delete;

  // For one writer. It must not be used once this object is gone.
  const vips::VTarget& target() const { return target_; }

  // Whether memory ran out, which the writer takes for an error of its own.
  bool out_of_memory() const { return out_of_memory_; }

  // What was written.
  std::string Take() &&;

 private:
  // What libvips calls, from its threads.
  static std::int64_t OnWrite(VipsTargetCustom* target, const void* data, std::int64_t size,
                              void* self);
  static std::int64_t OnRead(VipsTargetCustom* target, void* data, std::int64_t size, void* self);
  static std::int64_t OnSeek(VipsTargetCustom* target, std::int64_t offset, int whence, void* self);

  std::int64_t Write(std::string_view data);
  std::int64_t Read(char* data, std::int64_t size);
  std::int64_t Seek(std::int64_t offset, int whence);
  void Put(std::string_view data);

  const std::size_t insert_after_;
  std::string inserted_;
  std::string written_;
  std::size_t position_ = 0;
  bool out_of_memory_ = false;
  vips::VTarget target_;
};

}  // namespace upscaler
