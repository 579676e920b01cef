// Memory for tensors on the CPU that is kept, instead of being given back to the system and asked
// for anew at every layer.
//
// What malloc takes for some ten megabytes comes fresh from the system each time, filled with
// zeros page by page of 4 KiB; that was a fifth of the time of a small picture. Here it comes in
// pages of 2 MiB where the system has them, and goes back into a pool.

#pragma once

#include <cstddef>
#include <map>

#include <absl/base/thread_annotations.h>
#include <c10/core/Allocator.h>

#include "common/mutex.h"

namespace upscaler {

// Blocks of a mebibyte and more come from the pool, smaller ones from `small`.
//
// A freed block waits to be used again for what is almost as large. Before more is mapped, as much
// of what waits is given up: so the pool maps no more than was in use at once, and whatever waits
// can be counted as free. The pages of what is given up become part of what is mapped, by an entry
// in the page table each, so that the system has none to fill with zeros.
//
// Thread-safe. Must outlive what it has given out.
class TensorMemory final : public c10::Allocator {
 public:
  // `small` must outlive it.
  explicit TensorMemory(c10::Allocator& small) : small_(small) {}
  ~TensorMemory() override;

  TensorMemory(const TensorMemory&) = delete;
  TensorMemory& operator=(const TensorMemory&) = delete;

  // `bytes` of memory, aligned to 64 bytes and of any contents. Throws what `small` throws where
  // there is none.
  c10::DataPtr allocate(std::size_t bytes) override ABSL_LOCKS_EXCLUDED(mutex_);

  // Some of LibTorch's operators pass on no more than the address.
  c10::DeleterFnPtr raw_deleter() const override { return &Free; }

  void copy_data(void* to, const void* from, std::size_t bytes) const override;

  // Of the pool: what is given out, and what waits to be used again.
  std::size_t bytes_in_use() const ABSL_LOCKS_EXCLUDED(mutex_);
  std::size_t bytes_waiting() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Header;

  static void Free(void* data);

  // A block of at least `bytes`, which are set to its size and counted as in use; null where the
  // system has none.
  void* Take(std::size_t& bytes) ABSL_LOCKS_EXCLUDED(mutex_);
  void PutBack(void* block, std::size_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);
  // Gives waiting blocks back to the system, of `bytes` together, or all; but their pages to
  // `heir`, if there is one: a new block of so many bytes, which nobody has used.
  void Release(std::size_t bytes, char* heir = nullptr) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  c10::Allocator& small_;
  mutable Mutex mutex_;
  std::multimap<std::size_t, void*> waiting_ ABSL_GUARDED_BY(mutex_);  // By their sizes.
  std::size_t waiting_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t in_use_ ABSL_GUARDED_BY(mutex_) = 0;
};

// Gives all tensors on the CPU memory of this kind from now on, for the whole process and until
// its end. To be called before there are other threads that use tensors; once is enough.
void KeepTensorMemory();

// What this process has kept so and does not use, in bytes. Thread-safe.
std::size_t UnusedTensorMemory();

}  // namespace upscaler
