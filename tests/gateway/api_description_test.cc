// That gateway/openapi.json describes what the code does, no less and no more.

#include "gateway/api_description.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include <absl/strings/ascii.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "client/image_format.h"
#include "common/version.h"
#include "gateway/upscale_form.h"
#include "tests/gateway/gateway_fixture.h"
#include "tests/support/http_client.h"

namespace upscaler {
namespace {

using nlohmann::json;
using test::HttpReply;
using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAreArray;

json Description() { return json::parse(ApiDescription().text()); }

// "GET /v1/jobs/{}": what stands in braces may be called differently.
std::string RouteName(std::string method, const std::string& path) {
  absl::AsciiStrToUpper(&method);
  std::string name = method + " ";
  bool inside = false;
  for (const char c : path) {
    if (!inside || c == '}') name += c;
    inside = (inside || c == '{') && c != '}';
  }
  return name;
}

// Every operation, by the name of its route.
std::map<std::string, json> Operations() {
  std::map<std::string, json> operations;
  const json description = Description();
  for (const auto& [path, methods] : description["paths"].items()) {
    for (const auto& [method, operation] : methods.items()) {
      operations[RouteName(method, path)] = operation;
    }
  }
  return operations;
}

// What "#/components/..." leads to; anything else as it is.
json Resolve(const json& description, const json& part) {
  if (!part.contains("$ref")) return part;
  return description.at(json::json_pointer(part["$ref"].get<std::string>().substr(1)));
}

void CollectReferences(const json& part, std::set<std::string>& references) {
  if (part.is_object() && part.contains("$ref")) references.insert(part["$ref"]);
  if (!part.is_structured()) return;
  for (const json& inner : part) CollectReferences(inner, references);
}

using ApiDescriptionRoutesTest = test::GatewayTest;

TEST_F(ApiDescriptionRoutesTest, AreThoseThatAreServed) {
  Start({});

  std::set<std::string> described;
  for (const auto& [name, operation] : Operations()) described.insert(name);
  std::set<std::string> expected;
  for (const auto& [method, path] : gateway_->routes().List()) {
    expected.insert(RouteName(method, path));
  }

  EXPECT_EQ(described, expected);
}

TEST_F(ApiDescriptionRoutesTest, AreServedWithTheVersionAndForTheCache) {
  Start({});

  const HttpReply reply = Ask({.path = "/openapi.json"});
  const std::string etag = reply.headers.at("etag");
  const HttpReply again =
      Ask({.path = "/openapi.json", .headers = "If-None-Match: " + etag + "\r\n"});
  const HttpReply other = Ask({.path = "/openapi.json", .headers = "If-None-Match: \"x\"\r\n"});

  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers.at("content-type"), "application/json");
  EXPECT_EQ(json::parse(reply.body)["info"]["version"], kVersion);
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.headers.at("etag"), etag);
  EXPECT_THAT(again.body, IsEmpty());
  EXPECT_EQ(other.status, 200);
}

// A path of this route.
std::string PathOf(const std::string& route) {
  std::string path;
  for (std::size_t at = 0; at < route.size(); ++at) {
    path += route[at] == '{' ? '1' : route[at];
    if (route[at] == '{') at = route.find('}', at);
  }
  return path;
}

TEST_F(ApiDescriptionRoutesTest, AllMayRefuseALengthThatIsNotClear) {
  Start({});
  auto operations = Operations();

  for (const auto& [method, route] : gateway_->routes().List()) {
    const HttpReply reply = Ask({.method = method,
                                 .path = PathOf(route),
                                 .headers = "Content-Length: 1\r\nContent-Length: 2\r\n"});

    EXPECT_EQ(reply.status, 400) << method << " " << route;
    EXPECT_TRUE(operations[RouteName(method, route)]["responses"].contains("400")) << route;
  }
}

TEST_F(ApiDescriptionRoutesTest, MayPassOnWhateverTheServiceSaysOfItself) {
  auto operations = Operations();
  for (const auto code : {grpc::StatusCode::UNAUTHENTICATED, grpc::StatusCode::PERMISSION_DENIED,
                          grpc::StatusCode::INTERNAL, grpc::StatusCode::UNKNOWN,
                          grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::DEADLINE_EXCEEDED}) {
    gateway_.reset();
    Start({});
    service_->set_info_status({code, "no answer"});
    for (const char* route : {"/v1/models", "/v1/models/{model}", "/v1/capabilities"}) {
      const HttpReply reply = Ask({.path = PathOf(route)});

      EXPECT_GE(reply.status, 400);
      EXPECT_TRUE(
          operations[RouteName("GET", route)]["responses"].contains(std::to_string(reply.status)))
          << route << " " << reply.status;
    }
  }
}

TEST(ApiDescriptionTest, NamesEveryOperationOnceAndItsErrorsToo) {
  const json description = Description();
  std::set<std::string> ids;
  for (const auto& [name, operation] : Operations()) {
    EXPECT_TRUE(ids.insert(operation.value("operationId", "")).second) << name;
    EXPECT_FALSE(operation.value("summary", "").empty()) << name;
    for (const auto& [status, reference] : operation["responses"].items()) {
      const json response = Resolve(description, reference);
      EXPECT_TRUE(response["headers"].contains("X-Request-Id")) << name << " " << status;
      if (status < "400") continue;
      const json& media = response["content"]["application/json"];
      EXPECT_EQ(media["schema"]["$ref"], "#/components/schemas/Error") << name << " " << status;
      EXPECT_FALSE(media["examples"].empty()) << name << " " << status;
    }
  }
}

TEST(ApiDescriptionTest, SaysWhereEveryErrorIsWorthARetry) {
  const json description = Description();
  for (const auto& [name, operation] : Operations()) {
    for (const auto& [status, reference] : operation["responses"].items()) {
      const json headers = Resolve(description, reference)["headers"];
      EXPECT_EQ(headers.contains("Retry-After"), status == "429" || status == "503") << name;
      const bool job_goes_on = status == "409" && name == "GET /v1/jobs/{}/images/{}";
      const bool hopeless =
          status >= "400" && status != "429" && status != "503" && status != "504" && !job_goes_on;
      EXPECT_EQ(headers.contains("x-should-retry"), hopeless) << name << " " << status;
    }
  }
}

TEST(ApiDescriptionTest, RefersToWhatIsThereAndHasNothingThatIsNotUsed) {
  const json description = Description();
  std::set<std::string> references;
  CollectReferences(description, references);

  for (const std::string& reference : references) {
    EXPECT_TRUE(description.contains(json::json_pointer(reference.substr(1)))) << reference;
  }
  for (const auto& [kind, parts] : description["components"].items()) {
    if (kind == "securitySchemes") continue;
    for (const auto& [name, part] : parts.items()) {
      EXPECT_THAT(references, Contains(fmt::format("#/components/{}/{}", kind, name)));
    }
  }
}

class DescribedFormTest : public ::testing::TestWithParam<const char*> {
 protected:
  const json properties_ = Description()["components"]["schemas"][GetParam()]["properties"];
};

TEST_P(DescribedFormTest, HasTheFieldsThatAreRead) {
  std::vector<std::string> described;
  for (const auto& [name, schema] : properties_.items()) described.push_back(name);

  EXPECT_THAT(described, UnorderedElementsAreArray(FormFieldNames()));
}

TEST_P(DescribedFormTest, OffersOnlyWhatIsTaken) {
  for (const auto& [name, schema] : properties_.items()) {
    for (const json& value : schema.value("enum", json::array())) {
      const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
      EXPECT_TRUE(ReadForm({{"image", "x"}, {name, text}}, "the-model").ok())
          << name << " " << text;
    }
  }
  for (const json& format : properties_["output_format"]["enum"]) {
    EXPECT_EQ(FormatName(*FormatNamed(format.get<std::string>())), format);
  }
}

TEST_P(DescribedFormTest, HasTheGatewaysOwnDefaultsAndBounds) {
  EXPECT_EQ(properties_["partial_images"]["maximum"], kMaxPartialImages);
  EXPECT_EQ(properties_["output_compression"]["default"], kDefaultCompression);
}

TEST_P(DescribedFormTest, SaysOfEveryFieldWhatItIsFor) {
  for (const auto& [name, schema] : properties_.items()) {
    EXPECT_FALSE(schema.value("description", "").empty()) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(ApiDescription, DescribedFormTest,
                         ::testing::Values("UpscaleForm", "UpscaleJson"));

}  // namespace
}  // namespace upscaler
