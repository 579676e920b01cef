// The service of jobs behind a real gRPC server on loopback, in front of an engine without
// a model, and what a client does with it.

#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include "server/service/job_service.h"
#include "telemetry/request_id.h"
#include "tests/support/delay_engines.h"
#include "tests/support/engine_script.h"
#include "tests/support/fake_clock.h"
#include "tests/support/null_observer.h"
#include "tests/support/pictures.h"
#include "tests/support/started_vips.h"
#include "worker/scheduler/replica_pool.h"

namespace upscaler::test {

using Uploads = std::vector<v1::UpscaleStreamRequest>;

// The reason that google.rpc.ErrorInfo names; every error has one.
inline std::string ReasonIn(const grpc::Status& status) {
  google::rpc::Status details;
  details.ParseFromString(status.error_details());
  google::rpc::ErrorInfo info;
  for (const auto& detail : details.details()) {
    if (detail.UnpackTo(&info)) return info.reason();
  }
  return "none";
}

inline v1::UpscaleStreamRequest Start(std::uint32_t steps = 2, std::uint32_t images = 1) {
  v1::UpscaleStreamRequest message;
  message.mutable_start()->mutable_spec()->set_num_inference_steps(steps);
  message.mutable_start()->mutable_spec()->set_image_count(images);
  return message;
}

inline v1::UpscaleStreamRequest Chunk(std::string data) {
  v1::UpscaleStreamRequest message;
  message.mutable_chunk()->set_data(std::move(data));
  return message;
}

// A picture so large that it comes back in several chunks.
inline std::string NoisePng() {
  Image image{.width = 256, .height = 256, .pixels = {}};
  std::uint32_t state = 1;
  for (int i = 0; i < 256 * 256 * 3; ++i) {
    state = state * 1664525U + 1013904223U;
    image.pixels.push_back(static_cast<std::uint8_t>(state >> 24));
  }
  return EncodeImage(image, {.format = ImageFormat::kPng}).value();
}

class JobServiceFixture : public ::testing::Test {
 protected:
  JobServiceFixture() {
    StartedVips();
    script_.sides = kSides;
    OpenDoor();
  }

  ~JobServiceFixture() override {
    script_.Release();
    server_.reset();
    upscaler_.CancelAll();
    upscaler_.AwaitIdle(TimePoint::max());
    jobs_->Flush();
    queue_.Close();
    EXPECT_THAT(script_.breaches(), ::testing::IsEmpty());
  }

  void OpenDoor() {
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
    stub_ = v1::UpscaleJobService::NewStub(grpc::CreateChannel("127.0.0.1:" + std::to_string(port),
                                                               grpc::InsecureChannelCredentials()));
  }

  // As a server that ends and starts again with the same folder.
  void Restart() {
    server_->Shutdown();
    server_.reset();
    upscaler_.AwaitIdle(TimePoint::max());
    jobs_->Flush();
    service_.reset();
    jobs_.reset();
    OpenDoor();
  }

  // One replica is enough.
  std::vector<std::unique_ptr<Engine>> MakeEngines() {
    std::vector<std::unique_ptr<Engine>> engines;
    engines.push_back(engines_.Make("cpu").value());
    return engines;
  }

  struct Creation {
    grpc::Status status;
    v1::CreateUpscaleJobResponse response;

    const std::string& id() const { return response.job().job_id(); }
  };
  Creation Create(const Uploads& uploads, const std::string& request_id = "",
                  const std::string& key = "") {
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
  std::string CreateWell(const Uploads& uploads) {
    const Creation creation = Create(uploads);
    EXPECT_TRUE(creation.status.ok()) << creation.status.error_message();
    return creation.id();
  }

  v1::UpscaleJob Get(const std::string& id) {
    grpc::ClientContext call;
    v1::GetUpscaleJobRequest request;
    request.set_job_id(id);
    v1::GetUpscaleJobResponse response;
    EXPECT_TRUE(stub_->GetUpscaleJob(&call, request, &response).ok());
    return response.job();
  }

  grpc::Status Cancel(const std::string& id) {
    grpc::ClientContext call;
    v1::CancelUpscaleJobRequest request;
    request.set_job_id(id);
    v1::CancelUpscaleJobResponse response;
    return stub_->CancelUpscaleJob(&call, request, &response);
  }

  grpc::Status Delete(const std::string& id) {
    grpc::ClientContext call;
    v1::DeleteUpscaleJobRequest request;
    request.set_job_id(id);
    v1::DeleteUpscaleJobResponse response;
    return stub_->DeleteUpscaleJob(&call, request, &response);
  }

  // What a client sees that watches to the end, or until it has seen so many events.
  struct Watched {
    std::vector<v1::UpscaleStreamResponse> events;
    grpc::Status status;
  };
  Watched Watch(const std::string& id, std::uint64_t after = 0, std::size_t at_most = 1 << 20,
                const std::string& key = "") {
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

  struct Download {
    v1::UpscaleStreamResponse::ImageHeader header;
    std::string bytes;
    grpc::Status status;
  };
  Download Fetch(const std::string& id, std::uint64_t offset = 0, std::uint32_t index = 0) {
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

  static std::vector<std::string> Serialized(const std::vector<v1::UpscaleStreamResponse>& events) {
    std::vector<std::string> serialized;
    for (const auto& event : events) serialized.push_back(event.SerializeAsString());
    return serialized;
  }

  // How long a client may take for a message.
  static constexpr std::chrono::seconds kPatience{60};
  static constexpr SideRule kSides{.multiple = 8, .minimum = 16};

  std::string folder_;  // Of the jobs; empty: in memory.
  std::atomic<std::uint32_t> seed_ = 0;
  SteadyClock clock_;
  NullObserver observer_;
  EngineScript script_;
  DelayEngines engines_{script_};
  std::ostringstream log_text_;
  Logger logger_{LogForm::kText, log_text_};
  Admission admission_{{.rows = 2}};
  RowQueue queue_{clock_};
  CostModel costs_{/*max_batch=*/1};
  const SchedulerParts scheduler_{queue_, costs_, clock_, observer_};
  Metrics metrics_{{}, [] { return ServiceLoad(); }, std::chrono::system_clock::now};
  ThreadPool pool_{/*threads=*/1};
  ReplicaPool replicas_{scheduler_, engines_, {"cpu"}, MakeEngines(), {}};
  UploadBudget uploads_{/*bytes=*/4 << 20};
  FakeClock stall_clock_;
  StallWatch stalls_{stall_clock_, kPatience};
  std::unique_ptr<AccessControl> access_ = std::make_unique<AccessControl>(clock_);
  std::unique_ptr<JobStore> jobs_;
  Upscaler upscaler_{{.rules = {.sides = kSides}}, admission_, scheduler_, {pool_, pool_}};
  std::atomic<Upscaler*> door_{&upscaler_};
  std::unique_ptr<JobService> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::UpscaleJobService::Stub> stub_;
};

}  // namespace upscaler::test
