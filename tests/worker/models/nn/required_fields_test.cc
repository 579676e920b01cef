#include "worker/models/nn/required_fields.h"

#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using test::IsOk;
using ::testing::HasSubstr;

JsonFields Fields(std::string_view text) { return JsonFields::Parse(text, "config.json").value(); }

std::string Message(const JsonFields& fields) { return std::string(fields.status().message()); }

TEST(RequiredFieldsTest, AcceptWhatIsAbsentOrAsWanted) {
  auto fields = Fields(R"({"none": null, "act": "gelu", "flag": true})");

  RequireNull(fields, "none");
  RequireNull(fields, "absent");
  RequireString(fields, "act", "gelu");
  RequireString(fields, "absent", "gelu");
  RequireBoolean(fields, "flag", true);
  RequireBoolean(fields, "absent", false);

  EXPECT_THAT(fields.status(), IsOk());
}

TEST(RequiredFieldsTest, NameWhatWasFoundAndWanted) {
  auto set = Fields(R"({"class_embed_type": "timestep"})");
  auto text = Fields(R"({"act": "relu"})");
  auto flag = Fields(R"({"flag": true})");

  RequireNull(set, "class_embed_type");
  RequireString(text, "act", "gelu");
  RequireBoolean(flag, "flag", false);

  EXPECT_EQ(Message(set), "config.json: 'class_embed_type' is set, wanted null");
  EXPECT_EQ(Message(text), "config.json: 'act' is 'relu', wanted 'gelu'");
  EXPECT_EQ(Message(flag), "config.json: 'flag' is true, wanted false");
}

TEST(RequiredFieldsTest, TakeOnlyEpsilonsBetweenZeroAndOne) {
  for (const char* text : {R"({"eps": 0})", R"({"eps": -1e-5})", R"({"eps": 1})"}) {
    auto fields = Fields(text);

    EpsilonField(fields, "eps", 1e-5);

    EXPECT_THAT(Message(fields), HasSubstr("wanted a number between 0 and 1")) << text;
  }
}

}  // namespace
}  // namespace upscaler
