#include "client/spec_names.h"

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace upscaler {
namespace {

template <typename Mode>
struct Named {
  Mode mode;
  std::string_view name;
};

constexpr Named<v1::AlphaMode> kAlpha[] = {
    {v1::ALPHA_MODE_KEEP, "keep"},
    {v1::ALPHA_MODE_DROP, "drop"},
};

constexpr Named<v1::MetadataMode> kMetadata[] = {
    {v1::METADATA_MODE_KEEP, "keep"},
    {v1::METADATA_MODE_KEEP_ALL, "all"},
    {v1::METADATA_MODE_COLOR, "color"},
    {v1::METADATA_MODE_STRIP, "strip"},
};

// The first one stands for what is not among them.
template <typename Mode, std::size_t kCount>
std::string_view NameOf(const Named<Mode> (&all)[kCount], Mode mode) {
  const auto* const found = std::ranges::find(all, mode, &Named<Mode>::mode);
  return found == std::end(all) ? all[0].name : found->name;
}

template <typename Mode, std::size_t kCount>
std::optional<Mode> ModeNamed(const Named<Mode> (&all)[kCount], std::string_view name) {
  const auto* const found = std::ranges::find(all, name, &Named<Mode>::name);
  if (found == std::end(all)) return std::nullopt;
  return found->mode;
}

}  // namespace

std::string_view AlphaName(v1::AlphaMode mode) { return NameOf(kAlpha, mode); }

std::optional<v1::AlphaMode> AlphaNamed(std::string_view name) { return ModeNamed(kAlpha, name); }

std::string_view MetadataName(v1::MetadataMode mode) { return NameOf(kMetadata, mode); }

std::optional<v1::MetadataMode> MetadataNamed(std::string_view name) {
  return ModeNamed(kMetadata, name);
}

}  // namespace upscaler
