#include "telemetry/log.h"

#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upscaler {
namespace {

using nlohmann::json;
using ::testing::ContainsRegex;
using ::testing::EndsWith;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

// The lines of a log, each parsed. A line that is not JSON is null.
std::vector<json> ParseLines(const std::ostringstream& out) {
  std::istringstream in(out.str());
  std::vector<json> lines;
  for (std::string line; std::getline(in, line);) {
    json parsed = json::parse(line, /*cb=*/nullptr, /*allow_exceptions=*/false);
    lines.push_back(parsed.is_discarded() ? json() : parsed);
  }
  return lines;
}

TEST(LoggerTest, WritesOneJsonObjectALine) {
  std::ostringstream out;
  Logger log(LogForm::kJson, out);

  log.Info("ready", {{"port", 8997}, {"device", "cpu"}, {"warm", true}, {"load_seconds", 0.5}});
  log.Warning("slow");
  log.Error("gone");

  const std::vector<json> lines = ParseLines(out);
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_EQ(lines[0]["severity"], "info");
  EXPECT_EQ(lines[0]["message"], "ready");
  EXPECT_EQ(lines[0]["port"], 8997);
  EXPECT_EQ(lines[0]["device"], "cpu");
  EXPECT_EQ(lines[0]["warm"], true);
  EXPECT_EQ(lines[0]["load_seconds"], 0.5);
  EXPECT_EQ(lines[1]["severity"], "warning");
  EXPECT_EQ(lines[2]["severity"], "error");
}

TEST(LoggerTest, TellsTheTimeInUtcWithMilliseconds) {
  std::ostringstream out;
  Logger log(LogForm::kJson, out);

  log.Info("tick");

  EXPECT_THAT(ParseLines(out).at(0)["time"].get<std::string>(),
              MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z"));
}

TEST(LoggerTest, EscapesWhatWouldBreakALine) {
  const std::string nasty = "\"quoted\"\\\nnew line\t\x01 {} %v";
  std::ostringstream out;
  Logger log(LogForm::kJson, out);

  log.Info(nasty, {{"reason", nasty}, {nasty, 1}});

  const std::vector<json> lines = ParseLines(out);
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_EQ(lines[0]["message"], nasty);
  EXPECT_EQ(lines[0]["reason"], nasty);
  EXPECT_EQ(lines[0][nasty], 1);
}

TEST(LoggerTest, ReplacesBytesThatAreNotUtf8) {
  std::ostringstream out;
  Logger log(LogForm::kJson, out);

  log.Info("odd", {{"name", "a\xff z"}});

  EXPECT_EQ(ParseLines(out).at(0)["name"], "a\uFFFD z");
}

TEST(LoggerTest, WritesPlainTextForPeople) {
  std::ostringstream out;
  Logger log(LogForm::kText, out);

  log.Warning("queue is full", {{"rows", 64}, {"device", "cuda:0"}});

  EXPECT_THAT(out.str(), ContainsRegex("^[0-9T:.-]+Z warning queue is full"));
  EXPECT_THAT(out.str(), EndsWith(" rows=64 device=\"cuda:0\"\n"));
}

TEST(LoggerTest, NeverMixesLinesOfDifferentThreads) {
  constexpr int kThreads = 4;
  constexpr int kLinesEach = 200;
  std::ostringstream out;
  Logger log(LogForm::kJson, out);

  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&log, t] {
        for (int i = 0; i < kLinesEach; ++i) log.Info("line", {{"id", fmt::format("{}/{}", t, i)}});
      });
    }
  }

  const std::vector<json> lines = ParseLines(out);
  EXPECT_THAT(lines, SizeIs(kThreads * kLinesEach));
  for (const json& line : lines) EXPECT_TRUE(line.contains("id"));
}

}  // namespace
}  // namespace upscaler
