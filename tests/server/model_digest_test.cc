#include "server/model_digest.h"

#include <stop_token>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace upscaler {
namespace {

using test::StatusIs;

class ModelDigestTest : public ::testing::Test {
 protected:
  std::string Digest() { return DigestOf(folder_.path(), stop_.get_token()).value(); }

  test::TemporaryFolder folder_;
  std::stop_source stop_;
};

TEST_F(ModelDigestTest, IsSha256OverPathsSizesAndContents) {
  folder_.Write("unet/config.json", "{}");
  folder_.Write("a", "12");

  // printf 'a\0002\00012unet/config.json\0002\000{}' | sha256sum
  EXPECT_EQ(Digest(), "sha256:5ed343b3df12dcdc66b2243494691abaed0613b3c1c4ed8cd1a927d59431ffa3");
}

TEST_F(ModelDigestTest, DependsOnWhatFilesAreCalledAndNotOnHiddenOnes) {
  folder_.Write("a", "12");
  const std::string before = Digest();
  folder_.Write(".cache/b", "3");
  EXPECT_EQ(Digest(), before);
  folder_.Write("b", "");
  EXPECT_NE(Digest(), before);
}

TEST_F(ModelDigestTest, EndsEarlyWhenItIsNotWanted) {
  folder_.Write("a", "12");
  stop_.request_stop();

  EXPECT_THAT(DigestOf(folder_.path(), stop_.get_token()), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(ModelDigestTest, NamesAFolderThatIsNotThere) {
  EXPECT_THAT(DigestOf("/no/such/folder", stop_.get_token()),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace upscaler
