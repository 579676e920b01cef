#include "telemetry/log.h"

#include <string>
#include <utility>

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ostream_sink.h>

namespace upscaler {
namespace {

using nlohmann::json;

// spdlog writes what all lines begin with, %v is the rest.
constexpr const char* kJsonLine = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","severity":"%l",%v})";
constexpr const char* kTextLine = "%Y-%m-%dT%H:%M:%S.%eZ %l %v";

// JSON on one line, whatever the bytes.
std::string Dump(const json& value) {
  return value.dump(/*indent=*/-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace);
}

std::unique_ptr<spdlog::logger> MakeLogger(LogForm form, std::ostream& out) {
  auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(out, /*force_flush=*/true);
  auto logger = std::make_unique<spdlog::logger>("upscaler", std::move(sink));
  logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(
      form == LogForm::kJson ? kJsonLine : kTextLine, spdlog::pattern_time_type::utc));
  return logger;
}

}  // namespace

Logger::Logger(LogForm form, std::ostream& out) : form_(form), logger_(MakeLogger(form, out)) {}

Logger::~Logger() = default;

void Logger::Info(std::string_view message, const Fields& fields) {
  logger_->log(spdlog::level::info, Body(message, fields));
}

void Logger::Warning(std::string_view message, const Fields& fields) {
  logger_->log(spdlog::level::warn, Body(message, fields));
}

void Logger::Error(std::string_view message, const Fields& fields) {
  logger_->log(spdlog::level::err, Body(message, fields));
}

std::string Logger::Body(std::string_view message, const Fields& fields) const {
  const bool as_json = form_ == LogForm::kJson;
  std::string body = as_json ? "\"message\":" + Dump(message) : std::string(message);
  for (const LogField& field : fields) {
    const std::string value = Dump(field.value);
    body += as_json ? fmt::format(",{}:{}", Dump(field.name), value)
                    : fmt::format(" {}={}", field.name, value);
  }
  return body;
}

}  // namespace upscaler
