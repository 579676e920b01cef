#include "common/mapped_file.h"

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using test::IsOk;
using test::StatusIs;
using ::testing::HasSubstr;

class MappedFileTest : public ::testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path_); }

  void Write(const std::string& text) const { std::ofstream(path_) << text; }

  std::string ReadBack() const {
    std::ifstream file(path_);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  static std::string TextOf(const MappedFile& file) {
    return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
  }

  const std::filesystem::path path_ =
      std::filesystem::path(::testing::TempDir()) /
      ::testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(MappedFileTest, ShowsTheWholeFile) {
  const std::string text(10'000, 'w');
  Write(text);

  const auto file = MappedFile::Open(path_);

  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(TextOf(**file), text);
}

TEST_F(MappedFileTest, OutlivesTheFilesName) {
  Write("weights");
  const auto file = MappedFile::Open(path_);
  ASSERT_THAT(file, IsOk());

  std::filesystem::remove(path_);

  EXPECT_EQ(TextOf(**file), "weights");
}

TEST_F(MappedFileTest, KeepsTheFileSafeFromWhoWritesToTheMapping) {
  Write("weights");
  const auto file = MappedFile::Open(path_);
  ASSERT_THAT(file, IsOk());

  const_cast<std::byte&>((*file)->bytes()[0]) = std::byte{'W'};

  EXPECT_EQ(TextOf(**file), "Weights");
  EXPECT_EQ(ReadBack(), "weights");
}

TEST_F(MappedFileTest, SaysWhichFileIsMissingAndWhy) {
  const auto file = MappedFile::Open("/nowhere/weights");

  EXPECT_THAT(file, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(std::string(file.status().message()),
              AllOf(HasSubstr("/nowhere/weights"), HasSubstr("No such file")));
}

TEST_F(MappedFileTest, RefusesAnEmptyFile) {
  Write("");

  EXPECT_THAT(MappedFile::Open(path_), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(MappedFileTest, RefusesAFolder) {
  EXPECT_THAT(MappedFile::Open(::testing::TempDir()), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace upscaler
