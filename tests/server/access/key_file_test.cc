#include "server/access/key_file.h"

#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace upscaler {
namespace {

using test::IsOk;
using test::StatusIs;
using ::testing::HasSubstr;

constexpr const char* kOne = "one abcdefgh01234567\n";
// Of the same length.
constexpr const char* kTwo = "two abcdefgh01234567\n";

class KeyFileTest : public ::testing::Test {
 protected:
  test::TemporaryFolder folder_;
  KeyFile file_{folder_.Path("keys")};
};

TEST_F(KeyFileTest, IsReadOnceForEachChange) {
  folder_.Write("keys", kOne);
  const auto first = file_.ReadIfChanged();
  ASSERT_TRUE(first.has_value());
  ASSERT_THAT(*first, IsOk());
  EXPECT_EQ((*first)->all().front().name, "one");
  EXPECT_FALSE(file_.ReadIfChanged().has_value());

  folder_.Write("keys", kTwo);

  const auto second = file_.ReadIfChanged();
  ASSERT_TRUE(second.has_value());
  ASSERT_THAT(*second, IsOk());
  EXPECT_EQ((*second)->all().front().name, "two");
  EXPECT_FALSE(file_.ReadIfChanged().has_value());
}

TEST_F(KeyFileTest, IsReadAnewWhenALinkToItPointsElsewhere) {
  folder_.Write("old", kOne);
  folder_.Write("new", kTwo);
  std::filesystem::create_symlink("old", folder_.Path("keys"));
  ASSERT_THAT(file_.ReadIfChanged().value(), IsOk());

  std::filesystem::remove(folder_.Path("keys"));
  std::filesystem::create_symlink("new", folder_.Path("keys"));

  EXPECT_EQ(file_.ReadIfChanged().value()->all().front().name, "two");
}

TEST_F(KeyFileTest, ComplainsOnceOfAFileThatIsWrong) {
  folder_.Write("keys", "one short\n");

  const auto complaint = file_.ReadIfChanged();

  ASSERT_TRUE(complaint.has_value());
  ASSERT_THAT(*complaint, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(complaint->status().message()), HasSubstr(folder_.Path("keys") + ":1"));
  EXPECT_FALSE(file_.ReadIfChanged().has_value());
  folder_.Write("keys", kOne);
  EXPECT_THAT(file_.ReadIfChanged().value(), IsOk());
}

TEST_F(KeyFileTest, ComplainsOfWhatCannotBeRead) {
  const auto missing = file_.ReadIfChanged();
  ASSERT_TRUE(missing.has_value());
  EXPECT_THAT(*missing, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_FALSE(file_.ReadIfChanged().has_value());

  // A pipe that nobody writes to would have its reader wait for ever.
  ASSERT_EQ(mkfifo(folder_.Path("pipe").c_str(), 0600), 0);
  folder_.Write("large", std::string(KeyFile::kMaxBytes, '#') + "\n");
  for (const char* name : {"", "pipe", "large"}) {
    EXPECT_THAT(KeyFile(folder_.Path(name)).ReadIfChanged().value(),
                StatusIs(absl::StatusCode::kFailedPrecondition))
        << name;
  }
}

}  // namespace
}  // namespace upscaler
