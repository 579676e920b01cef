// The service's log: one line an event, for machines (JSON) or for people.
//
// A line is a fixed message and fields beside it, so that a log can be searched
// by request id and counted by message. Prompts and pictures never go into it:
// they belong to the client.

#pragma once

#include <memory>
#include <ostream>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace spdlog {
class logger;
}  // namespace spdlog

namespace upscaler {

enum class LogForm {
  kJson,  // {"time":"2024-05-01T12:00:00.000Z","severity":"info","message":"ready","port":8997}
  kText,  // 2024-05-01T12:00:00.000Z info ready port=8997
};

struct LogField {
  std::string_view name;
  nlohmann::json value;
};

// Thread-safe: lines never mix. Each is written before the call returns. Nothing
// throws; bytes that are not UTF-8 are replaced.
class Logger {
 public:
  using Fields = std::vector<LogField>;

  // `out` must outlive the logger, and nobody else writes to it meanwhile.
  // std::cerr in the programs.
  Logger(LogForm form, std::ostream& out);
  ~Logger();
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;

  //   log.Info("request done", {{"request_id", id}, {"steps", 25}});
  //
  // A field's name is not "time", "severity" or "message".
  void Info(std::string_view message, const Fields& fields = {});
  // Something is wrong and the service goes on by itself.
  void Warning(std::string_view message, const Fields& fields = {});
  // Something is wrong and a person has to look.
  void Error(std::string_view message, const Fields& fields = {});

 private:
  std::string Body(std::string_view message, const Fields& fields) const;

  const LogForm form_;
  const std::unique_ptr<spdlog::logger> logger_;
};

}  // namespace upscaler
