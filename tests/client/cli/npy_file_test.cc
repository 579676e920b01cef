#include "client/cli/npy_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using namespace std::string_literals;
using test::IsOk;
using test::StatusIs;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr auto kRefused = absl::StatusCode::kInvalidArgument;

// As numpy.save writes it, with a header of `dictionary`.
std::string Npy(const std::string& dictionary, std::size_t bytes) {
  std::string header = dictionary;
  header.resize(117, ' ');
  return "\x93NUMPY\x01\x00\x76\x00"s + header + "\n" + std::string(bytes, 'n');
}

TEST(ReadNpyTest, ReadsFloat32) {
  const auto tensor =
      ReadNpy(Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4, 2, 3), }", 96));

  ASSERT_THAT(tensor, IsOk());
  EXPECT_EQ(tensor->info.data_type(), v1::TENSOR_DATA_TYPE_FLOAT32);
  EXPECT_EQ(tensor->info.height(), 2U);
  EXPECT_EQ(tensor->info.width(), 3U);
  EXPECT_EQ(tensor->numbers, std::string(96, 'n'));
}

TEST(ReadNpyTest, ReadsFloat16AndABatchOfOne) {
  const auto tensor =
      ReadNpy(Npy("{'descr': '<f2', 'fortran_order': False, 'shape': (1, 4, 2, 3), }", 48));

  ASSERT_THAT(tensor, IsOk());
  EXPECT_EQ(tensor->info.data_type(), v1::TENSOR_DATA_TYPE_FLOAT16);
  EXPECT_EQ(tensor->info.height(), 2U);
}

TEST(ReadNpyTest, RefusesOtherTensors) {
  const auto code = [](const std::string& dictionary, std::size_t bytes) {
    return ReadNpy(Npy(dictionary, bytes)).status().code();
  };
  EXPECT_EQ(code("{'descr': '<f8', 'fortran_order': False, 'shape': (4, 2, 3), }", 192), kRefused);
  EXPECT_EQ(code("{'descr': '>f4', 'fortran_order': False, 'shape': (4, 2, 3), }", 96), kRefused);
  EXPECT_EQ(code("{'descr': '<f4', 'fortran_order': True, 'shape': (4, 2, 3), }", 96), kRefused);
  EXPECT_EQ(code("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 2, 3), }", 0), kRefused);
  EXPECT_EQ(code("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 4, 2, 3), }", 192),
            kRefused);
  EXPECT_EQ(code("{'descr': '<f4', 'fortran_order': False, 'shape': (4, 0, 3), }", 0), kRefused);
  EXPECT_EQ(code("{'descr': '<f4', 'fortran_order': False, 'shape': (4, 2, 3), }", 95), kRefused);
  EXPECT_EQ(code("{'descr': '<f4', 'fortran_order': False, 'shape': (4, 2, 9999999999999), }", 96),
            kRefused);
  EXPECT_EQ(code("nothing of the kind", 96), kRefused);
}

TEST(ReadNpyTest, RefusesOtherFilesAndHalves) {
  const std::string whole =
      Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4, 2, 3), }", 96);
  EXPECT_THAT(ReadNpy("PNG"), StatusIs(kRefused));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(ReadNpy(whole.substr(0, size)), StatusIs(kRefused));
  }
}

TEST(MakeNpyTest, WritesWhatReadNpyReads) {
  v1::LatentsInfo info;
  info.set_data_type(v1::TENSOR_DATA_TYPE_FLOAT32);
  info.set_height(2);
  info.set_width(3);

  const auto file = MakeNpy(info, std::string(96, 'n'));

  ASSERT_THAT(file, IsOk());
  const auto tensor = ReadNpy(*file);
  ASSERT_THAT(tensor, IsOk());
  EXPECT_EQ(tensor->info.width(), 3U);
  EXPECT_EQ(tensor->numbers, std::string(96, 'n'));
}

TEST(MakeNpyTest, WritesWhatNumpyWould) {
  v1::LatentsInfo info;
  info.set_data_type(v1::TENSOR_DATA_TYPE_FLOAT32);
  info.set_height(1);
  info.set_width(2);

  const auto file = MakeNpy(info, std::string(32, 'n'));

  ASSERT_THAT(file, IsOk());
  EXPECT_THAT(*file, StartsWith("\x93NUMPY\x01\x00\x76\x00"s));
  EXPECT_THAT(*file, HasSubstr("'shape': (4, 1, 2), }"));
  EXPECT_THAT(*file, EndsWith(" \n" + std::string(32, 'n')));
  EXPECT_EQ(file->size(), 128U + 32U);
}

TEST(MakeNpyTest, RefusesNumbersThatDoNotFit) {
  v1::LatentsInfo info;
  info.set_data_type(v1::TENSOR_DATA_TYPE_FLOAT32);
  EXPECT_THAT(MakeNpy(info, ""), StatusIs(kRefused));
  info.set_height(2);
  info.set_width(3);
  EXPECT_THAT(MakeNpy(info, std::string(95, 'n')), StatusIs(kRefused));
}

}  // namespace
}  // namespace upscaler
