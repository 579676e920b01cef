#include "worker/kernels/tensor_memory.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <map>
#include <random>
#include <thread>
#include <vector>

#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upscaler::test {
namespace {

using ::testing::Each;
using ::testing::Eq;
using ::testing::Ge;
using ::testing::Le;

constexpr std::size_t kMiB = std::size_t{1} << 20;

class TensorMemoryTest : public ::testing::Test {
 protected:
  TensorMemory memory_{*c10::GetDefaultCPUAllocator()};
};

TEST_F(TensorMemoryTest, LeavesSmallBlocksToTheOtherAllocator) {
  const c10::DataPtr data = memory_.allocate(kMiB - 1);
  std::memset(data.get(), 1, kMiB - 1);
  EXPECT_THAT(memory_.bytes_in_use(), Eq(0U));
}

TEST_F(TensorMemoryTest, GivesNoMemoryForNothing) {
  EXPECT_THAT(memory_.allocate(0).get(), Eq(nullptr));
}

TEST_F(TensorMemoryTest, GivesAlignedMemoryOfTheSizeAskedFor) {
  for (const std::size_t bytes : {kMiB, kMiB + 1, 3 * kMiB, 64 * kMiB + 5}) {
    const c10::DataPtr data = memory_.allocate(bytes);
    std::memset(data.get(), 1, bytes);
    EXPECT_THAT(reinterpret_cast<std::uintptr_t>(data.get()) % 64, Eq(0U));
    EXPECT_THAT(memory_.bytes_in_use(), Ge(bytes));
  }
  EXPECT_THAT(memory_.bytes_in_use(), Eq(0U));
}

TEST_F(TensorMemoryTest, TakesMemoryBackByItsAddressAlone) {
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{5}, 3 * kMiB}) {
    memory_.raw_deallocate(memory_.raw_allocate(bytes));
  }
  EXPECT_THAT(memory_.bytes_in_use(), Eq(0U));
}

TEST_F(TensorMemoryTest, UsesABlockAgain) {
  c10::DataPtr data = memory_.allocate(10 * kMiB);
  const void* const first = data.get();
  data.clear();
  EXPECT_THAT(memory_.allocate(9 * kMiB).get(), Eq(first));
}

TEST_F(TensorMemoryTest, DoesNotUseABlockThatIsMuchTooLarge) {
  memory_.allocate(10 * kMiB).clear();
  const c10::DataPtr data = memory_.allocate(2 * kMiB);
  EXPECT_THAT(memory_.bytes_in_use(), Le(3 * kMiB));
}

TEST_F(TensorMemoryTest, MapsNoMoreThanWasInUseAtOnce) {
  std::size_t most = 0;
  std::vector<std::size_t> mapped;
  // Sizes that never fit one another, so that none is used again.
  for (std::size_t megabytes = 2; megabytes < 200; megabytes = megabytes * 3 / 2 + 1) {
    const c10::DataPtr data = memory_.allocate(megabytes * kMiB);
    const c10::DataPtr larger = memory_.allocate(megabytes * kMiB * 2);
    most = std::max(most, memory_.bytes_in_use());
    mapped.push_back(memory_.bytes_in_use() + memory_.bytes_waiting());
  }
  EXPECT_THAT(mapped, Each(Le(most)));
}

TEST_F(TensorMemoryTest, MakesANewBlockOfPagesThatWait) {
  constexpr std::size_t kBehindTheFirstPage = 100;
  c10::DataPtr before = memory_.allocate(64 * kMiB);
  std::memset(before.get(), 'a', 64 * kMiB);
  before.clear();

  const c10::DataPtr data = memory_.allocate(20 * kMiB);

  // Had they come from the system they would be zeros.
  const auto* bytes = static_cast<const char*>(data.get());
  for (std::size_t at = kBehindTheFirstPage; at < 16 * kMiB; at += kMiB) {
    EXPECT_THAT(bytes[at], Eq('a')) << at;
  }
}

TEST_F(TensorMemoryTest, KeepsWhatIsLeftOfABlockThatWasTooLarge) {
  memory_.allocate(64 * kMiB).clear();
  const std::size_t mapped = memory_.bytes_waiting();
  const c10::DataPtr data = memory_.allocate(20 * kMiB);

  // But for what is not a whole huge page.
  EXPECT_THAT(memory_.bytes_in_use() + memory_.bytes_waiting(), Ge(mapped - 2 * kMiB));
}

// As layers do, with blocks that live for different times.
TEST_F(TensorMemoryTest, KeepsEveryBlocksContentApart) {
  std::map<std::size_t, c10::DataPtr> living;
  std::map<std::size_t, std::size_t> sizes;
  std::size_t most = 0;
  std::mt19937 random(1);
  for (std::size_t number = 0; number < 100; ++number) {
    const std::size_t bytes = kMiB / 2 + random() % (8 * kMiB);
    living[number] = memory_.allocate(bytes);
    sizes[number] = bytes;
    std::memset(living[number].get(), static_cast<int>(number % 251), bytes);
    most = std::max(most, memory_.bytes_in_use());
    EXPECT_THAT(memory_.bytes_in_use() + memory_.bytes_waiting(), Le(most));
    if (living.size() < 6) continue;
    const auto gone = std::next(living.begin(), static_cast<std::ptrdiff_t>(random() % 6));
    const auto* content = static_cast<const unsigned char*>(gone->second.get());
    const auto expected = static_cast<unsigned char>(gone->first % 251);
    EXPECT_THAT(std::count(content, content + sizes[gone->first], expected),
                Eq(static_cast<std::ptrdiff_t>(sizes[gone->first])));
    living.erase(gone);
  }
}

TEST_F(TensorMemoryTest, MapsNoMoreWhileEnoughWaits) {
  memory_.allocate(64 * kMiB).clear();
  const std::size_t mapped = memory_.bytes_waiting();
  const c10::DataPtr data = memory_.allocate(10 * kMiB);
  EXPECT_THAT(memory_.bytes_in_use() + memory_.bytes_waiting(), Le(mapped));
}

TEST_F(TensorMemoryTest, KeepsWhatNobodyNeedsTheRoomOf) {
  std::vector<c10::DataPtr> data;
  data.push_back(memory_.allocate(8 * kMiB));
  data.push_back(memory_.allocate(64 * kMiB));
  data.clear();
  EXPECT_THAT(memory_.bytes_in_use(), Eq(0U));
  EXPECT_THAT(memory_.bytes_waiting(), Ge(72 * kMiB));
}

TEST_F(TensorMemoryTest, PassesOnThatThereIsNone) {
  for (const std::size_t bytes : {std::size_t{1} << 60, SIZE_MAX}) {
    EXPECT_THROW(memory_.allocate(bytes), c10::Error);
  }
  EXPECT_THAT(memory_.bytes_in_use(), Eq(0U));
}

TEST_F(TensorMemoryTest, ServesManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 20;
  std::vector<int> overwritten(kThreads);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([this, i, &overwritten] {
        for (int round = 0; round < kRounds; ++round) {
          const std::size_t bytes = kMiB * static_cast<std::size_t>(1 + (round + i) % 3);
          const c10::DataPtr data = memory_.allocate(bytes);
          std::memset(data.get(), i, bytes);
          std::this_thread::yield();
          const auto* const block = static_cast<const char*>(data.get());
          if (!std::all_of(block, block + bytes, [i](char byte) { return byte == i; })) {
            ++overwritten[static_cast<std::size_t>(i)];
          }
        }
      });
    }
  }
  EXPECT_THAT(overwritten, Each(Eq(0)));
  EXPECT_THAT(memory_.bytes_in_use(), Eq(0U));
}

}  // namespace
}  // namespace upscaler::test
