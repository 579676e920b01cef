#include "gateway/multipart_reader.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <absl/strings/str_replace.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using test::IsOk;
using test::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kType = "multipart/form-data; boundary=frontier";
constexpr std::string_view kHeader = "Content-Disposition: form-data; name=\"image\"\r\n\r\n";

// Bytes that look like the beginnings of what ends them.
constexpr std::string_view kImage("\x89PNG\r\n\x1a\n\0\r\n--\r\r\n\r\n-\r\n--fron\r\n--\r", 32);

absl::StatusOr<std::vector<FormField>> Read(std::string_view content_type,
                                            const std::vector<std::string_view>& parts) {
  MultipartReader reader(content_type);
  for (const std::string_view part : parts) {
    const absl::Status status = reader.Read(part);
    if (!status.ok()) return status;
  }
  return reader.Finish();
}

// Each byte as a part.
std::vector<std::string_view> BytesOf(std::string_view body) {
  std::vector<std::string_view> bytes;
  for (std::size_t at = 0; at < body.size(); ++at) bytes.push_back(body.substr(at, 1));
  return bytes;
}

auto IsField(const std::string& name, const std::string& value) {
  return AllOf(Field(&FormField::name, name), Field(&FormField::value, value));
}

// A form of one part.
std::string Form(std::string_view header, std::string_view value) {
  return fmt::format("--frontier\r\n{}{}\r\n--frontier--\r\n", header, value);
}

// A form with a text and a picture, as a client writes it.
struct ClientForm {
  const char* client;
  const char* boundary;
  const char* content_type;
  const char* prompt_header;
  const char* image_header;
  const char* end = "\r\n";  // After the last boundary.
};

const ClientForm kClientForms[] = {
    {.client = "curl",
     .boundary = "------------------------d74496d66958873e",
     .content_type = "multipart/form-data; boundary=------------------------d74496d66958873e",
     .prompt_header = "Content-Disposition: form-data; name=\"prompt\"\r\n",
     .image_header = "Content-Disposition: form-data; name=\"image\"; filename=\"a\\\"b.png\"\r\n"
                     "Content-Type: image/png\r\n"},
    {.client = "requests",
     .boundary = "3a1c1d0a9d1b4f0f8d6b0e6a4f6c2d11",
     .content_type = "multipart/form-data; boundary=3a1c1d0a9d1b4f0f8d6b0e6a4f6c2d11",
     .prompt_header = "Content-Disposition: form-data; name=\"prompt\"\r\n",
     .image_header = "Content-Disposition: form-data; name=\"image\"; filename=\"in.png\"\r\n"},
    {.client = "Chromium",
     .boundary = "----WebKitFormBoundary7MA4YWxkTrZu0gW",
     .content_type = "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW",
     .prompt_header = "Content-Disposition: form-data; name=\"prompt\"\r\n",
     .image_header =
         "Content-Disposition: form-data; name=\"image\"; filename=\"a%22; name=%22x\\\"\r\n"
         "Content-Type: image/png\r\n"},
    {.client = "Firefox",
     .boundary = "---------------------------9051914041544843365972754266",
     .content_type = "multipart/form-data; "
                     "boundary=---------------------------9051914041544843365972754266",
     .prompt_header = "Content-Disposition: form-data; name=\"prompt\"\r\n",
     .image_header = "Content-Disposition: form-data; name=\"image\"; filename=\"ä.png\"\r\n"
                     "Content-Type: image/png\r\n"},
    {.client = "Node",
     .boundary = "----formdata-undici-069841245217",
     .content_type = "multipart/form-data; boundary=----formdata-undici-069841245217",
     .prompt_header = "Content-Disposition: form-data; name=\"prompt\"\r\n",
     .image_header = "Content-Disposition: form-data; name=\"image\"; filename=\"blob\"\r\n"
                     "Content-Type: application/octet-stream\r\n",
     .end = ""},
    {.client = ".NET",
     .boundary = "c7ae3a3b-3a0c-4b8b-9a52-8e0d3f6c9d5f",
     .content_type = "multipart/form-data; boundary=\"c7ae3a3b-3a0c-4b8b-9a52-8e0d3f6c9d5f\"",
     .prompt_header = "Content-Type: text/plain; charset=utf-8\r\n"
                      "Content-Disposition: form-data; name=prompt\r\n",
     .image_header = "Content-Disposition: form-data; name=image; filename=a.png; "
                     "filename*=utf-8''a.png\r\n"},
    {.client = "Apache HttpClient",
     .boundary = "Eeu9NFOsVrQHxwHYBHWpDeKhWmJxS7fI_-",
     .content_type = "multipart/form-data; boundary=Eeu9NFOsVrQHxwHYBHWpDeKhWmJxS7fI_-; "
                     "charset=UTF-8",
     .prompt_header = "Content-Disposition: form-data; name=\"prompt\"\r\n"
                      "Content-Type: text/plain; charset=ISO-8859-1\r\n"
                      "Content-Transfer-Encoding: 8bit\r\n",
     .image_header = "Content-Disposition: form-data; name=\"image\"; filename=\"in.png\"\r\n"
                     "Content-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n"},
    {.client = "Jersey",
     .boundary = "Boundary_1_1556471_1700000000000",
     .content_type = "multipart/form-data;boundary=Boundary_1_1556471_1700000000000",
     .prompt_header = "Content-Type: text/plain\r\n"
                      "Content-Disposition: form-data; name=\"prompt\"\r\n",
     .image_header =
         "Content-Type: application/octet-stream\r\n"
         "Content-Disposition: form-data; filename=\"in.png\";\r\n\tsize=3; name=\"image\"\r\n"},
    {.client = "aiohttp",
     .boundary = "b3a5f6c1e0d94c5f8e2f6a0f6f1f2a77",
     .content_type = "multipart/form-data; boundary=b3a5f6c1e0d94c5f8e2f6a0f6f1f2a77",
     .prompt_header = "Content-Type: text/plain; charset=utf-8\r\n"
                      "Content-Disposition: form-data; name=\"prompt\"\r\nContent-Length: 5\r\n",
     .image_header = "Content-Type: image/png\r\n"
                     "Content-Disposition: form-data; name=\"image\"; filename=\"in.png\"; "
                     "filename*=utf-8''in.png\r\nContent-Length: 32\r\n"},
    {.client = "one who writes as little as is allowed",
     .boundary = "x",
     .content_type = "Multipart/Form-Data;Boundary=x",
     .prompt_header = "content-disposition:form-data;name=prompt\r\n",
     .image_header = "CONTENT-DISPOSITION:FORM-DATA;NAME=image\r\n",
     .end = ""},
    {.client = "one who writes as much as is allowed",
     .boundary = "a '()+_,-./:=? b--",
     .content_type = "multipart/form-data; charset=utf-8; boundary=\"a '()+_,-./:=? b--\"; x=y",
     .prompt_header = "X-Empty:\r\nX-No-Colon\r\n"
                      "Content-Disposition:\r\n form-data;\r\n\tname=\"prompt\"\r\n",
     .image_header = "Content-Disposition: form-data; name=\"image\"\r\n",
     .end = " \t\r\n--a '()+_,-./:=? b--\r\nor whatever"},
};

std::string BodyOf(const ClientForm& form) {
  return fmt::format("--{0}\r\n{1}\r\na cat\r\n--{0}\r\n{2}\r\n{3}\r\n--{0}--{4}", form.boundary,
                     form.prompt_header, form.image_header, kImage, form.end);
}

TEST(MultipartReaderTest, ReadsWhatClientsWriteHoweverItIsCut) {
  for (const ClientForm& form : kClientForms) {
    const std::string body = BodyOf(form);
    for (std::size_t cut = 0; cut <= body.size(); ++cut) {
      const std::string_view text = body;

      const auto fields = Read(form.content_type, {text.substr(0, cut), text.substr(cut)});

      ASSERT_THAT(fields, IsOk()) << form.client << " cut at " << cut;
      ASSERT_THAT(*fields,
                  ElementsAre(IsField("prompt", "a cat"), IsField("image", std::string(kImage))))
          << form.client << " cut at " << cut;
    }
  }
}

TEST(MultipartReaderTest, ReadsWhatClientsWriteByteByByte) {
  for (const ClientForm& form : kClientForms) {
    const std::string body = BodyOf(form);

    const auto fields = Read(form.content_type, BytesOf(body));

    ASSERT_THAT(fields, IsOk()) << form.client;
    EXPECT_THAT(*fields,
                ElementsAre(IsField("prompt", "a cat"), IsField("image", std::string(kImage))))
        << form.client;
  }
}

TEST(MultipartReaderTest, PassesOverWhatComesBeforeTheFirstBoundary) {
  for (const char* preamble :
       {"\r\n", "This is a form.\r\n", "--front\r\n", "x--frontier\r\n\r\n"}) {
    const auto fields = Read(kType, {preamble + Form(kHeader, "value")});

    ASSERT_THAT(fields, IsOk()) << preamble;
    EXPECT_THAT(*fields, ElementsAre(IsField("image", "value"))) << preamble;
  }
}

TEST(MultipartReaderTest, TakesBlanksAfterABoundary) {
  const auto fields = Read(
      kType, {"--frontier \t \r\n", kHeader, "value\r\n--frontier", " ", "\t\r", "\n",
              "Content-Disposition: form-data; name=prompt\r\n\r\na cat\r\n--frontier-- \t\r\n"});

  ASSERT_THAT(fields, IsOk());
  EXPECT_THAT(*fields, ElementsAre(IsField("image", "value"), IsField("prompt", "a cat")));
}

TEST(MultipartReaderTest, ReadsAFormOfNoFields) {
  const auto fields = Read(kType, {"--frontier--\r\n"});

  ASSERT_THAT(fields, IsOk());
  EXPECT_THAT(*fields, IsEmpty());
}

TEST(MultipartReaderTest, KeepsEmptyValuesAndFieldsThatComeTwice) {
  const std::string part = fmt::format("--frontier\r\n{}", kHeader);

  const auto fields = Read(kType, {part, "\r\n", part, "second\r\n--frontier--"});

  ASSERT_THAT(fields, IsOk());
  EXPECT_THAT(*fields, ElementsAre(IsField("image", ""), IsField("image", "second")));
}

TEST(MultipartReaderTest, PassesOverPartsThatAreNoFieldsOfTheForm) {
  for (const char* header :
       {"", "Content-Type: image/png\r\n", "Content-Disposition: form-data\r\n",
        "Content-Disposition\r\n", "Content-Disposition: form-data; name=\"\"\r\n",
        "Content-Disposition: form-data; name=\"another\"\r\n",
        "Content-Disposition: form-data; name=\"Image\"\r\n",
        "Content-Disposition: form-data; name=\"image\r\n",
        "Content-Disposition: form-data; filename=\"; name=\\\"image\"\r\n",
        "Content-Disposition: attachment; name=\"image\"\r\n",
        "Content: form-data; name=\"image\"\r\n", " \r\n",
        "X: y\r\n Content-Disposition: form-data; name=\"image\"\r\n"}) {
    const auto fields =
        Read(kType, {fmt::format("--frontier\r\n{}\r\nvalue\r\n", header), Form(kHeader, "next")});

    ASSERT_THAT(fields, IsOk()) << header;
    EXPECT_THAT(*fields, ElementsAre(IsField("image", "next"))) << header;
  }
}

TEST(MultipartReaderTest, RefusesWhatIsNoFormOrEndsEarly) {
  const std::string whole = Form(kHeader, "value");
  const std::string_view text = whole;
  std::vector<std::string> bodies = {
      "--another\r\n\r\n\r\n--another--\r\n",       "--frontierX\r\n\r\n\r\n--frontier--\r\n",
      "--frontier-\r\n\r\n\r\n--frontier--\r\n",    "--frontier\r\r\n\r\n\r\n--frontier--\r\n",
      " --frontier\r\n\r\n\r\n --frontier--\r\n",   Form(kHeader, "value\r\n--frontierX\r\n"),
      absl::StrReplaceAll(whole, {{"\r\n", "\n"}}), absl::StrReplaceAll(whole, {{"\r\n", "\r"}}),
  };
  for (std::size_t size = 0; size < whole.rfind("\r\n"); ++size) {
    bodies.emplace_back(text.substr(0, size));
  }
  for (const std::string& body : bodies) {
    const absl::Status status = Read(kType, {body}).status();

    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument)) << body;
    EXPECT_THAT(std::string(status.message()), HasSubstr("not multipart/form-data")) << body;
    EXPECT_EQ(Read(kType, BytesOf(body)).status(), status) << body;
  }
}

TEST(MultipartReaderTest, NeedsABoundary) {
  const std::string seventy(70, 'x');
  for (const std::string& type :
       {std::string("multipart/form-data"), std::string("multipart/form-data; boundary"),
        std::string("multipart/form-data; boundary="),
        std::string("multipart/form-data; boundary=\"\""),
        std::string("multipart/form-data; boundary=\"x"),
        std::string("multipart/form-data; boundary=\"x \""),
        std::string("multipart/form-data; boundary=x\"y"),
        std::string("multipart/form-data; boundary=é"),
        std::string("multipart/form-data; boundary=\"x\r\""),
        "multipart/form-data; boundary=x" + seventy}) {
    MultipartReader reader(type);

    EXPECT_THAT(reader.Read("--x--"), StatusIs(absl::StatusCode::kInvalidArgument)) << type;
    EXPECT_THAT(std::string(reader.Finish().status().message()), HasSubstr("boundary")) << type;
  }
  EXPECT_THAT(Read("multipart/form-data; boundary=" + seventy, {"--" + seventy + "--"}), IsOk());
}

TEST(MultipartReaderTest, BoundsTheHeaderOfAPart) {
  const std::string unread = fmt::format("--frontier\r\nX: {}\r\n", std::string(8000, 'x'));
  const std::string more(200, 'x');

  EXPECT_THAT(Read(kType, {unread, kHeader, "value\r\n--frontier--"}), IsOk());
  const absl::Status status = Read(kType, {unread, more, kHeader}).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(status.message()), HasSubstr("8192 bytes"));
}

TEST(MultipartReaderTest, BoundsHowManyPartsThereAre) {
  std::string body;
  for (int part = 0; part < 9'999; ++part) body += "--frontier\r\n\r\n\r\n";

  const std::string last = Form(kHeader, "value");
  EXPECT_THAT(Read(kType, {body, last}), IsOk());
  const absl::Status status = Read(kType, {body, "--frontier\r\n\r\n\r\n", last}).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(status.message()), HasSubstr("at most 10000"));
}

TEST(MultipartReaderTest, FindsTheEndInMegabytesThatResembleIt) {
  const std::string dashes(70, '-');
  std::string value;
  while (value.size() < (std::size_t{4} << 20)) value += "\r\n" + dashes + "-\r" + dashes + dashes;
  const std::string body = fmt::format("--{0}\r\n{1}{2}\r\n--{0}--\r\n", dashes, kHeader, value);

  const auto fields = Read("multipart/form-data; boundary=" + dashes, {body});

  ASSERT_THAT(fields, IsOk());
  EXPECT_TRUE(fields->at(0).value == value);  // Megabytes are not worth printing.
}

}  // namespace
}  // namespace upscaler
