#include "client/cli/local_server.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/status_macros.h"

namespace upscaler {
namespace {

namespace fs = std::filesystem;

constexpr const char* kProgramName = "upscaler-server";
constexpr std::size_t kLastLines = 3;
constexpr int kCannotRun = 127;  // As in shells.

std::vector<std::string> Arguments(const LocalServer::Options& options) {
  std::vector<std::string> arguments = {
      options.program,
      "--grpc-address=127.0.0.1:0",
      "--rest-address=127.0.0.1:0",
      "--admin-address=127.0.0.1:0",
      "--log-format=json",
      // Nobody else uses it: when it is told to end, there is nothing left to do.
      "--drain-delay-seconds=0",
      "--drain-seconds=0",
  };
  if (!options.model.empty()) arguments.push_back("--model=" + options.model);
  return arguments;
}

// This process's variables but those of our programs: they are meant for another server,
// whose certificate or keys, say, would shut this command out.
std::vector<char*> Environment() {
  std::vector<char*> variables;
  for (char** variable = ::environ; variable != nullptr && *variable != nullptr; ++variable) {
    if (!std::string_view(*variable).starts_with("UPSCALER_")) variables.push_back(*variable);
  }
  variables.push_back(nullptr);
  return variables;
}

// What the new process does until it is another program. Only what is safe after fork in
// a process with threads.
[[noreturn]] void Become(std::vector<char*>& arguments, std::vector<char*>& environment, int log,
                         pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have gone before it could be watched.
  if (::getppid() != parent) ::_exit(kCannotRun);
  // Ctrl-C on the terminal is for the command, which ends this process in its own time.
  ::setpgid(0, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int nothing = ::open("/dev/null", O_RDWR);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(nothing, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  ::execvpe(arguments[0], arguments.data(), environment.data());
  constexpr std::string_view kFailed = "cannot be run\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kFailed.data(), kFailed.size());
  ::_exit(kCannotRun);
}

absl::Status CannotStart(const std::string& program, const std::string& why) {
  return absl::UnavailableError(fmt::format("cannot start {}: {}", program, why));
}

std::string LastError() { return std::generic_category().message(errno); }

// A log's line in words: where it is JSON, its message, and the error where it has one.
std::string InWords(const std::string& line) {
  const auto entry = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!entry.is_object()) return line;
  const auto text = [&entry](const char* key) {
    const auto field = entry.find(key);
    return field != entry.end() && field->is_string() ? field->get<std::string>() : "";
  };
  const std::string error = text("error");
  return error.empty() ? text("message") : fmt::format("{}: {}", text("message"), error);
}

}  // namespace

std::string FindServerProgram() {
  std::error_code error;
  const fs::path beside = fs::read_symlink("/proc/self/exe", error).parent_path() / kProgramName;
  return !error && fs::exists(beside, error) ? beside.string() : kProgramName;
}

absl::StatusOr<std::unique_ptr<LocalServer>> LocalServer::Start(const Options& options,
                                                                const Clock& clock,
                                                                const std::stop_token& stop) {
  const TimePoint give_up_at =
      options.timeout.has_value() ? clock.Now() + *options.timeout : TimePoint::max();
  std::array<int, 2> log = {-1, -1};
  if (::pipe2(log.data(), O_CLOEXEC) != 0) return CannotStart(options.program, LastError());
  std::vector<std::string> texts = Arguments(options);
  std::vector<char*> arguments;
  for (std::string& text : texts) arguments.push_back(text.data());
  arguments.push_back(nullptr);
  std::vector<char*> environment = Environment();

  const pid_t parent = ::getpid();
  const pid_t process = ::fork();
  if (process == 0) Become(arguments, environment, log[1], parent);
  ::close(log[1]);
  if (process < 0) {
    ::close(log[0]);
    return CannotStart(options.program, LastError());
  }
  // Not make_unique, which has no access to the constructor.
  std::unique_ptr<LocalServer> server(new LocalServer(process, log[0]));
  absl::Status status = server->AwaitReady(give_up_at, stop);
  if (absl::IsUnavailable(status)) {
    return CannotStart(options.program, std::string(status.message()));
  }
  UPSCALER_RETURN_IF_ERROR(status);
  return server;
}

LocalServer::LocalServer(pid_t process, int log)
    : process_(process),
      log_(::fdopen(log, "r"), &std::fclose),
      reader_(&LocalServer::ReadLog, this) {}

LocalServer::~LocalServer() {
  // One that is not ready has nothing to finish, and might not listen.
  ::kill(process_, target_.empty() ? SIGKILL : SIGTERM);
  int status = 0;
  while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
  }
}

absl::Status LocalServer::AwaitReady(TimePoint give_up_at, const std::stop_token& stop) {
  // The log then ends, and so does the wait.
  const std::stop_callback on_stop(stop, [this] { ::kill(process_, SIGKILL); });
  MutexLock lock(mutex_);
  bool in_time = true;
  while (in_time && !port_.has_value() && !log_ended_) {
    in_time = lock.WaitUntil(changed_, give_up_at);
  }
  if (stop.stop_requested()) return absl::CancelledError("interrupted");
  if (port_.has_value()) {
    target_ = fmt::format("127.0.0.1:{}", *port_);
    return absl::OkStatus();
  }
  return absl::UnavailableError(
      fmt::format("it {}: {}", log_ended_ ? "ended" : "was not ready in time", LastWords()));
}

absl::Status LocalServer::End() {
  // Left to be waited for once more, when this is destroyed.
  siginfo_t process = {};
  while (::waitid(P_PID, static_cast<id_t>(process_), &process, WEXITED | WNOWAIT) < 0 &&
         errno == EINTR) {
  }
  const char* const how = process.si_code == CLD_EXITED ? "with code" : "by signal";
  const MutexLock lock(mutex_);
  return absl::UnavailableError(fmt::format("the local server has ended, {} {}; it said last: {}",
                                            how, process.si_status, LastWords()));
}

void LocalServer::ReadLog() {
  char* line = nullptr;
  std::size_t capacity = 0;
  while (::getline(&line, &capacity, log_.get()) >= 0) TakeLine(line);
  std::free(line);  // NOLINT: getline allocates so.
  {
    const MutexLock lock(mutex_);
    log_ended_ = true;
    changed_.notify_all();
  }
  // The log is the server's own, and ends with it.
  ended_.request_stop();
}

void LocalServer::TakeLine(std::string line) {
  while (!line.empty() && line.back() == '\n') line.pop_back();
  const auto entry = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  const MutexLock lock(mutex_);
  if (entry.is_object() && entry.contains("message") && entry["message"] == "ready" &&
      entry.contains("grpc_port") && entry["grpc_port"].is_number_unsigned()) {
    port_ = entry["grpc_port"].get<std::uint16_t>();
    changed_.notify_all();
  }
  last_lines_.push_back(InWords(line));
  if (last_lines_.size() > kLastLines) last_lines_.pop_front();
}

std::string LocalServer::LastWords() const {
  return last_lines_.empty() ? "nothing" : fmt::format("{}", fmt::join(last_lines_, "; "));
}

}  // namespace upscaler
