#include "common/command_line.h"

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upscaler {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

enum class Taste { kSweet, kSour };

class CommandLineTest : public ::testing::Test {
 protected:
  CommandLineTest() {
    app_.set_version_flag("--version", "shop 1");
    Add(app_, "apples-left", apples_, "How many");
    Add(app_, "names", names_, "Whose")->delimiter(',');
    AddChoice(app_, "taste", taste_, {{"sweet", Taste::kSweet}, {"sour", Taste::kSour}}, "Which");
  }

  std::optional<EarlyExit> Parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "shop");
    return ParseCommandLine(app_, static_cast<int>(arguments.size()), arguments.data());
  }

  CLI::App app_{"Sells apples.", "shop"};
  int apples_ = 3;
  std::vector<std::string> names_ = {"anna"};
  Taste taste_ = Taste::kSweet;
};

TEST_F(CommandLineTest, LeavesDefaultsAlone) {
  EXPECT_FALSE(Parse({}).has_value());

  EXPECT_EQ(apples_, 3);
  EXPECT_THAT(names_, ElementsAre("anna"));
  EXPECT_EQ(taste_, Taste::kSweet);
}

TEST_F(CommandLineTest, TakesTheLastOfARepeatedFlag) {
  EXPECT_FALSE(Parse({"--apples-left=4", "--taste=sour", "--apples-left=5"}).has_value());

  EXPECT_EQ(apples_, 5);
  EXPECT_EQ(taste_, Taste::kSour);
}

TEST_F(CommandLineTest, TakesAVariableOfTheOptionsName) {
  setenv("UPSCALER_APPLES_LEFT", "9", /*overwrite=*/1);

  const auto exit = Parse({});

  unsetenv("UPSCALER_APPLES_LEFT");
  EXPECT_FALSE(exit.has_value());
  EXPECT_EQ(apples_, 9);
}

TEST_F(CommandLineTest, TakesListsFromAFile) {
  const std::string file = ::testing::TempDir() + "upscaler-command-line.toml";
  std::ofstream(file) << "names = [\"ben\", \"eve\"]\n";

  EXPECT_FALSE(Parse({"--config", file.c_str()}).has_value());

  EXPECT_THAT(names_, ElementsAre("ben", "eve"));
}

TEST_F(CommandLineTest, ExitsWellAfterHelpAndVersion) {
  EXPECT_EQ(Parse({"--help"})->code, 0);
  EXPECT_THAT(Parse({"--help"})->text, HasSubstr("--apples-left"));
  EXPECT_EQ(Parse({"--version"})->code, 0);
  EXPECT_EQ(Parse({"--version"})->text, "shop 1\n");
}

TEST_F(CommandLineTest, ExitsWithTwoAfterAMistake) {
  EXPECT_EQ(Parse({"--pears=1"})->code, 2);
  EXPECT_EQ(Parse({"--taste=salt"})->code, 2);
  EXPECT_EQ(Mistake("too many").code, 2);
  EXPECT_THAT(Mistake("too many").text, HasSubstr("too many\n"));
}

}  // namespace
}  // namespace upscaler
