#include "worker/models/pipeline/text_cache.h"

#include <iterator>
#include <utility>

namespace upscaler {

std::optional<EncodedPrompt> TextCache::Find(std::string_view prompt) {
  MutexLock lock(mutex_);
  const auto place = places_.find(prompt);
  if (place == places_.end()) return std::nullopt;
  entries_.splice(entries_.begin(), entries_, place->second);
  return place->second->encoded;
}

void TextCache::Keep(std::string_view prompt, const EncodedPrompt& encoded) {
  const std::size_t bytes = encoded.keys_values.nbytes() + encoded.pooled.nbytes() +
                            encoded.cut_text.size() + prompt.size();
  if (bytes > max_bytes_) return;
  Entries entry{{.prompt = std::string(prompt), .encoded = encoded, .bytes = bytes}};
  Entries forgotten;  // Before the lock, so that its tensors are freed after it.

  MutexLock lock(mutex_);
  if (places_.contains(prompt)) return;
  while (bytes_ + bytes > max_bytes_) {
    places_.erase(entries_.back().prompt);
    bytes_ -= entries_.back().bytes;
    forgotten.splice(forgotten.end(), entries_, std::prev(entries_.end()));
  }
  entries_.splice(entries_.begin(), entry);
  places_.emplace(entries_.front().prompt, entries_.begin());
  bytes_ += bytes;
}

std::size_t TextCache::bytes() const {
  MutexLock lock(mutex_);
  return bytes_;
}

}  // namespace upscaler
