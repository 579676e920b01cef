#include "gateway/header_parameters.h"

#include <optional>
#include <string>

#include <gtest/gtest.h>

namespace upscaler {
namespace {

struct Row {
  const char* header;
  const char* value;
};

TEST(HeaderParametersTest, FindsTheOneOfThatName) {
  for (const Row& row : {
           Row{R"(form-data; name="image")", "image"},
           Row{R"(form-data; name="image"; filename="name=x")", "image"},
           Row{R"(form-data; filename="a; name=\"x\".png"; name="image")", "image"},
           Row{R"(form-data; filename="a%22; name=%22x.png"; name="image")", "image"},
           Row{R"(form-data; filename=a.png; filename*=utf-8''a.png; name=image)", "image"},
           Row{R"(form-data;name="image")", "image"},
           Row{"form-data;name=image", "image"},
           Row{"form-data ;\t name = image \t; x=y", "image"},
           Row{R"(form-data; name = "image" ; x=y)", "image"},
           Row{R"(form-data; name="image";)", "image"},
           Row{R"(form-data; NAME="image")", "image"},
           Row{R"(form-data; x; ;; name=image)", "image"},
           Row{R"(form-data; x="y" z; name=image)", "image"},
           Row{R"(; name=image)", "image"},
           Row{"form-data; name=image; name=other", "image"},
           Row{"form-data; name=a=b", "a=b"},
           Row{"form-data; name=", ""},
           Row{R"(form-data; name="")", ""},
           Row{R"(form-data; name=" a;b ")", " a;b "},
           Row{R"(form-data; name="a\"b\\c\d")", R"(a"b\c\d)"},
           Row{R"(form-data; name="é%22")", "é%22"},
       }) {
    EXPECT_EQ(HeaderParameter(row.header, "name"), row.value) << row.header;
  }
}

TEST(HeaderParametersTest, FindsNoneWhereThereIsNone) {
  for (const char* header :
       {"", ";", "form-data", "name=image", "form-data; name", "form-data; names=image",
        "form-data; name*=utf-8''image", R"(form-data; x="; name=image")",
        R"(form-data; name="image)", R"(form-data; name=")", R"(form-data; name="\")",
        R"(form-data; x="y; name=image)", "form-data; =image"}) {
    EXPECT_EQ(HeaderParameter(header, "name"), std::nullopt) << header;
  }
}

}  // namespace
}  // namespace upscaler
