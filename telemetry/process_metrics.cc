#include "telemetry/process_metrics.h"

#include <cstddef>
#include <optional>
#include <string>
#include <system_error>

#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>
#include <absl/strings/string_view.h>
#include <unistd.h>

#include "common/kernel_file.h"

namespace upscaler {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

// Places in /proc/self/stat after the program's name, as proc(5) counts them minus 3.
constexpr std::size_t kUserTicks = 11;
constexpr std::size_t kSystemTicks = 12;
constexpr std::size_t kStartTicks = 19;
constexpr std::size_t kVirtualBytes = 20;
constexpr std::size_t kResidentPages = 21;

std::optional<double> NumberAt(const std::vector<std::string>& words, std::size_t place) {
  double number = 0;
  if (place >= words.size() || !absl::SimpleAtod(words[place], &number)) return std::nullopt;
  return number;
}

// The words of the line of `text` that begins with `name`, that included.
std::vector<std::string> LineOf(const std::string& text, absl::string_view name) {
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (line.substr(0, name.size()) == name) return absl::StrSplit(line, ' ', absl::SkipEmpty());
  }
  return {};
}

// The program's name comes before, in parentheses, and may have blanks.
std::vector<std::string> StatusWords(const std::string& stat) {
  const std::size_t name_end = stat.rfind(") ");
  if (name_end == std::string::npos) return {};
  return absl::StrSplit(stat.substr(name_end + 2), ' ');
}

std::optional<double> OpenFiles(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::directory_iterator file(folder, error);
  double count = 0;
  for (; !error && file != std::filesystem::directory_iterator(); file.increment(error)) ++count;
  if (error) return std::nullopt;
  return count;
}

std::optional<double> Times(std::optional<double> number, double factor) {
  if (!number) return std::nullopt;
  return *number * factor;
}

std::optional<double> Sum(std::optional<double> one, std::optional<double> other) {
  if (!one || !other) return std::nullopt;
  return *one + *other;
}

void Add(std::vector<MetricFamily>& families, const char* name, const char* help, MetricType type,
         std::optional<double> value) {
  if (!value) return;
  ClientMetric metric;
  (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = *value;
  families.push_back({.name = name, .help = help, .type = type, .metric = {std::move(metric)}});
}

}  // namespace

std::vector<MetricFamily> ProcessMetrics(const std::filesystem::path& proc) {
  const std::vector<std::string> words = StatusWords(ReadKernelFile(proc / "self/stat"));
  const double tick = 1.0 / static_cast<double>(sysconf(_SC_CLK_TCK));
  const auto boot = NumberAt(LineOf(ReadKernelFile(proc / "stat"), "btime "), 1);
  const auto most_files =
      NumberAt(LineOf(ReadKernelFile(proc / "self/limits"), "Max open files "), 3);

  std::vector<MetricFamily> families;
  Add(families, "process_cpu_seconds_total", "Seconds of CPU that the process has used.",
      MetricType::Counter,
      Times(Sum(NumberAt(words, kUserTicks), NumberAt(words, kSystemTicks)), tick));
  Add(families, "process_resident_memory_bytes", "Memory of the process that is in use.",
      MetricType::Gauge,
      Times(NumberAt(words, kResidentPages), static_cast<double>(sysconf(_SC_PAGESIZE))));
  Add(families, "process_virtual_memory_bytes", "Addresses that the process has reserved.",
      MetricType::Gauge, NumberAt(words, kVirtualBytes));
  Add(families, "process_open_fds", "Files and sockets that are open.", MetricType::Gauge,
      OpenFiles(proc / "self/fd"));
  Add(families, "process_max_fds", "Files and sockets that may be open.", MetricType::Gauge,
      most_files);
  Add(families, "process_start_time_seconds", "When the process started, in Unix time.",
      MetricType::Gauge, Sum(boot, Times(NumberAt(words, kStartTicks), tick)));
  return families;
}

}  // namespace upscaler
