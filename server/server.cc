#include "server/server.h"

#include <chrono>
#include <random>
#include <utility>

#include "common/status_macros.h"
#include "common/version.h"

namespace upscaler {
namespace {

constexpr std::size_t kBytesPerMib = std::size_t{1} << 20;

// At the end, how long clients may take to receive their answers.
constexpr std::chrono::seconds kDeliveryTime{5};

double SecondsSince(TimePoint start, const Clock& clock) {
  return std::chrono::duration<double>(clock.Now() - start).count();
}

// Seeds for requests that bring none. A device of its own for every draw, since
// one is not thread-safe.
std::uint32_t DrawSeed() { return std::random_device()(); }

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const Settings& settings, Logger& logger) {
  UPSCALER_ASSIGN_OR_RETURN(std::unique_ptr<VipsLibrary> vips, VipsLibrary::Start());
  UPSCALER_ASSIGN_OR_RETURN(Engines engines, LoadEngines(settings, logger));
  // Not make_unique: the constructor is private.
  std::unique_ptr<Server> server(new Server(settings, logger, std::move(vips), std::move(engines)));
  UPSCALER_RETURN_IF_ERROR(server->OpenDoors());
  return server;
}

absl::StatusOr<Server::Engines> Server::LoadEngines(const Settings& settings, Logger& logger) {
  const SteadyClock clock;
  Engines engines;
  for (const std::string& device : settings.devices) {
    logger.Info("loading the model", {{"model", settings.model}, {"device", device}});
    const TimePoint start = clock.Now();
    UPSCALER_ASSIGN_OR_RETURN(std::unique_ptr<TorchEngine> engine,
                              TorchEngine::Load({.model = settings.model,
                                                 .weights_variant = settings.weights_variant,
                                                 .device = device,
                                                 .dtype = settings.dtype,
                                                 .threads = settings.model_threads}));
    UPSCALER_RETURN_IF_ERROR(engine->WarmUp());
    engines.push_back(std::move(engine));
    logger.Info("the model is loaded",
                {{"device", device}, {"seconds", SecondsSince(start, clock)}});
  }
  return engines;
}

Server::Server(const Settings& settings, Logger& logger, std::unique_ptr<VipsLibrary> vips,
               Engines engines)
    : settings_(settings),
      logger_(logger),
      vips_(std::move(vips)),
      queue_(settings.queue_capacity, clock_),
      metrics_({.version = std::string(kVersion),
                .libtorch = TorchEngine::library_version(),
                .model = settings.model_name},
               {.capacity = settings.queue_capacity, .depth = [this] { return queue_.depth(); }}),
      observer_(metrics_),
      image_pool_(static_cast<std::size_t>(settings.image_threads)),
      upscaler_(
          {.sides = engines.front()->sides(), .limits = {.max_pixels = settings.max_input_pixels}},
          queue_, image_pool_, clock_, observer_),
      service_({.upscaler = upscaler_,
                .clock = clock_,
                .metrics = metrics_,
                .logger = logger_,
                .draw_seed = DrawSeed,
                .max_image_bytes = settings.max_upload_mib * kBytesPerMib}) {
  for (std::size_t i = 0; i < engines.size(); ++i) {
    replicas_.push_back(std::make_unique<Replica>(queue_, std::move(engines[i]), settings.max_batch,
                                                  clock_, observer_));
    metrics_.SetReplicaUp(settings.devices[i], true);
  }
}

absl::Status Server::OpenDoors() {
  UPSCALER_ASSIGN_OR_RETURN(grpc_, GrpcServer::Start(settings_.grpc_address, service_));
  UPSCALER_ASSIGN_OR_RETURN(
      gateway_, Gateway::Start({.address = settings_.rest_address,
                                .channel = grpc_->InProcessChannel(),
                                .model = settings_.model_name,
                                .max_upload_bytes = settings_.max_upload_mib * kBytesPerMib,
                                .drain_timeout = kDeliveryTime,
                                .ready = [this] { return ready_.load(); },
                                .on_refused =
                                    [this](const RefusedRequest& request) {
                                      RecordCall(service_.context(),
                                                 {.request_id = request.request_id,
                                                  .api = Metrics::Api::kRest,
                                                  .start = clock_.Now() - request.took},
                                                 request.status);
                                    }},
                               clock_));
  UPSCALER_ASSIGN_OR_RETURN(admin_, MetricsEndpoint::Start(settings_.admin_address, metrics_));
  grpc_->SetServing(true);
  ready_ = true;
  logger_.Info("ready", {{"grpc_port", grpc_->port()},
                         {"rest_port", gateway_->port()},
                         {"admin_port", admin_->port()},
                         {"model", settings_.model_name}});
  return absl::OkStatus();
}

void Server::Drain() {
  const TimePoint start = clock_.Now();
  logger_.Info("draining", {{"waiting", queue_.depth()}});
  ready_ = false;
  grpc_->SetServing(false);
  queue_.Close();
  // The doors stay open meanwhile: to deliver answers, and to refuse new requests
  // in words rather than by a closed port.
  upscaler_.AwaitIdle(start + std::chrono::seconds(settings_.drain_seconds));
  upscaler_.CancelAll();
  // The gateway first: the gRPC server, when it ends, drops in-process calls at once.
  gateway_.reset();
  grpc_->Shutdown(kDeliveryTime);
  logger_.Info("drained", {{"seconds", SecondsSince(start, clock_)}});
}

Server::~Server() {
  // Replicas leave when the queue is closed; calls that are still open are
  // cancelled by the gRPC server's end, which comes before theirs.
  queue_.Close();
}

}  // namespace upscaler
