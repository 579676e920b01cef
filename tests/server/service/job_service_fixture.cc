#include "tests/server/service/job_service_fixture.h"

#include <utility>

#include <gmock/gmock.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include "telemetry/request_id.h"
#include "tests/support/started_vips.h"
#include "worker/imaging/codec.h"
#include "worker/imaging/image.h"

namespace upscaler::test {

std::string ReasonIn(const grpc::Status& status) {
  google::rpc::Status details;
  details.ParseFromString(status.error_details());
  google::rpc::ErrorInfo info;
  for (const auto& detail : details.details()) {
    if (detail.UnpackTo(&info)) return info.reason();
  }
  return "none";
}

v1::UpscaleStreamRequest Start(std::uint32_t steps, std::uint32_t images) {
  v1::UpscaleStreamRequest message;
  message.mutable_start()->mutable_spec()->set_num_inference_steps(steps);
  message.mutable_start()->mutable_spec()->set_image_count(images);
  return message;
}

v1::UpscaleStreamRequest Chunk(std::string data) {
  v1::UpscaleStreamRequest message;
  message.mutable_chunk()->set_data(std::move(data));
  return message;
}

std::string NoisePng() {
  Image image{.width = 256, .height = 256, .pixels = {}};
  std::uint32_t state = 1;
  for (int i = 0; i < 256 * 256 * 3; ++i) {
    state = state * 1664525U + 1013904223U;
    image.pixels.push_back(static_cast<std::uint8_t>(state >> 24));
  }
  return EncodeImage(image, {.format = ImageFormat::kPng}).value();
}

JobServiceFixture::JobServiceFixture() {
  StartedVips();
  script_.sides = kSides;
  OpenDoor();
}

JobServiceFixture::~JobServiceFixture() {
  script_.Release();
  server_.reset();
  upscaler_.CancelAll();
  upscaler_.AwaitIdle(TimePoint::max());
  jobs_->Flush();
  queue_.Close();
  EXPECT_THAT(script_.breaches(), ::testing::IsEmpty());
}

void JobServiceFixture::OpenDoor() {
  jobs_ = JobStore::Open({.limits = {.jobs = 100, .bytes = std::int64_t{64} << 20},
                          .ttl = std::chrono::hours(1),
                          .folder = folder_,
                          .now = std::chrono::system_clock::now,
                          .make_id = MakeRequestId})
              .value();
  service_ = std::make_unique<JobService>(CallContext{.upscaler = door_,
                                                      .clock = clock_,
                                                      .metrics = metrics_,
                                                      .logger = logger_,
                                                      .tracer = tracer_,
                                                      .draw_seed = [this] { return ++seed_; },
                                                      .max_image_bytes = 1 << 20,
                                                      .uploads = uploads_,
                                                      .stalls = stalls_,
                                                      .access = *access_},
                                          *jobs_);
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(service_.get());
  server_ = builder.BuildAndStart();
  stub_ = v1::UpscaleJobService::NewStub(
      grpc::CreateChannel("127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials()));
}

void JobServiceFixture::Restart() {
  server_->Shutdown();
  server_.reset();
  upscaler_.AwaitIdle(TimePoint::max());
  jobs_->Flush();
  service_.reset();
  jobs_.reset();
  OpenDoor();
}

std::vector<std::unique_ptr<Engine>> JobServiceFixture::MakeEngines() {
  std::vector<std::unique_ptr<Engine>> engines;
  engines.push_back(engines_.Make("cpu").value());
  return engines;
}

JobServiceFixture::Creation JobServiceFixture::Create(const Uploads& uploads,
                                                      const std::string& request_id,
                                                      const std::string& key) {
  Creation creation;
  grpc::ClientContext call;
  if (!key.empty()) call.AddMetadata("x-api-key", key);
  auto writer = stub_->CreateUpscaleJob(&call, &creation.response);
  v1::CreateUpscaleJobRequest request;
  request.set_request_id(request_id);
  for (const v1::UpscaleStreamRequest& upload : uploads) {
    *request.mutable_upload() = upload;
    if (!writer->Write(request)) break;
  }
  writer->WritesDone();
  creation.status = writer->Finish();
  return creation;
}

std::string JobServiceFixture::CreateWell(const Uploads& uploads) {
  const Creation creation = Create(uploads);
  EXPECT_TRUE(creation.status.ok()) << creation.status.error_message();
  return creation.id();
}

v1::UpscaleJob JobServiceFixture::Get(const std::string& id) {
  grpc::ClientContext call;
  v1::GetUpscaleJobRequest request;
  request.set_job_id(id);
  v1::GetUpscaleJobResponse response;
  EXPECT_TRUE(stub_->GetUpscaleJob(&call, request, &response).ok());
  return response.job();
}

grpc::Status JobServiceFixture::Cancel(const std::string& id) {
  grpc::ClientContext call;
  v1::CancelUpscaleJobRequest request;
  request.set_job_id(id);
  v1::CancelUpscaleJobResponse response;
  return stub_->CancelUpscaleJob(&call, request, &response);
}

grpc::Status JobServiceFixture::Delete(const std::string& id) {
  grpc::ClientContext call;
  v1::DeleteUpscaleJobRequest request;
  request.set_job_id(id);
  v1::DeleteUpscaleJobResponse response;
  return stub_->DeleteUpscaleJob(&call, request, &response);
}

JobServiceFixture::Watched JobServiceFixture::Watch(const std::string& id, std::uint64_t after,
                                                    std::size_t at_most, const std::string& key) {
  Watched watched;
  grpc::ClientContext call;
  if (!key.empty()) call.AddMetadata("x-api-key", key);
  v1::WatchUpscaleJobRequest request;
  request.set_job_id(id);
  request.set_after_sequence(after);
  auto reader = stub_->WatchUpscaleJob(&call, request);
  v1::WatchUpscaleJobResponse response;
  while (watched.events.size() < at_most && reader->Read(&response)) {
    watched.events.push_back(response.event());
  }
  if (watched.events.size() == at_most) call.TryCancel();
  watched.status = reader->Finish();
  return watched;
}

JobServiceFixture::Download JobServiceFixture::Fetch(const std::string& id, std::uint64_t offset,
                                                     std::uint32_t index) {
  Download download;
  grpc::ClientContext call;
  v1::DownloadUpscaleJobRequest request;
  request.set_job_id(id);
  request.set_image_index(index);
  request.set_offset(offset);
  auto reader = stub_->DownloadUpscaleJob(&call, request);
  v1::DownloadUpscaleJobResponse response;
  while (reader->Read(&response)) {
    if (response.has_image_header()) download.header = response.image_header();
    download.bytes += response.image_chunk().data();
  }
  download.status = reader->Finish();
  return download;
}

std::vector<std::string> JobServiceFixture::Serialized(
    const std::vector<v1::UpscaleStreamResponse>& events) {
  std::vector<std::string> serialized;
  for (const auto& event : events) serialized.push_back(event.SerializeAsString());
  return serialized;
}

}  // namespace upscaler::test
