#include "gateway/program/backend_watch.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

#include <absl/status/statusor.h>
#include <absl/strings/str_join.h>
#include <grpcpp/channel.h>

#include "client/ask_server.h"

namespace upscaler {
namespace {

// A server that has not answered by then hangs, or the network does. It is as long as the
// end of the gateway may have to wait.
constexpr std::chrono::seconds kPatience{2};

bool IsReady(grpc::Channel& channel) {
  return channel.GetState(/*try_to_connect=*/true) == GRPC_CHANNEL_READY;
}

// One way to each server that can be asked by itself, ready while that takes work; the way to
// all together where they are known by one name.
std::vector<std::shared_ptr<grpc::Channel>> ChannelsOf(const Backends& backends) {
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (const Backends::Home& home : backends.homes()) {
    channels.push_back(home.healthy == nullptr ? home.channel : home.healthy);
  }
  if (channels.empty()) channels.push_back(backends.balanced());
  return channels;
}

}  // namespace

BackendWatch::BackendWatch(const Backends& backends, std::string api_key, Logger& logger,
                           std::chrono::milliseconds interval)
    : backends_(backends),
      api_key_(std::move(api_key)),
      logger_(logger),
      models_(ChannelsOf(backends).size()),
      ticker_(interval, [this] { Look(); }) {
  ready();  // Makes it connect, so that the first look finds something.
}

bool BackendWatch::ready() const { return IsReady(*backends_.balanced()); }

std::string BackendWatch::model() const {
  const MutexLock lock(mutex_);
  return model_;
}

void BackendWatch::Look() {
  TellReady();
  Ask();
  const std::vector<std::string> served = Served();
  if (Choose(served)) logger_.Info("model", {{"model", model()}});
  TellDifference(served);
}

void BackendWatch::Ask() {
  std::vector<std::shared_ptr<grpc::Channel>> asked;
  std::vector<std::string*> answers;
  const std::vector<std::shared_ptr<grpc::Channel>> channels = ChannelsOf(backends_);
  for (std::size_t i = 0; i < channels.size(); ++i) {
    if (IsReady(*channels[i])) {
      asked.push_back(channels[i]);
      answers.push_back(&models_[i]);
    } else {
      models_[i].clear();
    }
  }
  const auto infos = AskServerInfos(asked, {.api_key = api_key_, .timeout = kPatience});
  absl::Status problem;
  for (std::size_t i = 0; i < infos.size(); ++i) {
    if (infos[i].ok()) *answers[i] = infos[i]->model().name();
    problem.Update(infos[i].status());
  }
  TellProblem(problem);
}

std::vector<std::string> BackendWatch::Served() const {
  std::vector<std::string> served;
  for (const std::string& model : models_) {
    const bool is_new = std::ranges::find(served, model) == served.end();
    if (!model.empty() && is_new) served.push_back(model);
  }
  return served;
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
  if (std::exchange(told_problem_, text) == text || problem.ok()) return;
  logger_.Warning("the backends do not say what they serve",
                  {{"code", absl::StatusCodeToString(problem.code())}, {"error", text}});
}

// Likewise.
void BackendWatch::TellDifference(const std::vector<std::string>& served) {
  const std::string text = served.size() > 1 ? absl::StrJoin(served, ", ") : "";
  if (std::exchange(told_difference_, text) == text || text.empty()) return;
  logger_.Warning("the backends serve different models, and upscales go to any of them",
                  {{"models", text}, {"told", model()}});
}

bool BackendWatch::Choose(const std::vector<std::string>& served) {
  const MutexLock lock(mutex_);
  if (served.empty() || std::ranges::find(served, model_) != served.end()) return false;
  model_ = served.front();
  return true;
}

}  // namespace upscaler
