#include "server/jobs/job_folder.h"

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_details.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace upscaler {
namespace {

using test::IsOk;
using test::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::SizeIs;

class JobFolderTest : public ::testing::Test {
 protected:
  static store::v1::JobRecord RecordOf(const std::vector<std::string>& pictures) {
    store::v1::JobRecord record;
    record.set_caller("ann");
    record.mutable_job()->set_job_id(kId);
    for (const std::string& picture : pictures) {
      auto& image = *record.mutable_job()->add_images();
      image.set_index(static_cast<std::uint32_t>(record.job().images_size() - 1));
      image.set_total_bytes(picture.size());
    }
    return record;
  }

  absl::Status Write(const std::vector<std::string>& pictures) {
    return folder_->Write(RecordOf(pictures), pictures);
  }

  std::vector<store::v1::JobRecord> Load() {
    return folder_->Load([this](const std::string& problem) { problems_.push_back(problem); });
  }

  // The ids of the jobs that are found.
  std::vector<std::string> LoadIds() {
    std::vector<std::string> ids;
    for (const store::v1::JobRecord& record : Load()) ids.push_back(record.job().job_id());
    return ids;
  }

  std::filesystem::path JobPath() const { return disk_.path() / "v1" / kId; }

  static constexpr const char* kId = "0123456789abcdef0123456789abcdef";
  const test::TemporaryFolder disk_;
  std::unique_ptr<JobFolder> folder_ = JobFolder::Open(disk_.path()).value();
  std::vector<std::string> problems_;
};

TEST_F(JobFolderTest, FindsAgainWhatWasWritten) {
  ASSERT_THAT(Write({"first", "second"}), IsOk());

  const std::vector<store::v1::JobRecord> records = Load();

  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].SerializeAsString(), RecordOf({"first", "second"}).SerializeAsString());
  EXPECT_EQ(folder_->Read(kId, 1, 0, 100).value(), "second");
  EXPECT_THAT(problems_, IsEmpty());
}

TEST_F(JobFolderTest, ReadsPiecesOfAPicture) {
  ASSERT_THAT(Write({"picture"}), IsOk());

  EXPECT_EQ(folder_->Read(kId, 0, 2, 3).value(), "ctu");
  EXPECT_EQ(folder_->Read(kId, 0, 5, 100).value(), "re");
  EXPECT_EQ(folder_->Read(kId, 0, 7, 100).value(), "");
  EXPECT_THAT(folder_->Read(kId, 1, 0, 100), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(JobFolderTest, WritesARecordAnewAndKeepsThePictures) {
  ASSERT_THAT(Write({"picture"}), IsOk());
  store::v1::JobRecord record = RecordOf({"picture"});
  record.set_caller("bob");

  ASSERT_THAT(folder_->Write(record, {}), IsOk());

  EXPECT_EQ(Load()[0].caller(), "bob");
  EXPECT_EQ(folder_->Read(kId, 0, 0, 100).value(), "picture");
}

TEST_F(JobFolderTest, LeavesNothingOfAJobThatIsRemoved) {
  ASSERT_THAT(Write({"picture"}), IsOk());

  EXPECT_THAT(folder_->Remove(kId), IsOk());
  EXPECT_THAT(folder_->Remove(kId), IsOk());

  EXPECT_FALSE(std::filesystem::exists(JobPath()));
  EXPECT_THAT(folder_->Read(kId, 0, 0, 100), StatusIs(absl::StatusCode::kNotFound));
}

// What a server leaves that ended while it wrote.
TEST_F(JobFolderTest, ThrowsHalfAJobAway) {
  ASSERT_THAT(Write({"picture"}), IsOk());
  std::filesystem::rename(JobPath() / "record", JobPath() / "record.part");

  EXPECT_THAT(LoadIds(), IsEmpty());

  EXPECT_FALSE(std::filesystem::exists(JobPath()));
  EXPECT_THAT(problems_, IsEmpty());
}

TEST_F(JobFolderTest, GoesByTheRecordWhileAPictureIsHalfWritten) {
  ASSERT_THAT(Write({}), IsOk());
  std::ofstream(JobPath() / "picture-0.part") << "pict";

  EXPECT_THAT(LoadIds(), ElementsAre(kId));
}

TEST_F(JobFolderTest, LeavesOutWhatIsDamagedAndSaysSo) {
  ASSERT_THAT(Write({"picture"}), IsOk());
  for (const char* damage : {"upscaler-job 1 00000000\n", "upscaler-job 2 00000000\n", ""}) {
    std::ofstream(JobPath() / "record", std::ios::binary) << damage << "damaged";
    EXPECT_THAT(LoadIds(), IsEmpty());
  }

  ASSERT_THAT(Write({"picture"}), IsOk());
  std::ofstream(JobPath() / "picture-0") << "pict";
  EXPECT_THAT(LoadIds(), IsEmpty());
  std::filesystem::remove(JobPath() / "picture-0");
  EXPECT_THAT(LoadIds(), IsEmpty());

  EXPECT_THAT(problems_, SizeIs(5));
  EXPECT_THAT(problems_.front(), HasSubstr(kId));
}

TEST_F(JobFolderTest, LeavesAloneWhatIsNotItsOwn) {
  const std::filesystem::path strange = disk_.path() / "v1" / "lost+found";
  std::filesystem::create_directory(strange);

  EXPECT_THAT(LoadIds(), IsEmpty());

  EXPECT_TRUE(std::filesystem::exists(strange));
  EXPECT_THAT(problems_, IsEmpty());
}

TEST_F(JobFolderTest, SaysThatItCannotWrite) {
  // A file where the job's folder would be, since a test may run as root, who may write
  // everywhere.
  std::ofstream(JobPath()) << "in the way";

  const absl::Status status = Write({"picture"});

  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(ReasonOf(status), Optional(std::string("STORAGE_FAILED")));
  EXPECT_THAT(std::string(status.message()), ::testing::Not(HasSubstr(disk_.path().string())));
}

TEST_F(JobFolderTest, BelongsToOneServerAtATime) {
  EXPECT_THAT(JobFolder::Open(disk_.path()), StatusIs(absl::StatusCode::kFailedPrecondition));

  folder_.reset();

  EXPECT_THAT(JobFolder::Open(disk_.path()), IsOk());
}

TEST_F(JobFolderTest, IsRefusedWhereThereCanBeNone) {
  const std::string file = disk_.Write("file", "");

  EXPECT_THAT(JobFolder::Open(file), StatusIs(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace upscaler
