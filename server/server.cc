#include "server/server.h"

#include <cstdint>
#include <random>
#include <string>
#include <thread>
#include <utility>

#include "common/status_macros.h"
#include "common/version.h"
#include "server/load_engines.h"
#include "server/open_jobs.h"
#include "server/service/server_info.h"
#include "worker/engine/torch_engines.h"

namespace upscaler {
namespace {

constexpr std::size_t kBytesPerMib = std::size_t{1} << 20;

// At the end, how long clients may take to receive their answers.
constexpr std::chrono::seconds kDeliveryTime{5};

// And how long calls that come even then may take.
constexpr std::chrono::milliseconds kLastCalls{100};

// How often it is looked, at the end, whether a device hangs.
constexpr std::chrono::milliseconds kPatience{100};

// How often it is looked whether clients do their part, and which jobs have expired.
constexpr std::chrono::milliseconds kHousekeeping{1000};

double SecondsSince(TimePoint start, const Clock& clock) {
  return std::chrono::duration<double>(clock.Now() - start).count();
}

// Seeds for requests that bring none. From a generator for each thread: asking the system
// for every one of them would be a good part of what a small request costs.
std::uint32_t DrawSeed() {
  thread_local std::mt19937 generator{std::random_device()()};
  return static_cast<std::uint32_t>(generator());
}

absl::StatusOr<std::unique_ptr<AccessControl>> OpenAccess(const Settings& settings,
                                                          const Clock& clock, Logger& logger) {
  const auto tell = [&logger](const absl::StatusOr<std::size_t>& keys) {
    if (keys.ok()) {
      logger.Info("API keys read again", {{"keys", *keys}});
    } else {
      logger.Error("API keys not taken up", {{"error", std::string(keys.status().message())}});
    }
  };
  return AccessControl::Open(
      {.keys_file = settings.api_keys_file,
       .default_quota = {.requests_per_minute = settings.key_requests_per_minute,
                         .concurrent_calls = settings.key_concurrent_calls},
       .on_reload = tell},
      clock);
}

TlsFiles TlsFilesOf(const Settings& settings) {
  return {.certificate = settings.tls_cert,
          .private_key = settings.tls_key,
          .client_ca = settings.tls_client_ca};
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Open(const Settings& settings, const Clock& clock,
                                                     Logger& logger) {
  UPSCALER_ASSIGN_OR_RETURN(std::unique_ptr<VipsLibrary> vips, VipsLibrary::Start());
  UPSCALER_ASSIGN_OR_RETURN(std::unique_ptr<AccessControl> access,
                            OpenAccess(settings, clock, logger));
  UPSCALER_ASSIGN_OR_RETURN(std::unique_ptr<JobStore> jobs, OpenJobs(settings, logger));
  // Not make_unique: the constructor is private.
  std::unique_ptr<Server> server(
      new Server(settings, clock, logger, std::move(vips), std::move(access), std::move(jobs)));
  UPSCALER_RETURN_IF_ERROR(server->OpenDoors());
  return server;
}

Server::Server(const Settings& settings, const Clock& clock, Logger& logger,
               std::unique_ptr<VipsLibrary> vips, std::unique_ptr<AccessControl> access,
               std::unique_ptr<JobStore> jobs)
    : settings_(settings),
      clock_(clock),
      logger_(logger),
      vips_(std::move(vips)),
      access_(std::move(access)),
      admission_({.rows = settings.queue_capacity,
                  .bytes = static_cast<std::int64_t>(settings.queue_mib * kBytesPerMib)}),
      jobs_(std::move(jobs)),
      queue_(clock_),
      tracing_(settings, clock, logger),
      metrics_(
          {.version = std::string(kVersion),
           .libtorch = TorchEngines::library_version(),
           .model = settings.model_name,
           .devices = settings.devices,
           .queue_capacity = settings.queue_capacity},
          [this] { return CurrentLoad(); }, std::chrono::system_clock::now),
      observer_(metrics_),
      image_pool_(static_cast<std::size_t>(settings.image_threads)),
      uploads_(static_cast<std::int64_t>(settings.uploads_mib * kBytesPerMib)),
      stalls_(clock_, std::chrono::seconds(settings.stall_seconds)),
      service_({.upscaler = upscaler_,
                .clock = clock_,
                .metrics = metrics_,
                .logger = logger_,
                .tracer = tracing_.tracer(),
                .draw_seed = DrawSeed,
                .max_image_bytes = settings.max_upload_mib * kBytesPerMib,
                .uploads = uploads_,
                .stalls = stalls_,
                .access = *access_,
                .server_info = [this] { return CurrentInfo(); }}),
      job_service_(service_.context(), *jobs_) {}

Server::~Server() {
  admission_.Close();
  if (backend_ != nullptr) backend_->upscaler().CancelAll();
  CloseDoors(std::chrono::milliseconds(0));
  // What the store still has to write or tell may be about the worker's jobs.
  if (backend_ != nullptr) backend_->upscaler().AwaitIdle(TimePoint::max());
  jobs_->Flush();
  backend_.reset();
}

absl::Status Server::OpenDoors() {
  UPSCALER_ASSIGN_OR_RETURN(
      grpc_,
      GrpcServer::Start({.address = settings_.grpc_address,
                         .tls = TlsFilesOf(settings_),
                         .memory_bytes = settings_.grpc_memory_mib * kBytesPerMib,
                         .connection_age = std::chrono::seconds(settings_.connection_age_seconds)},
                        {&service_, &job_service_}));
  UPSCALER_RETURN_IF_ERROR(OpenGateway());
  UPSCALER_ASSIGN_OR_RETURN(admin_, MetricsEndpoint::Start(settings_.admin_address, metrics_));
  housekeeping_ = std::make_unique<Ticker>(kHousekeeping, [this] {
    stalls_.Look();
    jobs_->Sweep();
  });
  logger_.Info("listening", {{"grpc_port", grpc_->port()},
                             {"rest_port", gateway_->port()},
                             {"admin_port", admin_->port()}});
  return absl::OkStatus();
}

absl::Status Server::Load(EngineSource& engines) {
  UPSCALER_ASSIGN_OR_RETURN(LoadedEngines loaded, LoadEngines(settings_, engines, clock_, logger_));
  digest_ = std::make_unique<ModelDigest>(settings_.model);
  const auto service = [this] {
    return ServiceFacts{.model = settings_.model_name,
                        .digest = digest_->value(),
                        .version = std::string(kVersion)};
  };
  backend_ = std::make_unique<Backend>(settings_,
                                       Backend::Surroundings{.admission = admission_,
                                                             .queue = queue_,
                                                             .image_pool = image_pool_,
                                                             .service = service,
                                                             .clock = clock_,
                                                             .observer = observer_,
                                                             .engines = engines},
                                       std::move(loaded));
  memory_watch_ = std::make_unique<DeviceMemoryWatch>(settings_.devices, engines, metrics_);
  upscaler_ = &backend_->upscaler();  // The last of what calls look at.
  watch_ = std::make_unique<HealthWatch>([this] { return backend_->health(); },
                                         [this](const Vitals& vitals) { Tell(vitals); }, queue_);
  logger_.Info("ready", {{"grpc_port", grpc_->port()},
                         {"rest_port", gateway_->port()},
                         {"admin_port", admin_->port()},
                         {"model", settings_.model_name}});
  return absl::OkStatus();
}

absl::Status Server::OpenGateway() {
  const auto record_refused = [this](const RefusedRequest& request) {
    CallIdentity call;
    call.method = "refused by the gateway";
    call.request_id = request.request_id;
    call.span = tracing_.tracer().Begin(request.trace);
    if (request.trace.has_value()) call.parent_id = std::string(request.trace->parent_id());
    call.api = Metrics::Api::kRest;
    call.start = clock_.Now() - request.took;
    RecordCall(service_.context(), call, request.status);
  };
  const auto authorize = [this](const std::string& api_key) {
    return access_->Identify(api_key.empty() ? std::nullopt : std::optional(api_key)).status();
  };
  const auto tell_reload = [this](const absl::Status& status) {
    if (status.ok()) {
      logger_.Info("certificates of REST read again");
    } else {
      logger_.Error("certificates of REST not taken up",
                    {{"error", std::string(status.message())}});
    }
  };
  gateway_backends_ = Backends::One(grpc_->InProcessChannel());
  UPSCALER_ASSIGN_OR_RETURN(Cors cors, Cors::Parse(settings_.cors_origins));
  UPSCALER_ASSIGN_OR_RETURN(
      gateway_,
      Gateway::Start({.address = settings_.rest_address,
                      .model = [this] { return settings_.model_name; },
                      .max_upload_bytes = settings_.max_upload_mib * kBytesPerMib,
                      .max_connections = settings_.rest_connections,
                      .stall_timeout = std::chrono::seconds(settings_.stall_seconds),
                      .request_timeout = std::chrono::seconds(settings_.rest_request_seconds),
                      .drain_timeout = kDeliveryTime,
                      .tls = {.files = settings_.rest_tls ? TlsFilesOf(settings_) : TlsFiles(),
                              .on_reload = tell_reload},
                      .cors = std::move(cors),
                      .ready = [this] { return ready_.load(); },
                      .live = [this] { return live_.load(); },
                      .server_info = [this] { return CurrentInfo(); },
                      .on_refused = record_refused,
                      .authorize = authorize},
                     *gateway_backends_, uploads_, clock_));
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
  const Upscaler* upscaler = upscaler_;
  const JobTally::Counts requests =
      upscaler == nullptr ? JobTally::Counts() : upscaler->tally().counts();
  const JobStore::Kept kept = jobs_->kept();
  return {.ready = ready_,
          .waiting_rows = queue_.depth(),
          .oldest_wait = queue_.oldest_age(),
          .admitted_rows = admission_.rows(),
          .admitted_bytes = admission_.bytes(),
          .upload_bytes = uploads_.taken(),
          .kept_jobs = kept.jobs,
          .kept_job_bytes = kept.bytes,
          .admitted = requests.admitted,
          .done = requests.done,
          .failed = requests.failed,
          .cancelled = requests.cancelled,
          .spans_dropped = tracing_.spans_dropped()};
}

v1::GetServerInfoResponse Server::CurrentInfo() const {
  using Info = v1::GetServerInfoResponse;
  Info info = DescribeServer({.version = std::string(kVersion),
                              .libtorch_version = TorchEngines::library_version(),
                              .model_name = settings_.model_name,
                              .devices = settings_.devices,
                              .data_type = settings_.dtype,
                              .max_input_pixels = settings_.max_input_pixels,
                              .max_image_bytes = settings_.max_upload_mib * kBytesPerMib,
                              .queue_capacity = settings_.queue_capacity});
  const Upscaler* upscaler = upscaler_;
  info.set_state(draining_             ? Info::STATE_DRAINING
                 : upscaler == nullptr ? Info::STATE_LOADING
                                       : Info::STATE_SERVING);
  if (upscaler != nullptr) {
    DescribeLatents(upscaler->rules().latents, *info.mutable_model());
    info.mutable_model()->set_digest(digest_->value());
  }
  return info;
}

absl::Status Server::Drain() {
  const TimePoint start = clock_.Now();
  Upscaler& upscaler = backend_->upscaler();
  draining_ = true;
  watch_->Drain();
  gateway_->LetClientsGo();
  logger_.Info("draining", {{"delay_seconds", settings_.drain_delay_seconds}});
  // Who sends requests here hears of it only after a while.
  std::this_thread::sleep_for(std::chrono::seconds(settings_.drain_delay_seconds));
  upscaler.Close();
  logger_.Info("refusing new requests", {{"in_flight", upscaler.tally().counts().in_flight()}});
  // The doors stay open meanwhile: to deliver answers, and to refuse new requests
  // in words rather than by a closed port.
  upscaler.AwaitIdle(clock_.Now() + std::chrono::seconds(settings_.drain_seconds));
  upscaler.CancelAll();
  UPSCALER_RETURN_IF_ERROR(AwaitCancelled());
  CloseDoors(kDeliveryTime);
  if (!memory_watch_->Stop(kDeliveryTime)) {
    return absl::InternalError("a device hangs: it does not say how much memory it has");
  }
  logger_.Info("drained", {{"seconds", SecondsSince(start, clock_)}});
  return absl::OkStatus();
}

absl::Status Server::AwaitCancelled() {
  Upscaler& upscaler = backend_->upscaler();
  while (upscaler.tally().counts().in_flight() > 0) {
    if (backend_->health() == ReplicaHealth::kStuck) {
      return absl::InternalError("a device hangs, with a request in it");
    }
    upscaler.AwaitIdle(clock_.Now() + kPatience);
  }
  return absl::OkStatus();
}

void Server::CloseDoors(std::chrono::milliseconds grace) {
  const TimePoint end = clock_.Now() + grace;
  watch_.reset();
  housekeeping_.reset();
  // The gateway first: the gRPC server, when it ends, drops in-process calls at once.
  gateway_.reset();
  gateway_backends_.reset();
  // Not by the grace of gRPC's own Shutdown, which waits for those who watch our health, too.
  stalls_.AwaitNobody(end);
  // By a little of it, so that calls which come meanwhile are refused in words.
  if (grpc_ != nullptr) grpc_->Shutdown(grace.count() > 0 ? kLastCalls : grace);
  admin_.reset();
}

}  // namespace upscaler
