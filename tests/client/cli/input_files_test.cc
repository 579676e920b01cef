#include "client/cli/input_files.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/temporary_folder.h"

namespace upscaler {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class InputFilesTest : public ::testing::Test {
 protected:
  InputFilesTest() {
    std::filesystem::create_directories(folder_.path() / "sub" / "deep");
    for (const char* name : {"b.png", "a.JPG", "notes.txt", ".hidden.png", "sub/c.webp",
                             "sub/deep/d.tiff", "sub/data.npy"}) {
      folder_.Write(name, "bytes");
    }
  }

  // The paths found below the folder, from there on.
  std::vector<std::string> Find(const std::vector<std::string>& inputs,
                                const InputSearch& search = {}) {
    found_ = FindInputs(inputs, search);
    std::vector<std::string> paths;
    for (const InputFile& file : found_.files) {
      paths.push_back(std::filesystem::path(file.path).lexically_relative(folder_.path()).string());
    }
    return paths;
  }

  test::TemporaryFolder folder_;
  FoundInputs found_;
};

TEST_F(InputFilesTest, TakesPicturesOfAFolderByName) {
  EXPECT_THAT(Find({folder_.Path("")}), ElementsAre("a.JPG", "b.png"));
  EXPECT_EQ(found_.files[0].subfolder, "");
}

TEST_F(InputFilesTest, LooksIntoSubfoldersIfToldSo) {
  EXPECT_THAT(Find({folder_.path().string()}, {.recursive = true}),
              ElementsAre("a.JPG", "b.png", "sub/c.webp", "sub/deep/d.tiff"));

  EXPECT_EQ(found_.files[2].subfolder, "sub");
  EXPECT_EQ(found_.files[3].subfolder, "sub/deep");
}

TEST_F(InputFilesTest, KnowsSubfoldersWhateverTheFoldersSpelling) {
  Find({folder_.Path("sub/../sub/")}, {.recursive = true});

  ASSERT_THAT(found_.files, SizeIs(2));
  EXPECT_EQ(found_.files[0].subfolder, "");
  EXPECT_EQ(found_.files[1].subfolder, "deep");
}

TEST_F(InputFilesTest, TakesAFileThatIsNamedWhateverItIsCalled) {
  EXPECT_THAT(Find({folder_.Path("notes.txt"), folder_.Path(".hidden.png")}),
              ElementsAre("notes.txt", ".hidden.png"));
}

TEST_F(InputFilesTest, LeavesTheOutputFolderOut) {
  EXPECT_THAT(
      Find({folder_.Path("")}, {.recursive = true, .output_folder = folder_.Path("sub/deep/")}),
      ElementsAre("a.JPG", "b.png", "sub/c.webp"));
}

TEST_F(InputFilesTest, LeavesOutputsOfAnEarlierRunOut) {
  folder_.Write("b-2x.png", "output");
  folder_.Write("b-2x-3.png", "a version");
  folder_.Write("b-3.png", "a picture");

  EXPECT_THAT(Find({folder_.Path("")}, {.output_suffix = "-2x"}),
              ElementsAre("a.JPG", "b-3.png", "b.png"));
  EXPECT_THAT(Find({folder_.Path("b-2x.png")}, {.output_suffix = "-2x"}), SizeIs(1));
}

TEST_F(InputFilesTest, DoesNotFollowLinksInCircles) {
  std::filesystem::create_directory_symlink(folder_.path(), folder_.Path("sub/circle"));

  EXPECT_THAT(Find({folder_.Path("")}, {.recursive = true}), SizeIs(4));
}

TEST_F(InputFilesTest, ExpandsPatterns) {
  EXPECT_THAT(Find({folder_.Path("*.[pt][nx]?")}), ElementsAre("b.png", "notes.txt"));
  EXPECT_THAT(Find({folder_.Path("s*")}), ElementsAre("sub/c.webp"));
}

TEST_F(InputFilesTest, TakesAPipeOnlyWhereItIsNamed) {
  ASSERT_EQ(::mkfifo(folder_.Path("c.png").c_str(), 0600), 0);

  EXPECT_THAT(Find({folder_.Path("*.png")}), ElementsAre("b.png"));
  EXPECT_THAT(Find({folder_.Path("c.png")}), ElementsAre("c.png"));
}

TEST_F(InputFilesTest, FindsPicturesOfTelephonesAndOfTheWeb) {
  std::filesystem::create_directory(folder_.path() / "new");
  folder_.Write("new/a.heic", "bytes");
  folder_.Write("new/b.HEIF", "bytes");
  folder_.Write("new/c.avif", "bytes");

  EXPECT_THAT(Find({folder_.Path("new")}), ElementsAre("new/a.heic", "new/b.HEIF", "new/c.avif"));
}

TEST_F(InputFilesTest, PrefersAFileToThePatternItsNameWouldBe) {
  folder_.Write("a[1].png", "bytes");

  EXPECT_THAT(Find({folder_.Path("a[1].png")}), ElementsAre("a[1].png"));
}

TEST_F(InputFilesTest, NamesWhatIsNotThere) {
  EXPECT_THAT(Find({folder_.Path("missing.png"), folder_.Path("*.bmp")}), IsEmpty());

  ASSERT_THAT(found_.errors, SizeIs(2));
  EXPECT_THAT(std::string(found_.errors[0].status.message()), HasSubstr("missing.png"));
  EXPECT_EQ(found_.errors[1].input, folder_.Path("*.bmp"));
}

TEST_F(InputFilesTest, TellsOneFileFromMany) {
  EXPECT_TRUE(IsOneFile("-"));
  EXPECT_TRUE(IsOneFile(folder_.Path("a.JPG")));
  EXPECT_TRUE(IsOneFile(folder_.Path("missing.png")));
  EXPECT_FALSE(IsOneFile(folder_.Path("")));
  EXPECT_FALSE(IsOneFile(folder_.Path("*.png")));
}

}  // namespace
}  // namespace upscaler
