#include "gateway/program/backend_watch.h"

#include <utility>

#include <absl/status/statusor.h>

#include "client/ask_server.h"

namespace upscaler {
namespace {

// A server that has not answered by then hangs, or the network does. It is as long as the
// end of the gateway may have to wait.
constexpr std::chrono::seconds kPatience{2};

}  // namespace

BackendWatch::BackendWatch(std::shared_ptr<grpc::Channel> channel, std::string api_key,
                           Logger& logger, std::chrono::milliseconds interval)
    : channel_(std::move(channel)),
      api_key_(std::move(api_key)),
      logger_(logger),
      ticker_(interval, [this] { Look(); }) {
  ready();  // Makes it connect, so that the first look finds something.
}

bool BackendWatch::ready() const {
  return channel_->GetState(/*try_to_connect=*/true) == GRPC_CHANNEL_READY;
}

std::string BackendWatch::model() const {
  const MutexLock lock(mutex_);
  return model_;
}

void BackendWatch::Look() {
  TellReady();
  if (!told_ready_.value_or(false)) return;
  const absl::StatusOr<v1::GetServerInfoResponse> info =
      AskServerInfo(channel_, {.api_key = api_key_, .timeout = kPatience});
  if (!info.ok()) {
    TellProblem(info.status());
    return;
  }
  told_problem_.clear();
  if (!Keep(info->model().name())) return;
  logger_.Info("model", {{"model", info->model().name()}, {"version", info->version()}});
}

void BackendWatch::TellReady() {
  const bool is_ready = ready();
  const std::optional<bool> told = std::exchange(told_ready_, is_ready);
  if (told == is_ready) return;
  if (is_ready || told.has_value()) {
    logger_.Info("health", {{"ready", is_ready}});
  } else {
    logger_.Warning("no backend is ready yet");
  }
}

// Once, not every time.
void BackendWatch::TellProblem(const absl::Status& problem) {
  const std::string text(problem.message());
  if (std::exchange(told_problem_, text) == text) return;
  logger_.Warning("the backends do not say what they serve",
                  {{"code", absl::StatusCodeToString(problem.code())}, {"error", text}});
}

bool BackendWatch::Keep(const std::string& model) {
  const MutexLock lock(mutex_);
  return std::exchange(model_, model) != model;
}

}  // namespace upscaler
