// A word to ids, by byte-pair encoding.
//
// A word begins as its bytes, each a symbol. The pair of neighbours that the
// training merged earliest becomes one symbol, again and again, until no pair is
// left that the training merged.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <absl/status/statusor.h>

namespace upscaler {

// Symbols' ids by their text. The text of a byte is a printable character (see
// the source), and the last symbol of a word ends in "</w>".
using Vocabulary = std::unordered_map<std::string, std::int64_t>;

// The pairs that the training merged, the earliest first.
using Merges = std::vector<std::pair<std::string, std::string>>;

// Immutable; thread-safe.
class BytePairEncoder {
 public:
  // `unknown` stands for bytes that the vocabulary lacks. kFailedPrecondition if
  // a merge has or makes a symbol that the vocabulary lacks.
  static absl::StatusOr<BytePairEncoder> Create(const Vocabulary& vocabulary, const Merges& merges,
                                                std::int64_t unknown);

  // The ids of a word of n bytes; takes time in proportion to n log n.
  std::vector<std::int64_t> Encode(std::string_view word) const;

 private:
  struct Merge {
    std::size_t rank;  // Earliest first.
    std::int64_t id;   // Of the merged symbol.
  };
  using Pair = std::pair<std::int64_t, std::int64_t>;
  struct PairHash {
    std::size_t operator()(const Pair& pair) const;
  };

  BytePairEncoder() = default;

  // The symbols that a word begins as.
  std::vector<std::int64_t> BytesOf(std::string_view word) const;

  // The merge of two symbols; null if there is none.
  const Merge* Find(std::int64_t left, std::int64_t right) const;

  std::unordered_map<Pair, Merge, PairHash> merges_;
  std::array<std::int64_t, 256> byte_ids_ = {};       // Within a word.
  std::array<std::int64_t, 256> last_byte_ids_ = {};  // At its end.
};

}  // namespace upscaler
