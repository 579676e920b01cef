#include "gateway/json_reader.h"

#include <algorithm>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_details.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using test::IsOk;
using test::StatusIs;
using ::testing::AllOf;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::UnorderedElementsAre;

absl::StatusOr<std::vector<FormField>> Read(const std::string& body) {
  JsonReader reader;
  EXPECT_THAT(reader.Read(body.substr(0, 5)), IsOk());
  EXPECT_THAT(reader.Read(std::string_view(body).substr(std::min<std::size_t>(5, body.size()))),
              IsOk());
  return reader.Finish();
}

auto IsField(const std::string& name, const std::string& value) {
  return AllOf(Field(&FormField::name, name), Field(&FormField::value, value));
}

TEST(JsonReaderTest, TurnsValuesIntoText) {
  const auto fields = Read(R"({"prompt": "a \u00e9clair", "n": 2, "guidance_scale": 7.5,
                               "stream": false, "seed": 18446744073709551615, "size": null})");

  ASSERT_THAT(fields, IsOk());
  EXPECT_THAT(*fields,
              UnorderedElementsAre(IsField("prompt", "a éclair"), IsField("n", "2"),
                                   IsField("guidance_scale", "7.5"), IsField("stream", "false"),
                                   IsField("seed", "18446744073709551615")));
}

TEST(JsonReaderTest, TakesAWholeNumberWithAPointForAWholeNumber) {
  const auto fields = Read(R"({"n": 1.0, "num_inference_steps": 1e2, "guidance_scale": -8.0,
                               "seed": 1.5})");

  ASSERT_THAT(fields, IsOk());
  EXPECT_THAT(*fields,
              UnorderedElementsAre(IsField("n", "1"), IsField("num_inference_steps", "100"),
                                   IsField("guidance_scale", "-8"), IsField("seed", "1.5")));
}

TEST(JsonReaderTest, DecodesTheImage) {
  for (const char* image : {"AAFQTkc=", "data:image/png;base64,AAFQTkc="}) {
    const auto fields = Read(std::string(R"({"image": ")") + image + "\"}");

    ASSERT_THAT(fields, IsOk());
    EXPECT_THAT(*fields, UnorderedElementsAre(IsField("image", std::string("\0\1PNG", 5))));
  }
}

TEST(JsonReaderTest, RefusesAnImageThatIsNotBase64) {
  for (const char* body : {R"({"image": "!"})", R"({"image": 5})", R"({"image": ["AAAA"]})",
                           R"({"image": "data:image/png,AAAA"})"}) {
    EXPECT_THAT(FieldOf(Read(body).status()), Optional(std::string("image"))) << body;
  }
}

TEST(JsonReaderTest, RefusesAListWhereAValueIsWanted) {
  EXPECT_THAT(FieldOf(Read(R"({"prompt": ["a", "b"]})").status()), Optional(std::string("prompt")));
}

TEST(JsonReaderTest, IgnoresFieldsThatMeanNothing) {
  const auto fields = Read(R"({"annotations": {"any": ["thing"]}})");

  ASSERT_THAT(fields, IsOk());
  EXPECT_THAT(*fields, IsEmpty());
}

TEST(JsonReaderTest, RefusesWhatIsNotAnObject) {
  for (const char* body :
       {"", "nonsense", "[1]", "{\"a\": ", "\"text\"", "{\"prompt\": \"\xff\"}"}) {
    EXPECT_THAT(Read(body), StatusIs(absl::StatusCode::kInvalidArgument)) << body;
  }
}

}  // namespace
}  // namespace upscaler
