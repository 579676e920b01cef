#include "worker/kernels/tensor_memory.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include <c10/core/CPUAllocator.h>
#include <c10/core/Device.h>
#include <sys/mman.h>

namespace upscaler {
namespace {

constexpr std::size_t kLeastBytes = std::size_t{1} << 20;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
// Beyond it no memory is to be had; sums with a little more do not wrap.
constexpr std::size_t kMostBytes = PTRDIFF_MAX / 2;

// Sizes are multiples of a sixteenth of themselves, or less, so that near ones meet.
std::size_t BlockBytes(std::size_t bytes) {
  const std::size_t step = std::min(std::bit_floor(bytes / 16), kLeastBytes);
  return (bytes + step - 1) / step * step;
}

// Whether a block of `block` bytes may stand for `bytes`. What is lost must be little even where
// many large ones live at once: see docs/adr/0009.
bool MayStandFor(std::size_t block, std::size_t bytes) {
  return block - bytes <= std::min(bytes / 8, 2 * kHugePage);
}

void Unmap(void* block, std::size_t bytes) {
  if (bytes > 0) ::munmap(block, bytes);
}

// Null where the system has none. Huge pages are used where they can be had at once; they lie at
// multiples of their size, and Linux before 6.7 maps anywhere.
void* Map(std::size_t bytes) {
  const std::size_t more = bytes < kHugePage ? 0 : kHugePage;
  void* const mapped = ::mmap(nullptr, bytes + more, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, /*fd=*/-1, /*offset=*/0);
  if (mapped == MAP_FAILED) return nullptr;
  if (more == 0) return mapped;
  auto* const begin = static_cast<char*>(mapped);
  const std::size_t before =
      (kHugePage - reinterpret_cast<std::uintptr_t>(begin) % kHugePage) % kHugePage;
  Unmap(begin, before);
  Unmap(begin + before + bytes, more - before);
  ::madvise(begin + before, bytes, MADV_HUGEPAGE);
  return begin + before;
}

// Has the huge page at `to` be the memory at `from`, which is gone from there, as a whole and with
// what is in it. False where the system does not do so; then `to` is as good as before.
bool MoveHugePage(char* from, char* to) {
  if (::mremap(from, kHugePage, kHugePage, MREMAP_MAYMOVE | MREMAP_FIXED, to) != MAP_FAILED) {
    return true;
  }
  // It may have made room there before it failed.
  ::mmap(to, kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
         /*fd=*/-1, /*offset=*/0);
  return false;
}

// LibTorch knows one allocator a process, and so there is one. Never destroyed: tensors may
// outlive everything else.
TensorMemory& ProcessMemory() {
  static auto& memory = *std::make_unique<TensorMemory>(*c10::GetDefaultCPUAllocator()).release();
  return memory;
}

}  // namespace

// In front of the memory that is given out: all that is known when it comes back is its address.
// As large as the memory is aligned.
struct alignas(64) TensorMemory::Header {
  TensorMemory* owner;
  std::size_t block_bytes;  // 0 where `small` has it.

  static Header* Of(void* data) { return static_cast<Header*>(data) - 1; }
};

TensorMemory::~TensorMemory() {
  const MutexLock lock(mutex_);
  Release(waiting_bytes_);
}

c10::DataPtr TensorMemory::allocate(std::size_t bytes) {
  const c10::Device cpu(c10::kCPU);
  if (bytes == 0) return {nullptr, cpu};
  if (bytes > kMostBytes) return small_.allocate(bytes);  // Which throws.
  const std::size_t with_header = bytes + sizeof(Header);
  std::size_t taken = bytes < kLeastBytes ? 0 : BlockBytes(with_header);
  void* block = taken == 0 ? nullptr : Take(taken);
  if (block == nullptr) {
    taken = 0;
    block = small_.raw_allocate(with_header);
  }
  void* const data = new (block) Header{.owner = this, .block_bytes = taken} + 1;
  return {data, data, &Free, cpu};
}

void TensorMemory::Free(void* data) {
  if (data == nullptr) return;
  Header* const header = Header::Of(data);
  TensorMemory& owner = *header->owner;
  if (header->block_bytes == 0) {
    owner.small_.raw_deallocate(header);
  } else {
    owner.PutBack(header, header->block_bytes);
  }
}

void* TensorMemory::Take(std::size_t& bytes) {
  const MutexLock lock(mutex_);
  void* block = nullptr;
  const auto found = waiting_.lower_bound(bytes);
  if (found != waiting_.end() && MayStandFor(found->first, bytes)) {
    bytes = found->first;
    block = found->second;
    waiting_bytes_ -= bytes;
    waiting_.erase(found);
  } else {
    block = Map(bytes);
    if (block != nullptr) {
      Release(bytes, static_cast<char*>(block));
    } else {
      Release(waiting_bytes_);
      block = Map(bytes);
    }
  }
  if (block != nullptr) in_use_ += bytes;
  return block;
}

void TensorMemory::PutBack(void* block, std::size_t bytes) {
  const MutexLock lock(mutex_);
  in_use_ -= bytes;
  try {
    waiting_.emplace(bytes, block);
    waiting_bytes_ += bytes;
  } catch (const std::bad_alloc&) {  // No deleter may throw.
    Unmap(block, bytes);
  }
}

void TensorMemory::Release(std::size_t bytes, char* heir) {
  while (bytes > 0 && !waiting_.empty()) {
    // The one that is enough and no more, or else the largest.
    auto chosen = waiting_.lower_bound(bytes);
    if (chosen == waiting_.end()) --chosen;
    auto block = waiting_.extract(chosen);
    waiting_bytes_ -= block.key();
    auto* begin = static_cast<char*>(block.mapped());
    char* const end = begin + block.key();
    const std::size_t wanted = std::min(bytes, block.key());
    bytes -= wanted;

    std::size_t left = wanted;
    while (heir != nullptr && left >= kHugePage && MoveHugePage(begin, heir)) {
      begin += kHugePage;
      heir += kHugePage;
      left -= kHugePage;
    }
    // What is not wanted goes on waiting, in whole huge pages: one that is cut is none any more.
    const std::size_t kept = heir == nullptr ? 0 : (block.key() - wanted) / kHugePage * kHugePage;
    Unmap(begin + kept, static_cast<std::size_t>(end - begin) - kept);
    if (kept == 0) continue;
    block.key() = kept;
    block.mapped() = begin;
    waiting_.insert(std::move(block));
    waiting_bytes_ += kept;
  }
}

void TensorMemory::copy_data(void* to, const void* from, std::size_t bytes) const {
  default_copy_data(to, from, bytes);
}

std::size_t TensorMemory::bytes_in_use() const {
  const MutexLock lock(mutex_);
  return in_use_;
}

std::size_t TensorMemory::bytes_waiting() const {
  const MutexLock lock(mutex_);
  return waiting_bytes_;
}

void KeepTensorMemory() { c10::SetCPUAllocator(&ProcessMemory()); }

std::size_t UnusedTensorMemory() { return ProcessMemory().bytes_waiting(); }

}  // namespace upscaler
