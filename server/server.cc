#include "server/server.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <thread>
#include <utility>

#include "common/status_macros.h"
#include "common/version.h"
#include "worker/engine/torch_engines.h"

namespace upscaler {
namespace {

constexpr std::size_t kBytesPerMib = std::size_t{1} << 20;

// At the end, how long clients may take to receive their answers.
constexpr std::chrono::seconds kDeliveryTime{5};

// How often it is looked, at the end, whether a device hangs.
constexpr std::chrono::milliseconds kPatience{100};

double SecondsSince(TimePoint start, const Clock& clock) {
  return std::chrono::duration<double>(clock.Now() - start).count();
}

// Seeds for requests that bring none. From a generator for each thread: asking the system
// for every one of them would be a good part of what a small request costs.
std::uint32_t DrawSeed() {
  thread_local std::mt19937 generator{std::random_device()()};
  return static_cast<std::uint32_t>(generator());
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Load(const Settings& settings,
                                                     EngineSource& engines, Logger& logger) {
  UPSCALER_ASSIGN_OR_RETURN(std::unique_ptr<VipsLibrary> vips, VipsLibrary::Start());
  UPSCALER_ASSIGN_OR_RETURN(LoadedEngines loaded,
                            LoadEngines(settings, engines, SteadyClock(), logger));
  // Not make_unique: the constructor is private.
  return std::unique_ptr<Server>(
      new Server(settings, logger, std::move(vips), engines, std::move(loaded)));
}

Server::Server(const Settings& settings, Logger& logger, std::unique_ptr<VipsLibrary> vips,
               EngineSource& source, LoadedEngines loaded)
    : settings_(settings),
      logger_(logger),
      vips_(std::move(vips)),
      admission_({.rows = settings.queue_capacity,
                  .bytes = static_cast<std::int64_t>(settings.queue_mib * kBytesPerMib)}),
      queue_(clock_),
      costs_(std::move(loaded.costs)),
      metrics_(
          {.version = std::string(kVersion),
           .libtorch = TorchEngines::library_version(),
           .model = settings.model_name,
           .devices = settings.devices,
           .queue_capacity = settings.queue_capacity},
          [this] { return CurrentLoad(); }, std::chrono::system_clock::now),
      observer_(metrics_),
      scheduler_{.queue = queue_, .costs = *costs_, .clock = clock_, .observer = observer_},
      image_pool_(static_cast<std::size_t>(settings.image_threads)),
      replicas_(scheduler_, source, settings_.devices, std::move(loaded.engines),
                {.batching = settings.batching}),
      upscaler_({.sides = loaded.sides,
                 .limits = {.max_pixels = settings.max_input_pixels},
                 .memory = std::move(loaded.memory),
                 .replicas = [this] { return replicas_.serving(); }},
                admission_, scheduler_, image_pool_),
      service_({.upscaler = upscaler_,
                .clock = clock_,
                .metrics = metrics_,
                .logger = logger_,
                .draw_seed = DrawSeed,
                .max_image_bytes = settings.max_upload_mib * kBytesPerMib}) {}

Server::~Server() {
  upscaler_.Close();
  upscaler_.CancelAll();
  CloseDoors(std::chrono::milliseconds(0));
  upscaler_.AwaitIdle(TimePoint::max());
  queue_.Close();  // Replicas leave.
}

absl::Status Server::Open() {
  UPSCALER_ASSIGN_OR_RETURN(
      grpc_, GrpcServer::Start({.address = settings_.grpc_address,
                                .tls = {.certificate = settings_.tls_cert,
                                        .private_key = settings_.tls_key,
                                        .client_ca = settings_.tls_client_ca},
                                .memory_bytes = settings_.grpc_memory_mib * kBytesPerMib},
                               {&service_}));
  UPSCALER_RETURN_IF_ERROR(OpenGateway());
  UPSCALER_ASSIGN_OR_RETURN(admin_, MetricsEndpoint::Start(settings_.admin_address, metrics_));
  watch_ = std::make_unique<HealthWatch>([this] { return replicas_.health(); },
                                         [this](const Vitals& vitals) { Tell(vitals); }, queue_);
  logger_.Info("ready", {{"grpc_port", grpc_->port()},
                         {"rest_port", gateway_->port()},
                         {"admin_port", admin_->port()},
                         {"model", settings_.model_name}});
  return absl::OkStatus();
}

absl::Status Server::OpenGateway() {
  const auto record_refused = [this](const RefusedRequest& request) {
    RecordCall(service_.context(),
               {.request_id = request.request_id,
                .api = Metrics::Api::kRest,
                .start = clock_.Now() - request.took},
               request.status);
  };
  UPSCALER_ASSIGN_OR_RETURN(
      gateway_, Gateway::Start({.address = settings_.rest_address,
                                .channel = grpc_->InProcessChannel(),
                                .model = settings_.model_name,
                                .max_upload_bytes = settings_.max_upload_mib * kBytesPerMib,
                                .drain_timeout = kDeliveryTime,
                                .ready = [this] { return ready_.load(); },
                                .live = [this] { return live_.load(); },
                                .on_refused = record_refused},
                               clock_));
  return absl::OkStatus();
}

void Server::Tell(const Vitals& vitals) {
  live_ = vitals.live;
  ready_ = vitals.ready;
  grpc_->SetLive(vitals.live);
  grpc_->SetServing(vitals.ready);
  logger_.Info("health", {{"live", vitals.live}, {"ready", vitals.ready}});
  if (!vitals.live) logger_.Error("a device hangs, or none is left: a new process is needed");
}

ServiceLoad Server::CurrentLoad() const {
  const JobTally::Counts requests = upscaler_.tally().counts();
  return {.waiting_rows = queue_.depth(),
          .oldest_wait = queue_.oldest_age(),
          .admitted_rows = admission_.rows(),
          .admitted_bytes = admission_.bytes(),
          .admitted = requests.admitted,
          .done = requests.done,
          .failed = requests.failed,
          .cancelled = requests.cancelled};
}

absl::Status Server::Drain() {
  const TimePoint start = clock_.Now();
  logger_.Info("draining", {{"delay_seconds", settings_.drain_delay_seconds}});
  watch_->Drain();
  // Who sends requests here hears of it only after a while.
  std::this_thread::sleep_for(std::chrono::seconds(settings_.drain_delay_seconds));
  upscaler_.Close();
  logger_.Info("refusing new requests", {{"in_flight", upscaler_.tally().counts().in_flight()}});
  // The doors stay open meanwhile: to deliver answers, and to refuse new requests
  // in words rather than by a closed port.
  upscaler_.AwaitIdle(clock_.Now() + std::chrono::seconds(settings_.drain_seconds));
  upscaler_.CancelAll();
  UPSCALER_RETURN_IF_ERROR(AwaitCancelled());
  CloseDoors(kDeliveryTime);
  logger_.Info("drained", {{"seconds", SecondsSince(start, clock_)}});
  return absl::OkStatus();
}

absl::Status Server::AwaitCancelled() {
  while (upscaler_.tally().counts().in_flight() > 0) {
    if (replicas_.health() == ReplicaHealth::kStuck) {
      return absl::InternalError("a device hangs, with a request in it");
    }
    upscaler_.AwaitIdle(clock_.Now() + kPatience);
  }
  return absl::OkStatus();
}

void Server::CloseDoors(std::chrono::milliseconds grace) {
  const TimePoint end = clock_.Now() + grace;
  watch_.reset();
  // The gateway first: the gRPC server, when it ends, drops in-process calls at once.
  gateway_.reset();
  if (grpc_ != nullptr) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - clock_.Now());
    grpc_->Shutdown(std::max(left, std::chrono::milliseconds(0)));
  }
  admin_.reset();
}

}  // namespace upscaler
