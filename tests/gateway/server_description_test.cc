#include "gateway/server_description.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/gateway/gateway_fixture.h"
#include "tests/support/http_client.h"

namespace upscaler {
namespace {

using nlohmann::json;
using test::HttpReply;

v1::GetServerInfoResponse ServingInfo() {
  v1::GetServerInfoResponse info;
  info.set_version("1.2.3");
  info.set_state(v1::GetServerInfoResponse::STATE_SERVING);
  info.mutable_model()->set_name("the-model");
  info.mutable_model()->set_digest("sha256:00");
  info.mutable_model()->set_scale(2);
  auto& device = *info.add_devices();
  device.set_name("cuda:0");
  device.set_data_type("float16");
  device.set_replicas(2);
  auto& limits = *info.mutable_limits();
  limits.set_max_input_pixels(1'048'576);
  limits.set_max_image_bytes(5'000'000'000);
  limits.set_max_prompt_bytes(10'000);
  limits.set_max_image_count(10);
  limits.set_max_inference_steps(200);
  limits.set_max_guidance_scale(50);
  limits.set_max_preview_count(10);
  limits.set_queue_capacity(64);
  limits.set_max_tile_size(4096);
  auto& defaults = *info.mutable_defaults();
  defaults.set_guidance_scale(7.5);
  defaults.set_num_inference_steps(25);
  defaults.set_image_count(1);
  defaults.set_output_format(v1::IMAGE_FORMAT_PNG);
  defaults.set_quality(90);
  defaults.set_scale(2);
  defaults.set_tile_size(0);
  defaults.set_alpha(v1::ALPHA_MODE_KEEP);
  defaults.set_metadata(v1::METADATA_MODE_KEEP);
  defaults.set_bit_depth(8);
  defaults.set_lossless(false);
  defaults.set_embed_parameters(true);
  info.add_input_media_types("image/png");
  info.add_input_media_types("image/tiff");
  info.add_output_formats(v1::IMAGE_FORMAT_PNG);
  info.add_output_formats(v1::IMAGE_FORMAT_WEBP);
  info.add_scales(2);
  info.add_scales(4);
  return info;
}

TEST(ServerDescriptionTest, ListsTheServedModelAsOpenAiDoes) {
  const HttpResponse response = ModelsAnswer(ServingInfo());

  EXPECT_EQ(json::parse(response.body),
            json::parse(R"({"object": "list", "data": [{"id": "the-model", "object": "model",
                            "created": 0, "owned_by": "upscaler"}]})"));
}

TEST(ServerDescriptionTest, ListsNoModelWhereNoneIsNamed) {
  EXPECT_TRUE(json::parse(ModelsAnswer({}).body)["data"].empty());
}

TEST(ServerDescriptionTest, DescribesOneModelByItsName) {
  EXPECT_EQ(json::parse(ModelAnswer(ServingInfo(), "the-model").body)["id"], "the-model");
}

TEST(ServerDescriptionTest, KnowsNoOtherModel) {
  const HttpResponse response = ModelAnswer(ServingInfo(), "another");

  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(json::parse(response.body)["error"]["code"], "model_not_found");
}

TEST(ServerDescriptionTest, TellsWhatIsAllowedInTheWordsOfTheForm) {
  const HttpResponse response = CapabilitiesAnswer(ServingInfo());

  EXPECT_EQ(json::parse(response.body), json::parse(R"({
    "version": "1.2.3",
    "state": "serving",
    "model": {"name": "the-model", "digest": "sha256:00", "scale": 2},
    "devices": [{"name": "cuda:0", "data_type": "float16", "replicas": 2}],
    "limits": {"max_input_pixels": 1048576, "max_image_bytes": 5000000000,
               "max_prompt_bytes": 10000, "max_n": 10, "max_num_inference_steps": 200,
               "max_guidance_scale": 50.0, "max_partial_images": 3, "max_tile_size": 4096,
               "queue_capacity": 64},
    "defaults": {"prompt": "", "negative_prompt": "", "guidance_scale": 7.5,
                 "num_inference_steps": 25, "n": 1, "scale": 2, "size": "auto", "tile_size": 0,
                 "alpha": "keep", "metadata": "keep", "bit_depth": 8, "lossless": false,
                 "embed_parameters": true,
                 "output_format": "png", "output_compression": 100,
                 "response_format": "b64_json", "stream": false, "partial_images": 0},
    "input_formats": ["png", "tiff"],
    "output_formats": ["png", "webp"],
    "scales": [2, 4]})"));
}

TEST(ServerDescriptionTest, SaysWhereTheServerIsInItsLife) {
  const struct {
    v1::GetServerInfoResponse::State state;
    const char* name;
  } states[] = {{v1::GetServerInfoResponse::STATE_LOADING, "loading"},
                {v1::GetServerInfoResponse::STATE_SERVING, "serving"},
                {v1::GetServerInfoResponse::STATE_DRAINING, "draining"}};
  for (const auto& [state, name] : states) {
    v1::GetServerInfoResponse info;
    info.set_state(state);

    EXPECT_EQ(json::parse(CapabilitiesAnswer(info).body)["state"], name);
  }
}

TEST(ServerDescriptionTest, HasNoDigestUntilItIsComputed) {
  EXPECT_TRUE(json::parse(CapabilitiesAnswer({}).body)["model"]["digest"].is_null());
}

// The gateway knows who may ask: everybody, unless the test says otherwise.
class ServerDescriptionRoutesTest : public test::GatewayTest {
 protected:
  void SetUp() override {
    authorize_ = [](const std::string& /*api_key*/) { return absl::OkStatus(); };
  }

  static constexpr const char* kPaths[] = {"/v1/models", "/v1/models/the-model",
                                           "/v1/capabilities"};
};

TEST_F(ServerDescriptionRoutesTest, AnswerWhatTheServiceIs) {
  info_ = ServingInfo();
  Start({});

  for (const char* const path : kPaths) {
    EXPECT_EQ(Ask({.path = path}).status, 200) << path;
  }
  EXPECT_EQ(Ask({.path = "/v1/models/another"}).status, 404);
}

TEST_F(ServerDescriptionRoutesTest, AskForPatienceWhileNothingIsKnown) {
  Start({});

  for (const char* const path : kPaths) {
    const HttpReply reply = Ask({.path = path});

    EXPECT_EQ(reply.status, 503) << path;
    EXPECT_EQ(ErrorIn(reply)["code"], "loading");
    EXPECT_EQ(reply.headers.at("retry-after"), "5");
  }
}

TEST_F(ServerDescriptionRoutesTest, WantTheKeyThatTheServiceWants) {
  info_ = ServingInfo();
  authorize_ = [](const std::string& api_key) {
    return api_key == "good" ? absl::OkStatus() : absl::UnauthenticatedError("no such key");
  };
  Start({});

  for (const char* const path : kPaths) {
    EXPECT_EQ(Ask({.path = path}).status, 401) << path;
    EXPECT_EQ(Ask({.path = path, .headers = "X-API-Key: good\r\n"}).status, 200) << path;
  }
}

TEST_F(ServerDescriptionRoutesTest, AskTheServiceWithTheKeyOfTheClientWhereItAloneKnowsThem) {
  info_ = ServingInfo();  // Learnt with another key, and nobody's business.
  authorize_ = nullptr;
  Start({});
  service_->set_wanted_authorization("Bearer good");

  for (const char* const path : kPaths) {
    EXPECT_EQ(Ask({.path = path}).status, 401) << path;
    EXPECT_EQ(Ask({.path = path, .headers = "X-API-Key: bad\r\n"}).status, 401) << path;
    EXPECT_EQ(Ask({.path = path, .headers = "X-API-Key: good\r\n"}).status, 200) << path;
  }
  const HttpReply reply =
      Ask({.path = "/v1/capabilities", .headers = "Authorization: Bearer good\r\n"});
  EXPECT_EQ(json::parse(reply.body)["version"], "1.2.3");
}

}  // namespace
}  // namespace upscaler
