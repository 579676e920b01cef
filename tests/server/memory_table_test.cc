#include "server/memory_table.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upscaler {
namespace {

constexpr std::int64_t kMaxPixels = 512 * 512;

// Rows take memory as a model's do: either the steps need most, which hold something
// beside the pixels, or the decoding, which needs more for each of them.
class EngineWithMemory final : public Engine {
 public:
  bool wants_one_thread() const override { return false; }
  SideRule sides() const override { return {.multiple = 64, .minimum = 64}; }
  LatentsRule latents() const override { return {}; }
  std::int64_t RowBytes(const BatchKey& key) const override {
    const std::int64_t pixels = std::int64_t{key.width} * key.height;
    return std::max(1'000'000 + 10 * key.passes() * pixels, 50 * pixels);
  }
  std::int64_t FreeBytes() const override { return 0; }

  absl::StatusOr<Intake> Admit(RowId /*id*/, const RowSpec& /*spec*/) override { return Intake(); }
  absl::StatusOr<int> Encode(RowId /*id*/) override { return 0; }
  absl::StatusOr<std::vector<absl::Status>> Step(std::span<const RowId> rows) override {
    return std::vector<absl::Status>(rows.size());
  }
  absl::StatusOr<Image> Preview(RowId /*id*/) override { return Image(); }
  Decoding Finish(RowId /*id*/) override { return nullptr; }
  void Drop(RowId /*id*/) override {}
};

TEST(MemoryTableTest, KnowsWhatItWasToldOfSquares) {
  const EngineWithMemory engine;

  const MemoryTable table(engine, kMaxPixels);

  for (const bool guided : {false, true}) {
    for (const int side : {64, 256, 512}) {
      const BatchKey key = {.width = side, .height = side, .guided = guided};
      EXPECT_EQ(table.BytesOf(key), engine.RowBytes(key)) << side;
    }
  }
}

TEST(MemoryTableTest, SaysAboutEnoughForOtherShapesAndNeverLess) {
  const EngineWithMemory engine;

  const MemoryTable table(engine, kMaxPixels);

  for (const bool guided : {false, true}) {
    for (int width = 64; width <= 512; width += 64) {
      for (int height = 64; height <= 1024; height += 64) {
        const BatchKey key = {.width = width, .height = height, .guided = guided};
        const std::int64_t bytes = engine.RowBytes(key);
        EXPECT_GE(table.BytesOf(key), bytes - 1) << width << "x" << height;
        EXPECT_LE(table.BytesOf(key), bytes + bytes / 5) << width << "x" << height;
      }
    }
  }
}

TEST(MemoryTableTest, OutlivesTheEngine) {
  auto engine = std::make_unique<EngineWithMemory>();
  const MemoryTable table(*engine, kMaxPixels);

  engine.reset();

  EXPECT_GT(table.BytesOf({.width = 64, .height = 128}), 0);
}

TEST(MemoryTableTest, NeedsNoMoreThanTheSmallestPicture) {
  const EngineWithMemory engine;

  const MemoryTable table(engine, /*max_pixels=*/1);

  EXPECT_EQ(table.BytesOf({.width = 64, .height = 64}), 1'000'000 + 10 * 64 * 64);
}

}  // namespace
}  // namespace upscaler
