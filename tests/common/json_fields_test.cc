#include "common/json_fields.h"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using test::IsOk;
using test::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class JsonFieldsTest : public ::testing::Test {
 protected:
  static JsonFields Parse(const std::string& text) {
    return JsonFields::Parse(text, "config.json").value();
  }

  static std::string MessageOf(const absl::Status& status) { return std::string(status.message()); }
};

TEST_F(JsonFieldsTest, ReadsEachType) {
  JsonFields fields = Parse(R"({"layers": 23, "eps": 1e-5, "bias": true, "act": "gelu",
                               "sizes": [384, 768], "blocks": ["Down", "Up"]})");

  EXPECT_EQ(fields.Integer("layers", {.least = 1, .most = 100}), 23);
  EXPECT_EQ(fields.Number("eps"), 1e-5);
  EXPECT_TRUE(fields.Boolean("bias"));
  EXPECT_EQ(fields.String("act"), "gelu");
  EXPECT_THAT(fields.Integers("sizes", {.least = 1}), ElementsAre(384, 768));
  EXPECT_THAT(fields.Strings("blocks"), ElementsAre("Down", "Up"));
  EXPECT_THAT(fields.status(), IsOk());
}

TEST_F(JsonFieldsTest, TakesAnIntegerForANumber) {
  JsonFields fields = Parse(R"({"scale": 2})");

  EXPECT_EQ(fields.Number("scale"), 2.0);
  EXPECT_THAT(fields.status(), IsOk());
}

TEST_F(JsonFieldsTest, AnswersTheDefaultForWhatIsAbsentOrNull) {
  JsonFields fields = Parse(R"({"layers": null})");

  EXPECT_FALSE(fields.Has("layers"));
  EXPECT_EQ(fields.Integer("layers", {}, 7), 7);
  EXPECT_EQ(fields.Number("eps", 0.5), 0.5);
  EXPECT_TRUE(fields.Boolean("bias", true));
  EXPECT_EQ(fields.String("act", "silu"), "silu");
  EXPECT_THAT(fields.status(), IsOk());
}

TEST_F(JsonFieldsTest, HasWhatIsThere) { EXPECT_TRUE(Parse(R"({"zero": 0})").Has("zero")); }

TEST_F(JsonFieldsTest, NotesAMissingField) {
  JsonFields fields = Parse("{}");

  fields.String("act");

  EXPECT_THAT(fields.status(), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(MessageOf(fields.status()), "config.json: 'act' is missing");
}

TEST_F(JsonFieldsTest, NotesAMissingList) {
  JsonFields integers = Parse("{}");
  EXPECT_THAT(integers.Integers("sizes", {}), IsEmpty());
  EXPECT_EQ(MessageOf(integers.status()), "config.json: 'sizes' is missing");

  JsonFields strings = Parse("{}");
  EXPECT_THAT(strings.Strings("blocks"), IsEmpty());
  EXPECT_EQ(MessageOf(strings.status()), "config.json: 'blocks' is missing");
}

TEST_F(JsonFieldsTest, KeepsTheFirstErrorOnly) {
  JsonFields fields = Parse(R"({"a": 1, "b": 2})");

  fields.String("a");
  fields.String("b");
  fields.Refuse("c", "is not what it was");

  EXPECT_EQ(MessageOf(fields.status()), "config.json: 'a' is 1, wanted a string");
}

TEST_F(JsonFieldsTest, NotesARuleOfTheCallers) {
  JsonFields fields = Parse("{}");

  fields.Refuse("heads", "is 3, wanted a divisor of 64");

  EXPECT_THAT(fields.status(), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(MessageOf(fields.status()), "config.json: 'heads' is 3, wanted a divisor of 64");
}

// Reads "x" of `text` with `read` and answers what was noted about it.
template <typename Read>
std::string NoteOn(const std::string& text, Read read) {
  JsonFields fields = JsonFields::Parse(text, "f").value();
  read(fields);
  return std::string(fields.status().message());
}

TEST_F(JsonFieldsTest, RefusesAnotherType) {
  const auto integer = [](JsonFields& f) { f.Integer("x", {.least = 1, .most = 9}, 5); };
  EXPECT_EQ(NoteOn(R"({"x": "3"})", integer), "f: 'x' is \"3\", wanted an integer from 1 to 9");
  EXPECT_EQ(NoteOn(R"({"x": 3.5})", integer), "f: 'x' is 3.5, wanted an integer from 1 to 9");
  EXPECT_EQ(NoteOn(R"({"x": true})", integer), "f: 'x' is true, wanted an integer from 1 to 9");

  EXPECT_EQ(NoteOn(R"({"x": "3"})", [](JsonFields& f) { f.Number("x"); }),
            "f: 'x' is \"3\", wanted a number");
  EXPECT_EQ(NoteOn(R"({"x": 0})", [](JsonFields& f) { f.Boolean("x"); }),
            "f: 'x' is 0, wanted true or false");
  EXPECT_EQ(NoteOn(R"({"x": [1]})", [](JsonFields& f) { f.String("x"); }),
            "f: 'x' is [1], wanted a string");
  EXPECT_EQ(NoteOn(R"({"x": 1})", [](JsonFields& f) { f.Integers("x", {}); }),
            "f: 'x' is 1, wanted a list of integers");
  EXPECT_EQ(NoteOn(R"({"x": 1})", [](JsonFields& f) { f.Strings("x"); }),
            "f: 'x' is 1, wanted a list of strings");
}

TEST_F(JsonFieldsTest, HoldsIntegersToTheirRange) {
  const auto percent = [](JsonFields& f) { f.Integer("x", {.least = 0, .most = 100}); };
  EXPECT_EQ(NoteOn(R"({"x": 0})", percent), "");
  EXPECT_EQ(NoteOn(R"({"x": 100})", percent), "");
  EXPECT_THAT(NoteOn(R"({"x": -1})", percent), HasSubstr("wanted an integer from 0 to 100"));
  EXPECT_THAT(NoteOn(R"({"x": 101})", percent), HasSubstr("wanted an integer from 0 to 100"));

  const auto positive = [](JsonFields& f) { f.Integer("x", {.least = 1}); };
  EXPECT_EQ(NoteOn(R"({"x": 9223372036854775807})", positive), "");
  EXPECT_EQ(NoteOn(R"({"x": 9223372036854775808})", positive),
            "f: 'x' is 9223372036854775808, wanted an integer of at least 1");
}

TEST_F(JsonFieldsTest, RefusesAListWithOneWrongElement) {
  JsonFields integers = Parse(R"({"sizes": [384, 0]})");
  EXPECT_THAT(integers.Integers("sizes", {.least = 1}), IsEmpty());
  EXPECT_EQ(MessageOf(integers.status()),
            "config.json: 'sizes' holds 0, wanted an integer of at least 1");

  JsonFields strings = Parse(R"({"blocks": ["Down", null]})");
  EXPECT_THAT(strings.Strings("blocks"), IsEmpty());
  EXPECT_EQ(MessageOf(strings.status()), "config.json: 'blocks' holds null, wanted a string");
}

TEST_F(JsonFieldsTest, ShowsOnlyTheBeginningOfALongValue) {
  const std::string note =
      NoteOn(R"({"x": ")" + std::string(1000, 'y') + R"("})", [](JsonFields& f) { f.Number("x"); });

  EXPECT_THAT(note, HasSubstr("yyy..."));
  EXPECT_LT(note.size(), 120U);
}

TEST_F(JsonFieldsTest, ParseRefusesWhatIsNotOneObject) {
  for (const char* text : {"", "{", "[1]", "3", "{} {}", "\xff"}) {
    EXPECT_THAT(JsonFields::Parse(text, "config.json"),
                StatusIs(absl::StatusCode::kFailedPrecondition))
        << text;
  }
  EXPECT_EQ(MessageOf(JsonFields::Parse("{", "config.json").status()),
            "config.json is not valid JSON");
  EXPECT_EQ(MessageOf(JsonFields::Parse("[1]", "config.json").status()),
            "config.json is not a JSON object");
}

TEST_F(JsonFieldsTest, ParseSurvivesDeepNesting) {
  const std::string deep(100'000, '[');

  EXPECT_THAT(JsonFields::Parse(deep, "deep"), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(JsonFieldsTest, ReadsAFileAndNamesIt) {
  const std::string path = ::testing::TempDir() + "json_fields_test.json";
  std::ofstream(path) << R"({"layers": 23})";

  absl::StatusOr<JsonFields> fields = JsonFields::ReadFile(path);

  ASSERT_THAT(fields, IsOk());
  EXPECT_EQ(fields->origin(), path);
  EXPECT_THAT(fields->object(), SizeIs(1));
  std::filesystem::remove(path);
}

TEST_F(JsonFieldsTest, SaysWhichFileIsMissing) {
  const auto fields = JsonFields::ReadFile("/nowhere/config.json");

  EXPECT_THAT(fields, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(MessageOf(fields.status()), "cannot open /nowhere/config.json");
}

TEST_F(JsonFieldsTest, RefusesAFolderInsteadOfAFile) {
  EXPECT_THAT(JsonFields::ReadFile(::testing::TempDir()),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(JsonFieldsTest, RefusesAFileOfMoreThan64MiB) {
  const std::string path = ::testing::TempDir() + "json_fields_test_large.json";
  std::ofstream(path) << "{}";
  std::filesystem::resize_file(path, (std::uintmax_t{64} << 20) + 1);  // Takes no disk.

  const auto fields = JsonFields::ReadFile(path);

  EXPECT_THAT(MessageOf(fields.status()), HasSubstr("is larger than"));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace upscaler
