#include "client/cli/upscale_command.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <absl/status/statusor.h>
#include <fmt/format.h>

#include "client/ask_server.h"
#include "client/channel.h"
#include "client/cli/local_server.h"
#include "client/cli/progress_display.h"
#include "client/cli/server_presence.h"
#include "client/cli/upscale_batch.h"
#include "client/cli/upscale_file.h"
#include "client/cli/upscale_plan.h"
#include "common/clock.h"
#include "common/error_details.h"
#include "common/status_macros.h"

namespace upscaler {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kQuestionTimeout{30};

ExitCode Complain(std::ostream& err, ExitCode code, const absl::Status& status) {
  err << "upscale: " << status.message() << "\n";
  return code;
}

bool IsThere(const std::string& path) {
  std::error_code error;
  return path != "-" && fs::is_regular_file(path, error) && fs::file_size(path, error) > 0;
}

// Moves the tasks out of `tasks` whose outputs are all there.
std::vector<FileTask> TakeFinished(std::vector<FileTask>& tasks) {
  std::vector<FileTask> finished;
  std::erase_if(tasks, [&](FileTask& task) {
    if (!std::ranges::all_of(task.outputs, IsThere)) return false;
    finished.push_back(std::move(task));
    return true;
  });
  return finished;
}

// A wrong address is told at once, and not after trying it for minutes: a server that has
// never answered is hardly one that is away for a moment.
absl::Status CheckReachable(const std::shared_ptr<grpc::Channel>& channel,
                            const CommandLine& line) {
  const absl::Status status =
      AskServerInfo(channel, {.api_key = line.api_key, .timeout = kQuestionTimeout}).status();
  // Any other error is an answer.
  if (!absl::IsUnavailable(status) || ReasonOf(status).has_value()) return absl::OkStatus();
  return absl::UnavailableError(fmt::format("cannot reach the server at {}: {}", line.server.target,
                                            std::string(status.message())));
}

// The way to the server and, where it is a local one, its life.
struct Connection {
  std::unique_ptr<LocalServer> local{};
  std::shared_ptr<grpc::Channel> channel{};
};

// kUnavailable when there is no server, kCancelled when `stop` asks for an end; other
// errors are those of files. A local server's address goes into `line`.
absl::StatusOr<Connection> Connect(CommandLine& line, const Clock& clock,
                                   const std::stop_token& stop) {
  Connection connection;
  if (line.local) {
    UPSCALER_ASSIGN_OR_RETURN(connection.local, LocalServer::Start({.program = FindServerProgram(),
                                                                    .model = line.model,
                                                                    .timeout = line.timeout},
                                                                   clock, stop));
    line.server = {.target = connection.local->target()};
  }
  UPSCALER_ASSIGN_OR_RETURN(connection.channel, MakeChannel(line.server));
  if (!line.local && !line.retry_for.has_value()) {
    UPSCALER_RETURN_IF_ERROR(CheckReachable(connection.channel, line));
  }
  return connection;
}

// How long the server may be silent. Without retries, that is for each try to find out.
std::optional<std::chrono::milliseconds> PatienceOf(const CommandLine& line) {
  const std::chrono::milliseconds retry_for = line.retry_for.value_or(kRetryFor);
  return retry_for.count() == 0 ? std::nullopt : std::optional(retry_for);
}

ExitCode CodeOf(const absl::Status& connect_error) {
  if (absl::IsCancelled(connect_error)) return ExitCode::kInterrupted;
  return absl::IsUnavailable(connect_error) ? ExitCode::kUnreachable : ExitCode::kFile;
}

}  // namespace

ExitCode RunUpscale(CommandLine line, Console console, const std::stop_token& stop) {
  absl::StatusOr<UpscalePlan> plan = MakePlan(line);
  if (!plan.ok()) return Complain(console.err, ExitCode::kUsage, plan.status());
  std::vector<FileTask> finished;
  if (line.skip_existing) finished = TakeFinished(plan->tasks);
  const std::size_t total = plan->tasks.size() + plan->errors.size() + finished.size();

  const SteadyClock clock;
  ProgressDisplay progress(
      console.err,
      {.is_terminal = console.err_is_terminal, .quiet = line.quiet, .total = plan->tasks.size()},
      clock);
  UpscaleBatch batch(line, console.out, progress);
  for (FileTask& task : finished) {
    batch.Report({.outcome = FileResult::Outcome::kSkipped, .task = std::move(task)});
  }
  for (InputError& error : plan->errors) {
    batch.Report(FileFailed({.input = error.input}, std::move(error.status)));
  }
  if (line.fail_fast && !plan->errors.empty()) plan->tasks.clear();

  if (!plan->tasks.empty()) {
    const absl::StatusOr<Connection> connection = Connect(line, clock, stop);
    if (!connection.ok()) {
      return Complain(console.err, CodeOf(connection.status()), connection.status());
    }
    ServerPresence server(line.server.target, PatienceOf(line), clock);
    LocalServer* const local = connection->local.get();
    const std::stop_callback on_end(local != nullptr ? local->ended() : std::stop_token(),
                                    [&] { server.GiveUp(local->End()); });
    batch.Run(plan->tasks, {.line = line,
                            .spec = plan->spec,
                            .channel = connection->channel,
                            .in = console.in,
                            .out = console.out,
                            .progress = progress,
                            .server = server,
                            .clock = clock,
                            .stop = stop});
  }
  if (!line.quiet && total > 1) progress.Say(batch.Summary());
  return batch.exit_code();
}

}  // namespace upscaler
