// Prompts that were read lately, for the pictures that bring them again.
//
// The pictures of one request share a prompt, many requests do, and nearly all of
// them have the same negative one. What the networks make of a prompt depends on
// nothing else, so it is computed once and shared.

#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include <ATen/core/Tensor.h>
#include <absl/base/thread_annotations.h>

#include "common/mutex.h"

namespace upscaler {

// What one prompt means to the UNet. Copies share the tensors, which nobody writes
// to. N is the tokens of a prompt, K all key and value columns of the UNet.
struct EncodedPrompt {
  at::Tensor keys_values;  // [1, N, K], of the prompt's tokens.
  at::Tensor pooled;       // [1, kNoiseLevelFeatures + D], the UNet's condition.
  std::string cut_text;    // The end of a prompt that is too long; it was not read.
};

// Keeps the prompts that were asked for last, as many as fit. Thread-safe; never
// blocks on anything but its own short lock.
class TextCache {
 public:
  // Keeps tensors and texts of `max_bytes` at most; 0 keeps nothing.
  explicit TextCache(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  TextCache(const TextCache&) = delete;
  TextCache& operator=(const TextCache&) = delete;

  // Nothing for a prompt that is not there.
  std::optional<EncodedPrompt> Find(std::string_view prompt) ABSL_LOCKS_EXCLUDED(mutex_);

  // Forgets those that were not asked for the longest until there is room. What
  // would not fit by itself is not kept, and a prompt that is there already stays
  // as it is: two threads may have read it at once.
  void Keep(std::string_view prompt, const EncodedPrompt& encoded) ABSL_LOCKS_EXCLUDED(mutex_);

  // What is kept at this moment.
  std::size_t bytes() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Entry {
    std::string prompt;
    EncodedPrompt encoded;
    std::size_t bytes = 0;
  };
  using Entries = std::list<Entry>;

  const std::size_t max_bytes_;
  mutable Mutex mutex_;
  Entries entries_ ABSL_GUARDED_BY(mutex_);  // The one that was asked for last comes first.
  // Into entries_, by the prompts there.
  std::unordered_map<std::string_view, Entries::iterator> places_ ABSL_GUARDED_BY(mutex_);
  std::size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace upscaler
