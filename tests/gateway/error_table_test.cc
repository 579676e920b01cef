// Every error that clients of REST can meet, one row each: what they get, from socket to
// socket, and that docs/rest.md tells them of it.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>
#include <regex>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/gateway/gateway_fixture.h"
#include "tests/support/fake_upscaler_service.h"
#include "tests/support/http_client.h"

namespace upscaler {
namespace {

using test::HttpQuestion;
using test::HttpReply;
using test::kJson;
using ::testing::HasSubstr;

constexpr const char* kInvalid = "invalid_request_error";
constexpr const char* kServer = "server_error";

// What a client gets.
struct Expected {
  int status = 0;
  const char* type = "";
  const char* param = "";        // "" for null.
  const char* code = "";         // "" for null.
  const char* retry_after = "";  // "" for no such header.
  bool hopeless = true;          // x-should-retry: false.
};

void CheckReply(const HttpReply& reply, const Expected& expected) {
  const auto text_or_null = [](const char* text) {
    return *text == '\0' ? nlohmann::json(nullptr) : nlohmann::json(text);
  };
  const auto header = [&reply](const char* name) {
    const auto found = reply.headers.find(name);
    return found == reply.headers.end() ? "" : found->second;
  };
  const nlohmann::json error = nlohmann::json::parse(reply.body)["error"];
  EXPECT_EQ(reply.status, expected.status);
  EXPECT_EQ(error.size(), 4U);
  EXPECT_NE(error["message"], "");
  EXPECT_EQ(error["type"], expected.type);
  EXPECT_EQ(error["param"], text_or_null(expected.param));
  EXPECT_EQ(error["code"], text_or_null(expected.code));
  EXPECT_EQ(header("content-type"), "application/json");
  EXPECT_NE(header("x-request-id"), "");
  EXPECT_EQ(header("retry-after"), expected.retry_after);
  EXPECT_EQ(header("x-should-retry"), expected.hopeless ? "false" : "");
}

std::string ReadText(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

const std::filesystem::path kSource = UPSCALER_SOURCE_DIR;

// What the gateway refuses by itself.
struct OwnError {
  const char* name;
  HttpQuestion question;
  Expected expected;
};

std::ostream& operator<<(std::ostream& out, const OwnError& row) { return out << row.name; }

class OwnErrorTest : public test::GatewayTest, public ::testing::WithParamInterface<OwnError> {
 protected:
  static constexpr const char* kUpscale = "/v1/images/upscale";

 public:
  // A form with a picture, and one more field.
  static HttpQuestion Form(const std::string& name, const std::string& value) {
    return Question({{"image", "x"}, {name, value}});
  }

  static HttpQuestion Body(const std::string& headers, const std::string& body) {
    return {.method = "POST", .path = kUpscale, .headers = headers, .body = body};
  }

  static HttpQuestion LargeForm() { return Question({{"image", std::string(kMaxUpload, 'x')}}); }

  static HttpQuestion FormWithoutPicture() { return Question({{"prompt", "a cat"}}); }
};

TEST_P(OwnErrorTest, IsAsTheTableSays) {
  authorize_ = [](const std::string& /*api_key*/) { return absl::OkStatus(); };
  Start(test::GoodScript({"picture"}));

  const HttpReply reply = Ask(GetParam().question);

  CheckReply(reply, GetParam().expected);
}

TEST_P(OwnErrorTest, IsInTheDocumentation) {
  const std::string code = GetParam().expected.code;

  if (!code.empty()) {
    EXPECT_THAT(ReadText(kSource / "docs/rest.md"), HasSubstr("`" + code + "`"));
  }
}

Expected BadField(const char* param) { return {.status = 400, .type = kInvalid, .param = param}; }

INSTANTIATE_TEST_SUITE_P(
    ErrorTable, OwnErrorTest,
    ::testing::Values(
        OwnError{"GuidanceInWords", OwnErrorTest::Form("guidance_scale", "much"),
                 BadField("guidance_scale")},
        OwnError{"GuidanceWithoutEnd", OwnErrorTest::Form("guidance_scale", "inf"),
                 BadField("guidance_scale")},
        OwnError{"CountBelowZero", OwnErrorTest::Form("n", "-1"), BadField("n")},
        OwnError{"StepsInParts", OwnErrorTest::Form("num_inference_steps", "2.5"),
                 BadField("num_inference_steps")},
        OwnError{"SeedBeyond64Bits", OwnErrorTest::Form("seed", "18446744073709551616"),
                 BadField("seed")},
        OwnError{"QualityInWords", OwnErrorTest::Form("output_compression", "good"),
                 BadField("output_compression")},
        OwnError{"FormatNobodyWrites", OwnErrorTest::Form("output_format", "bmp"),
                 BadField("output_format")},
        OwnError{"AnswerNobodyGives", OwnErrorTest::Form("response_format", "file"),
                 BadField("response_format")},
        OwnError{"ScaleOfThree", OwnErrorTest::Form("scale", "3"), BadField("scale")},
        OwnError{"SizeOfOneSide", OwnErrorTest::Form("size", "64"), BadField("size")},
        OwnError{"TilesInWords", OwnErrorTest::Form("tile_size", "small"), BadField("tile_size")},
        OwnError{"AlphaOnBlack", OwnErrorTest::Form("alpha", "black"), BadField("alpha")},
        OwnError{"MetadataNobodyKnows", OwnErrorTest::Form("metadata", "some"),
                 BadField("metadata")},
        OwnError{"BitsInWords", OwnErrorTest::Form("bit_depth", "deep"), BadField("bit_depth")},
        OwnError{"LosslessPerhaps", OwnErrorTest::Form("lossless", "perhaps"),
                 BadField("lossless")},
        OwnError{"ParametersPerhaps", OwnErrorTest::Form("embed_parameters", "perhaps"),
                 BadField("embed_parameters")},
        OwnError{"StreamPerhaps", OwnErrorTest::Form("stream", "perhaps"), BadField("stream")},
        OwnError{"FourPreviews", OwnErrorTest::Form("partial_images", "4"),
                 BadField("partial_images")},
        OwnError{"PromptThatIsNoText", OwnErrorTest::Form("prompt", "caf\xe9"), BadField("prompt")},
        OwnError{"PictureTwice", OwnErrorTest::Form("image[]", "y"), BadField("image")},
        OwnError{"NoPicture",
                 OwnErrorTest::FormWithoutPicture(),
                 {.status = 400,
                  .type = kInvalid,
                  .param = "image",
                  .code = "missing_required_parameter"}},
        OwnError{"AnotherModel",
                 OwnErrorTest::Form("model", "another"),
                 {.status = 400, .type = kInvalid, .param = "model", .code = "model_not_found"}},
        OwnError{"NoJson", OwnErrorTest::Body(kJson, "{"), BadField("")},
        OwnError{"PictureInNoBase64", OwnErrorTest::Body(kJson, R"({"image": "?"})"),
                 BadField("image")},
        OwnError{"NoBoundary", OwnErrorTest::Body("Content-Type: multipart/form-data\r\n", "x"),
                 BadField("")},
        OwnError{"NowhereToGo",
                 {.path = "/v1/images/downscale"},
                 {.status = 404, .type = kInvalid, .code = "not_found"}},
        OwnError{"ModelsOfAnUnknownServer",
                 {.path = "/v1/models"},
                 {.status = 503,
                  .type = kServer,
                  .code = "loading",
                  .retry_after = "5",
                  .hopeless = false}},
        OwnError{"AnotherMethod",
                 {.method = "PUT", .path = "/v1/images/upscale"},
                 {.status = 405, .type = kInvalid, .code = "method_not_allowed"}},
        OwnError{"BodyTooLarge",
                 OwnErrorTest::LargeForm(),
                 {.status = 413, .type = kInvalid, .param = "image", .code = "body_too_large"}},
        OwnError{"AnotherMediaType",
                 OwnErrorTest::Body("Content-Type: text/plain\r\n", "x"),
                 {.status = 415, .type = kInvalid, .code = "unsupported_media_type"}}),
    [](const auto& row) { return row.param.name; });

// What the service refuses, or fails at.
struct ServiceError {
  const char* reason;
  grpc::StatusCode code;
  Expected expected;
  const char* field = "";
  int retry_seconds = 0;
};

std::ostream& operator<<(std::ostream& out, const ServiceError& row) { return out << row.reason; }

grpc::Status StatusOf(const ServiceError& row) {
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  info.set_reason(row.reason);
  details.add_details()->PackFrom(info);
  if (*row.field != '\0') {
    google::rpc::BadRequest bad_request;
    bad_request.add_field_violations()->set_field(row.field);
    details.add_details()->PackFrom(bad_request);
  }
  if (row.retry_seconds > 0) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(row.retry_seconds);
    details.add_details()->PackFrom(retry);
  }
  return {row.code, "what went wrong", details.SerializeAsString()};
}

constexpr Expected kLater = {
    .status = 429, .type = "rate_limit_error", .retry_after = "9", .hopeless = false};

Expected Later(const char* code) {
  Expected expected = kLater;
  expected.code = code;
  return expected;
}

Expected Elsewhere(const char* code, const char* retry_after) {
  return {
      .status = 503, .type = kServer, .code = code, .retry_after = retry_after, .hopeless = false};
}

Expected TooLate(const char* code) {
  return {.status = 504, .type = kServer, .code = code, .hopeless = false};
}

Expected BadKey(const char* code) {
  return {.status = 401, .type = "authentication_error", .code = code};
}

Expected Lost(int status, const char* code) {
  return {.status = status, .type = kInvalid, .param = "job_id", .code = code};
}

Expected TooLarge(const char* code) { return {.status = 413, .type = kInvalid, .code = code}; }

const ServiceError kServiceErrors[] = {
    {"INVALID_ARGUMENT", grpc::StatusCode::INVALID_ARGUMENT, BadField("n"), "spec.image_count"},
    {"TOO_MANY_PIXELS",
     grpc::StatusCode::INVALID_ARGUMENT,
     {.status = 413, .type = kInvalid, .param = "image", .code = "too_many_pixels"},
     "image"},
    {"TOO_MANY_FRAMES",
     grpc::StatusCode::INVALID_ARGUMENT,
     {.status = 413, .type = kInvalid, .param = "image", .code = "too_many_frames"},
     "image"},
    {"METADATA_TOO_LARGE",
     grpc::StatusCode::INVALID_ARGUMENT,
     {.status = 413, .type = kInvalid, .param = "image", .code = "metadata_too_large"},
     "image"},
    {"UNSUPPORTED_IMAGE_FORMAT",
     grpc::StatusCode::INVALID_ARGUMENT,
     {.status = 415, .type = kInvalid, .param = "image", .code = "unsupported_image_format"},
     "image"},
    {"API_KEY_MISSING", grpc::StatusCode::UNAUTHENTICATED, BadKey("api_key_missing")},
    {"API_KEY_UNKNOWN", grpc::StatusCode::UNAUTHENTICATED, BadKey("api_key_unknown")},
    {"QUEUE_FULL", grpc::StatusCode::RESOURCE_EXHAUSTED, Later("queue_full"), "", 9},
    {"UPLOADS_FULL", grpc::StatusCode::RESOURCE_EXHAUSTED, Later("uploads_full"), "", 9},
    {"RATE_LIMITED", grpc::StatusCode::RESOURCE_EXHAUSTED, Later("rate_limited"), "", 9},
    {"TOO_MANY_CALLS", grpc::StatusCode::RESOURCE_EXHAUSTED, Later("too_many_calls"), "", 9},
    {"OUT_OF_MEMORY", grpc::StatusCode::RESOURCE_EXHAUSTED, TooLarge("out_of_memory")},
    {"LOADING", grpc::StatusCode::UNAVAILABLE, Elsewhere("loading", "9"), "", 9},
    {"DRAINING", grpc::StatusCode::UNAVAILABLE, Elsewhere("draining", "9"), "", 9},
    {"NO_DEVICE", grpc::StatusCode::UNAVAILABLE, Elsewhere("no_device", "9"), "", 9},
    {"UNAVAILABLE", grpc::StatusCode::UNAVAILABLE, Elsewhere("unavailable", "5")},
    {"DEADLINE_PASSED", grpc::StatusCode::DEADLINE_EXCEEDED, TooLate("deadline_passed")},
    {"DEADLINE_UNREACHABLE", grpc::StatusCode::DEADLINE_EXCEEDED, TooLate("deadline_unreachable")},
    {"UPLOAD_STALLED", grpc::StatusCode::DEADLINE_EXCEEDED, TooLate("upload_stalled")},
    {"JOB_NOT_FOUND", grpc::StatusCode::NOT_FOUND, Lost(404, "job_not_found"), "job_id"},
    {"JOB_GONE", grpc::StatusCode::NOT_FOUND, Lost(410, "job_gone"), "job_id"},
    {"JOB_CANCELLED",
     grpc::StatusCode::CANCELLED,
     {.status = 410, .type = kInvalid, .code = "job_cancelled"}},
    {"JOB_NOT_FINISHED",
     grpc::StatusCode::FAILED_PRECONDITION,
     {.status = 409, .type = kInvalid, .code = "job_not_finished", .hopeless = false}},
    {"REQUEST_ID_REUSED",
     grpc::StatusCode::ALREADY_EXISTS,
     {.status = 409, .type = kInvalid, .param = "Idempotency-Key", .code = "request_id_reused"},
     "request_id"},
    {"JOBS_FULL", grpc::StatusCode::RESOURCE_EXHAUSTED, Later("jobs_full"), "", 9},
    {"TOO_MANY_WATCHERS", grpc::StatusCode::RESOURCE_EXHAUSTED, Later("too_many_watchers"), "", 9},
    {"RESULT_TOO_LARGE", grpc::StatusCode::RESOURCE_EXHAUSTED, TooLarge("result_too_large")},
    {"STORAGE_FULL", grpc::StatusCode::RESOURCE_EXHAUSTED, Elsewhere("storage_full", "5")},
    {"STORAGE_FAILED",
     grpc::StatusCode::INTERNAL,
     {.status = 500, .type = kServer, .code = "storage_failed"}},
    {"INTERRUPTED", grpc::StatusCode::ABORTED, Elsewhere("interrupted", "5")},
    {"INTERNAL", grpc::StatusCode::INTERNAL, {.status = 500, .type = kServer}},
    {"UNKNOWN", grpc::StatusCode::UNKNOWN, {.status = 500, .type = kServer}},
};

class ServiceErrorTest : public test::GatewayTest,
                         public ::testing::WithParamInterface<ServiceError> {};

TEST_P(ServiceErrorTest, IsAsTheTableSays) {
  Start({.status = StatusOf(GetParam())});

  const HttpReply reply = Post({{"image", "x"}});

  CheckReply(reply, GetParam().expected);
}

TEST_P(ServiceErrorTest, KeepsItsStatusWhereEventsWereAskedFor) {
  Start({.status = StatusOf(GetParam())});

  const HttpReply reply = Post({{"image", "x"}, {"stream", "true"}});

  CheckReply(reply, GetParam().expected);
}

TEST_P(ServiceErrorTest, IsInTheDocumentation) {
  const std::string code = GetParam().expected.code;

  if (!code.empty()) {
    EXPECT_THAT(ReadText(kSource / "docs/rest.md"), HasSubstr("`" + code + "`"));
  }
}

INSTANTIATE_TEST_SUITE_P(ErrorTable, ServiceErrorTest, ::testing::ValuesIn(kServiceErrors),
                         [](const auto& row) { return std::string(row.param.reason); });

// The reasons that the sources of one room give.
void CollectReasons(const std::filesystem::path& room, std::set<std::string>& reasons) {
  const std::regex given(R"re(WithReason\([^;]*?"([A-Z][A-Z_]+)"\))re");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(room)) {
    const std::string extension = entry.path().extension();
    if (extension != ".cc" && extension != ".h") continue;
    const std::string text = ReadText(entry.path());
    for (std::sregex_iterator at(text.begin(), text.end(), given), end; at != end; ++at) {
      reasons.insert((*at)[1]);
    }
  }
}

TEST(ErrorTableTest, HasEveryReasonThatTheServiceGives) {
  std::set<std::string> given;
  for (const char* const room : {"common", "server", "worker"}) {
    CollectReasons(kSource / room, given);
  }

  std::set<std::string> known;
  for (const ServiceError& row : kServiceErrors) known.insert(row.reason);

  EXPECT_GT(given.size(), 15U);
  for (const std::string& reason : given) EXPECT_EQ(known.count(reason), 1U) << reason;
}

}  // namespace
}  // namespace upscaler
