#include "worker/models/weights/weights.h"

#include <map>
#include <string>
#include <string_view>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/safetensors_bytes.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace upscaler::test {
namespace {

using ::testing::HasSubstr;

class WeightsTest : public ::testing::Test {
 protected:
  // Writes a file whose tensors are the numbers by these names.
  void WriteTensors(const std::string& file, const std::map<std::string, float>& numbers) const {
    std::map<std::string, at::Tensor> tensors;
    for (const auto& [name, number] : numbers) tensors.emplace(name, at::full({1}, number));
    folder_.Write(file, SafetensorsBytes(tensors));
  }

  absl::StatusOr<Weights> Open(std::string_view variant = "") const {
    return OpenWeights(folder_.path(), "model", variant);
  }

  float Number(const std::string& name, std::string_view variant = "") const {
    return Open(variant)->tensors.at(name).item<float>();
  }

  void ExpectRefused(const std::string& message, std::string_view variant = "") const {
    const auto weights = Open(variant);

    EXPECT_THAT(weights, StatusIs(absl::StatusCode::kFailedPrecondition));
    EXPECT_THAT(std::string(weights.status().message()), HasSubstr(message));
  }

  const TemporaryFolder folder_;
};

TEST_F(WeightsTest, TakesThePlainFileWhenNoVariantIsAskedFor) {
  WriteTensors("model.safetensors", {{"a", 1}});
  WriteTensors("model.fp16.safetensors", {{"a", 2}});

  EXPECT_EQ(Number("a"), 1.0F);
  EXPECT_EQ(Open()->folder, folder_.path());
}

TEST_F(WeightsTest, TakesTheVariantThatIsAskedFor) {
  WriteTensors("model.safetensors", {{"a", 1}});
  WriteTensors("model.fp16.safetensors", {{"a", 2}});

  EXPECT_EQ(Number("a", "fp16"), 2.0F);
}

TEST_F(WeightsTest, FallsBackToFp16WhereThereIsNoPlainFile) {
  WriteTensors("model.fp16.safetensors", {{"a", 2}});

  EXPECT_EQ(Number("a"), 2.0F);
}

TEST_F(WeightsTest, DoesNotFallBackFromAVariantThatIsAskedFor) {
  WriteTensors("model.safetensors", {{"a", 1}});

  ExpectRefused("has no weights, wanted model.bf16.safetensors", "bf16");
}

TEST_F(WeightsTest, JoinsShards) {
  WriteTensors("model-00001-of-00002.safetensors", {{"a", 1}, {"b", 2}});
  WriteTensors("model-00002-of-00002.safetensors", {{"c", 3}});
  folder_.Write("model.safetensors.index.json", R"({"weight_map": {
      "a": "model-00001-of-00002.safetensors",
      "b": "model-00001-of-00002.safetensors",
      "c": "model-00002-of-00002.safetensors"}})");

  ASSERT_THAT(Open(), IsOk());
  EXPECT_EQ(Open()->tensors.size(), 3U);
  EXPECT_EQ(Number("c"), 3.0F);
}

TEST_F(WeightsTest, FindsTheIndexOfAVariantUnderBothItsNames) {
  WriteTensors("one.safetensors", {{"a", 1}});
  folder_.Write("model.x.safetensors.index.json", R"({"weight_map": {"a": "one.safetensors"}})");
  folder_.Write("model.safetensors.index.y.json", R"({"weight_map": {"a": "one.safetensors"}})");

  EXPECT_EQ(Number("a", "x"), 1.0F);
  EXPECT_EQ(Number("a", "y"), 1.0F);
}

TEST_F(WeightsTest, RefusesAShardOutsideTheFolder) {
  for (const char* shard : {"../model.safetensors", "/etc/passwd", "..", "a\\\\b", ""}) {
    folder_.Write("model.safetensors.index.json",
                  fmt::format(R"({{"weight_map": {{"a": "{}"}}}})", shard));

    ExpectRefused("the shard of tensor 'a' is not a plain file name");
  }
}

TEST_F(WeightsTest, RefusesAnIndexThatDoesNotAgreeWithTheShards) {
  WriteTensors("one.safetensors", {{"a", 1}});
  WriteTensors("two.safetensors", {{"a", 1}, {"b", 1}});

  folder_.Write("model.safetensors.index.json", R"({"weight_map": {"b": "one.safetensors"}})");
  ExpectRefused("tensor 'b' is not in one.safetensors");
  folder_.Write("model.safetensors.index.json",
                R"({"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}})");
  ExpectRefused("tensor 'a' is in two.safetensors and in another shard");
  folder_.Write("model.safetensors.index.json", R"({"weight_map": {"a": "three.safetensors"}})");
  ExpectRefused("three.safetensors");
  folder_.Write("model.safetensors.index.json", R"({"metadata": {}})");
  ExpectRefused("has no 'weight_map'");
}

TEST_F(WeightsTest, SaysThatPicklesAreNotRead) {
  folder_.Write("pytorch_model.bin", "pickle");

  ExpectRefused("has weights as .bin, which is not read, wanted model.safetensors");
}

TEST_F(WeightsTest, RefusesAFolderWithoutWeights) {
  ExpectRefused("has no weights, wanted model.safetensors");
  EXPECT_THAT(OpenWeights(folder_.path() / "absent", "model", ""),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace upscaler::test
