// The service of jobs behind a real gRPC server on loopback, in front of an engine without
// a model, and what a client does with it.

#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <grpcpp/server.h>
#include <grpcpp/support/status.h>
#include <gtest/gtest.h>

#include "server/service/job_service.h"
#include "tests/support/delay_engines.h"
#include "tests/support/engine_script.h"
#include "tests/support/fake_clock.h"
#include "tests/support/null_observer.h"
#include "worker/scheduler/replica_pool.h"

namespace upscaler::test {

using Uploads = std::vector<v1::UpscaleStreamRequest>;

// The reason that google.rpc.ErrorInfo names; every error has one.
std::string ReasonIn(const grpc::Status& status);

v1::UpscaleStreamRequest Start(std::uint32_t steps = 2, std::uint32_t images = 1);
v1::UpscaleStreamRequest Chunk(std::string data);

// A picture so large that it comes back in several chunks.
std::string NoisePng();

class JobServiceFixture : public ::testing::Test {
 protected:
  JobServiceFixture();
  ~JobServiceFixture() override;

  void OpenDoor();

  // As a server that ends and starts again with the same folder.
  void Restart();

  // One replica is enough.
  std::vector<std::unique_ptr<Engine>> MakeEngines();

  struct Creation {
    grpc::Status status;
    v1::CreateUpscaleJobResponse response;

    const std::string& id() const { return response.job().job_id(); }
  };
  Creation Create(const Uploads& uploads, const std::string& request_id = "",
                  const std::string& key = "");
  std::string CreateWell(const Uploads& uploads);

  v1::UpscaleJob Get(const std::string& id);
  grpc::Status Cancel(const std::string& id);
  grpc::Status Delete(const std::string& id);

  // What a client sees that watches to the end, or until it has seen so many events.
  struct Watched {
    std::vector<v1::UpscaleStreamResponse> events;
    grpc::Status status;
  };
  Watched Watch(const std::string& id, std::uint64_t after = 0, std::size_t at_most = 1 << 20,
                const std::string& key = "");

  struct Download {
    v1::UpscaleStreamResponse::ImageHeader header;
    std::string bytes;
    grpc::Status status;
  };
  Download Fetch(const std::string& id, std::uint64_t offset = 0, std::uint32_t index = 0);

  static std::vector<std::string> Serialized(const std::vector<v1::UpscaleStreamResponse>& events);

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
  const Tracer tracer_{nullptr, /*sample_ratio=*/1, clock_, std::chrono::system_clock::now};
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
