#include "worker/models/weights/safetensors.h"

#include <cstdint>
#include <string>
#include <string_view>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/golden.h"
#include "tests/support/safetensors_bytes.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace upscaler::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class SafetensorsTest : public ::testing::Test {
 protected:
  absl::StatusOr<SafetensorsFile> Open(std::string_view bytes) const {
    return OpenSafetensors(folder_.Write("model.safetensors", bytes));
  }

  // Holds that the file is refused, and that the message names the file.
  void ExpectRefused(std::string_view bytes, const std::string& message) const {
    const auto file = Open(bytes);

    EXPECT_THAT(file, StatusIs(absl::StatusCode::kFailedPrecondition));
    EXPECT_THAT(std::string(file.status().message()),
                AllOf(HasSubstr("model.safetensors"), HasSubstr(message)));
  }

  const TemporaryFolder folder_;
};

TEST_F(SafetensorsTest, GivesTensorsAsTheyWereStored) {
  const at::Tensor floats = at::arange(6, at::kFloat).view({2, 3});
  const at::Tensor halves = at::arange(4, at::kHalf);
  const at::Tensor integers = at::arange(5, at::kLong);

  const auto file = Open(SafetensorsBytes({{"f", floats}, {"h", halves}, {"i", integers}}));

  ASSERT_THAT(file, IsOk());
  ASSERT_EQ(file->tensors.size(), 3U);
  EXPECT_TRUE(at::equal(file->tensors.at("f"), floats));
  EXPECT_TRUE(at::equal(file->tensors.at("h"), halves));
  EXPECT_TRUE(at::equal(file->tensors.at("i"), integers));
}

TEST_F(SafetensorsTest, KnowsEveryDtypeByItsName) {
  const auto file =
      Open(SafetensorsBytes(R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},)"
                            R"("b":{"dtype":"BF16","shape":[2],"data_offsets":[8,12]},)"
                            R"("c":{"dtype":"I32","shape":[1],"data_offsets":[12,16]},)"
                            R"("d":{"dtype":"U8","shape":[],"data_offsets":[16,17]}})",
                            std::string(17, '\1')));

  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->tensors.at("a").scalar_type(), at::kDouble);
  EXPECT_EQ(file->tensors.at("b").scalar_type(), at::kBFloat16);
  EXPECT_EQ(file->tensors.at("c").item<std::int32_t>(), 0x01010101);
  EXPECT_EQ(file->tensors.at("d").item<std::uint8_t>(), 1);
}

TEST_F(SafetensorsTest, GivesTheMetadata) {
  const auto file = Open(SafetensorsBytes(R"({"__metadata__":{"format":"pt"}})", ""));

  ASSERT_THAT(file, IsOk());
  EXPECT_THAT(file->metadata, ElementsAre(Pair("format", "pt")));
  EXPECT_TRUE(file->tensors.empty());
}

TEST_F(SafetensorsTest, TensorsOutliveTheFileTheyCameFrom) {
  at::Tensor kept;
  {
    const TemporaryFolder folder;
    const auto path = folder.Write("f", SafetensorsBytes({{"a", at::full({1000}, 7.0F)}}));

    kept = OpenSafetensors(path)->tensors.at("a");
  }

  EXPECT_EQ(kept.sum().item<float>(), 7000.0F);
}

TEST_F(SafetensorsTest, CopiesATensorThatIsNotAligned) {
  const std::string_view header = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} )";
  ASSERT_NE((8 + header.size()) % 4, 0U);

  const auto file = Open(SafetensorsBytes(header, std::string("\0\0\x80\x3f", 4)));

  ASSERT_THAT(file, IsOk());
  const at::Tensor& tensor = file->tensors.at("a");
  EXPECT_EQ(tensor.item<float>(), 1.0F);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.const_data_ptr()) % 4, 0U);
}

TEST_F(SafetensorsTest, TakesATensorWithoutElements) {
  const auto file =
      Open(SafetensorsBytes(R"({"a":{"dtype":"F32","shape":[0,3],"data_offsets":[0,0]}})", ""));

  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->tensors.at("a").numel(), 0);
}

TEST_F(SafetensorsTest, RefusesWhatIsNoSuchFile) {
  ExpectRefused("short", "has 5 bytes, wanted at least 8");
  ExpectRefused(std::string(64, '\xff'), "says its header has 18446744073709551615 bytes");
  ExpectRefused(SafetensorsBytes("{}", "").substr(0, 9), "wanted at most 1");
  ExpectRefused(SafetensorsBytes("nonsense", ""), "the header is not a JSON object");
  ExpectRefused(SafetensorsBytes("[1]", ""), "the header is not a JSON object");
  ExpectRefused(SafetensorsBytes("[{\"a\":1,\"a\":2}]", ""), "the header is not a JSON object");
  ExpectRefused(SafetensorsBytes(R"({"__metadata__":7})", ""), "'__metadata__'");
  ExpectRefused(SafetensorsBytes(R"({"__metadata__":{"a":7}})", ""), "'a' in '__metadata__'");
  EXPECT_THAT(OpenSafetensors(folder_.path() / "absent"),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(SafetensorsTest, RefusesATruncatedFile) {
  const std::string whole = SafetensorsBytes({{"a", at::ones({8})}});

  ExpectRefused(std::string_view(whole).substr(0, whole.size() - 1),
                "tensor 'a' ends at byte 32, but the file has 31 bytes of data");
}

TEST_F(SafetensorsTest, RefusesNamesThatStandTwice) {
  ExpectRefused(SafetensorsBytes(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                                 R"("a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
                                 "12"),
                "has 'a' twice");
  ExpectRefused(SafetensorsBytes(
                    R"({"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "1"),
                "has 'dtype' twice");
}

TEST_F(SafetensorsTest, RefusesAnEntryThatMakesNoSense) {
  const auto entry = [](std::string_view fields) {
    return SafetensorsBytes(fmt::format(R"({{"a":{}}})", fields), std::string(8, 'x'));
  };

  ExpectRefused(entry("7"), "tensor 'a' is not described by a JSON object");
  ExpectRefused(entry(R"({"shape":[8],"data_offsets":[0,8]})"), "has no dtype");
  ExpectRefused(entry(R"({"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]})"),
                "has the dtype F8_E4M3, wanted F64");
  ExpectRefused(entry(R"({"dtype":"U8","shape":[-8],"data_offsets":[0,8]})"), "no valid shape");
  ExpectRefused(entry(R"({"dtype":"U8","shape":[8.0],"data_offsets":[0,8]})"), "no valid shape");
  ExpectRefused(entry(R"({"dtype":"U8","shape":[8],"data_offsets":[8]})"), "no valid data_offsets");
  ExpectRefused(entry(R"({"dtype":"U8","shape":[8],"data_offsets":[8,0]})"),
                "ends at byte 0, before its begin 8");
  ExpectRefused(entry(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})"),
                "has 8 bytes, wanted those of Float [3]");
}

TEST_F(SafetensorsTest, RefusesAShapeThatOverflows) {
  ExpectRefused(SafetensorsBytes(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],)"
                                 R"("data_offsets":[0,0]}})",
                                 ""),
                "tensor 'a' has 0 bytes");
  ExpectRefused(SafetensorsBytes(R"({"a":{"dtype":"F32","shape":[0,4294967296,4294967296],)"
                                 R"("data_offsets":[0,0]}})",
                                 ""),
                "tensor 'a' has 0 bytes");
}

TEST_F(SafetensorsTest, RefusesOverlapsAndGaps) {
  const auto two_from = [](int begin) {
    return SafetensorsBytes(
        fmt::format(R"({{"a":{{"dtype":"U8","shape":[4],"data_offsets":[0,4]}},)"
                    R"("b":{{"dtype":"U8","shape":[2],"data_offsets":[{},{}]}}}})",
                    begin, begin + 2),
        "12345678");
  };

  ExpectRefused(two_from(3), "tensor 'b' begins at byte 3, but the one before it ends at 4");
  ExpectRefused(two_from(5), "tensor 'b' begins at byte 5, but the one before it ends at 4");
  ExpectRefused(two_from(4), "has 8 bytes of data, but its tensors have 6");
}

TEST(GoldenTest, HoldsTheReferencesTensorsAndSettings) {
  const Golden golden("demo_coffee_96x64_g1");

  EXPECT_EQ(golden.Setting("seed"), "7");
  EXPECT_THAT(golden.Tensor("image").sizes(), ElementsAre(128, 192, 3));
  EXPECT_FALSE(golden.Has("text.1.input_ids"));
}

}  // namespace
}  // namespace upscaler::test
