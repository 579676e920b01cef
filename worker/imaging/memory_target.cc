#include "worker/imaging/memory_target.h"

#include <algorithm>
#include <cstdio>
#include <new>
#include <utility>

namespace upscaler {

MemoryTarget::MemoryTarget(std::size_t most_expected, std::size_t insert_after,
                           std::string inserted)
    : insert_after_(insert_after),
      inserted_(std::move(inserted)),
      target_(VIPS_TARGET(vips_target_custom_new())) {
  written_.reserve(most_expected + inserted_.size());
  VipsTarget* target = target_.get_target();
  g_signal_connect(target, "write", G_CALLBACK(&OnWrite), this);
  // TIFF's writer goes back to where it wrote zeros.
  g_signal_connect(target, "read", G_CALLBACK(&OnRead), this);
  g_signal_connect(target, "seek", G_CALLBACK(&OnSeek), this);
}

std::string MemoryTarget::Take() && {
  // What was set aside and not used costs nothing where the system maps it. Smaller strings
  // come from memory that was used before, and would hold on to it.
  constexpr std::size_t kAlwaysMapped = 64 << 20;
  if (written_.capacity() < kAlwaysMapped) written_.shrink_to_fit();
  return std::move(written_);
}

std::int64_t MemoryTarget::OnWrite(VipsTargetCustom* /*target*/, const void* data,
                                   std::int64_t size, void* self) {
  return static_cast<MemoryTarget*>(self)->Write(
      {static_cast<const char*>(data), static_cast<std::size_t>(size)});
}

std::int64_t MemoryTarget::OnRead(VipsTargetCustom* /*target*/, void* data, std::int64_t size,
                                  void* self) {
  return static_cast<MemoryTarget*>(self)->Read(static_cast<char*>(data), size);
}

std::int64_t MemoryTarget::OnSeek(VipsTargetCustom* /*target*/, std::int64_t offset, int whence,
                                  void* self) {
  return static_cast<MemoryTarget*>(self)->Seek(offset, whence);
}

std::int64_t MemoryTarget::Write(std::string_view data) {
  try {
    if (!inserted_.empty() && position_ + data.size() >= insert_after_) {
      const std::size_t before = insert_after_ - position_;
      Put(data.substr(0, before));
      Put(std::exchange(inserted_, {}));
      Put(data.substr(before));
    } else {
      Put(data);
    }
    return static_cast<std::int64_t>(data.size());
  } catch (const std::bad_alloc&) {
    out_of_memory_ = true;
    return -1;
  }
}

void MemoryTarget::Put(std::string_view data) {
  const std::size_t over = std::min(data.size(), written_.size() - position_);
  written_.replace(position_, over, data);
  position_ += data.size();
}

std::int64_t MemoryTarget::Read(char* data, std::int64_t size) {
  const std::size_t read = written_.copy(data, static_cast<std::size_t>(size), position_);
  position_ += read;
  return static_cast<std::int64_t>(read);
}

std::int64_t MemoryTarget::Seek(std::int64_t offset, int whence) {
  std::int64_t from = 0;
  if (whence == SEEK_CUR) from = static_cast<std::int64_t>(position_);
  if (whence == SEEK_END) from = static_cast<std::int64_t>(written_.size());
  const std::int64_t to = from + offset;
  if (to < 0) return -1;
  try {
    // Beyond the end there is nothing until it is written to.
    if (std::cmp_greater(to, written_.size())) written_.resize(static_cast<std::size_t>(to));
  } catch (const std::bad_alloc&) {
    out_of_memory_ = true;
    return -1;
  }
  position_ = static_cast<std::size_t>(to);
  return to;
}

}  // namespace upscaler
