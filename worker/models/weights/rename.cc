#include "worker/models/weights/rename.h"

#include <array>
#include <utility>

#include <fmt/format.h>

namespace upscaler {

std::optional<std::string> KeepName(std::string_view name) { return std::string(name); }

std::optional<std::string> TextEncoderName(std::string_view name) {
  constexpr std::string_view kPrefix = "text_model.";
  if (name.starts_with(kPrefix)) name.remove_prefix(kPrefix.size());
  if (name == "embeddings.position_ids") return std::nullopt;
  return std::string(name);
}

std::optional<std::string> VaeName(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kOldAndNew = {{
      {"query", "to_q"},
      {"key", "to_k"},
      {"value", "to_v"},
      {"proj_attn", "to_out.0"},
  }};
  // <...>.mid_block.attentions.0.<layer>.<weight or bias>
  const std::size_t end = name.rfind('.');
  const std::size_t start = name.rfind('.', end - 1);
  if (end == std::string_view::npos || start == std::string_view::npos ||
      name.find(".attentions.") == std::string_view::npos) {
    return std::string(name);
  }
  const std::string_view layer = name.substr(start + 1, end - start - 1);
  for (const auto& [old_name, new_name] : kOldAndNew) {
    if (layer != old_name) continue;
    return fmt::format("{}.{}{}", name.substr(0, start), new_name, name.substr(end));
  }
  return std::string(name);
}

}  // namespace upscaler
