#include "gateway/header_parameters.h"

#include <algorithm>
#include <cstddef>

#include <absl/strings/match.h>

namespace upscaler {
namespace {

constexpr std::string_view kBlanks = " \t";

void SkipBlanks(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
}

// Takes what comes before the first of `ends`, or all, without the blanks around it.
std::string_view TakeUntil(std::string_view& text, std::string_view ends) {
  SkipBlanks(text);
  std::string_view taken = text.substr(0, text.find_first_of(ends));
  text.remove_prefix(taken.size());
  taken.remove_suffix(taken.size() - (taken.find_last_not_of(kBlanks) + 1));
  return taken;
}

// Takes what is in quotes; `text` begins after the first one.
std::optional<std::string> TakeQuoted(std::string_view& text) {
  std::string value;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '"') {
      text.remove_prefix(at + 1);
      return value;
    }
    const std::string_view two = text.substr(at, 2);
    if (two == R"(\")" || two == R"(\\)") ++at;
    value += text[at];
  }
  text = {};
  return std::nullopt;
}

// Takes what follows the "=".
std::optional<std::string> TakeValue(std::string_view& text) {
  SkipBlanks(text);
  if (!text.starts_with('"')) return std::string(TakeUntil(text, ";"));
  text.remove_prefix(1);
  return TakeQuoted(text);
}

}  // namespace

std::optional<std::string> HeaderParameter(std::string_view header, std::string_view name) {
  TakeUntil(header, ";");
  while (!header.empty()) {
    header.remove_prefix(1);  // The ";".
    const std::string_view key = TakeUntil(header, "=;");
    if (!header.starts_with('=')) continue;
    header.remove_prefix(1);
    std::optional<std::string> value = TakeValue(header);
    if (absl::EqualsIgnoreCase({key.data(), key.size()}, {name.data(), name.size()})) return value;
    TakeUntil(header, ";");  // What should not be there: x="y" z.
  }
  return std::nullopt;
}

}  // namespace upscaler
