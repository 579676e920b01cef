// A span: one operation of a trace, as OpenTelemetry has it.

#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace upscaler {

// A span's name among all others.
struct SpanContext {
  std::string trace_id{};  // 32 hexadecimal digits that all spans of a trace share.
  std::string span_id{};   // 16 of its own.
  bool sampled = false;    // Whether it is recorded.
};

struct SpanAttribute {
  std::string_view name;  // A constant of the program.
  std::variant<std::string, std::int64_t> value;
};

struct Span {
  enum class Kind { kServer, kInternal };
  using Time = std::chrono::system_clock::time_point;

  std::string name{};
  Kind kind = Kind::kInternal;
  SpanContext context{};
  std::string parent_id{};  // A span_id of the same trace; empty for its first span.
  Time start{};
  Time end{};
  std::vector<SpanAttribute> attributes{};
  std::vector<SpanContext> links{};  // Operations of other traces that it had a part in.
  std::uint64_t links_left_out = 0;
  std::string error{};  // Why it failed; empty if it did not.
};

// Where spans go when they are over. Thread-safe, as every implementation must be. Calls return
// at once.
class SpanSink {
 public:
  virtual ~SpanSink() = default;
  virtual void Add(Span span) = 0;
};

}  // namespace upscaler
