#include "worker/models/tokenizer/byte_pair_encoder.h"

#include <functional>
#include <queue>
#include <tuple>

#include <absl/status/status.h>
#include <fmt/format.h>

namespace upscaler {
namespace {

constexpr std::size_t kNone = SIZE_MAX;

// GPT-2's table of a character for each byte. Bytes that are printable in Latin-1
// are their own characters; the 68 others are U+0100 and on, in order.
std::array<std::string, 256> MakeByteCharacters() {
  const auto is_printable = [](unsigned byte) {
    return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  };
  std::array<std::string, 256> characters;
  unsigned next_free = 0x100;
  for (unsigned byte = 0; byte < characters.size(); ++byte) {
    const unsigned code_point = is_printable(byte) ? byte : next_free++;
    std::string& utf8 = characters.at(byte);
    if (code_point < 0x80) {
      utf8 += static_cast<char>(code_point);
    } else {
      utf8 += static_cast<char>(0xC0 | (code_point >> 6));
      utf8 += static_cast<char>(0x80 | (code_point & 0x3F));
    }
  }
  return characters;
}

// A symbol of a word that is being merged, in a linked list of them.
struct Symbol {
  std::int64_t id;
  std::size_t previous;  // Indices into the word's symbols, or kNone.
  std::size_t next;
  bool gone = false;  // Merged into the one before.
};

std::vector<Symbol> Link(const std::vector<std::int64_t>& ids) {
  std::vector<Symbol> symbols;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    symbols.push_back({.id = ids[i],
                       .previous = i == 0 ? kNone : i - 1,
                       .next = i + 1 == ids.size() ? kNone : i + 1});
  }
  return symbols;
}

// Makes the symbol at `left` and the one after it the symbol `id`.
void MergeAt(std::size_t left, std::int64_t id, std::vector<Symbol>& symbols) {
  Symbol& symbol = symbols[left];
  Symbol& absorbed = symbols[symbol.next];
  symbol.id = id;
  symbol.next = absorbed.next;
  absorbed.gone = true;
  if (symbol.next != kNone) symbols[symbol.next].previous = left;
}

// A pair that may be merged: the one that begins at `left`, if it is still of
// that rank by then.
struct Candidate {
  std::size_t rank;
  std::size_t left;

  bool operator>(const Candidate& other) const {
    return std::tie(rank, left) > std::tie(other.rank, other.left);
  }
};

}  // namespace

std::size_t BytePairEncoder::PairHash::operator()(const Pair& pair) const {
  // Ids are small; together they fit one word.
  return std::hash<std::int64_t>()((pair.first << 32) ^ pair.second);
}

absl::StatusOr<BytePairEncoder> BytePairEncoder::Create(const Vocabulary& vocabulary,
                                                        const Merges& merges,
                                                        std::int64_t unknown) {
  BytePairEncoder encoder;
  const auto id_or_unknown = [&](const std::string& symbol) {
    const auto found = vocabulary.find(symbol);
    return found == vocabulary.end() ? unknown : found->second;
  };
  const auto characters = MakeByteCharacters();
  for (std::size_t byte = 0; byte < characters.size(); ++byte) {
    encoder.byte_ids_.at(byte) = id_or_unknown(characters.at(byte));
    encoder.last_byte_ids_.at(byte) = id_or_unknown(characters.at(byte) + "</w>");
  }
  encoder.merges_.reserve(merges.size());
  for (const auto& [left, right] : merges) {
    const std::size_t rank = encoder.merges_.size();
    for (const std::string& symbol : {left, right, left + right}) {
      if (vocabulary.contains(symbol)) continue;
      return absl::FailedPreconditionError(
          fmt::format("the merge of '{}' and '{}' needs '{}', which the vocabulary lacks", left,
                      right, symbol));
    }
    encoder.merges_.insert_or_assign(Pair(vocabulary.at(left), vocabulary.at(right)),
                                     Merge{rank, vocabulary.at(left + right)});
  }
  return encoder;
}

const BytePairEncoder::Merge* BytePairEncoder::Find(std::int64_t left, std::int64_t right) const {
  const auto found = merges_.find(Pair(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

std::vector<std::int64_t> BytePairEncoder::BytesOf(std::string_view word) const {
  std::vector<std::int64_t> ids;
  for (const char byte : word) ids.push_back(byte_ids_.at(static_cast<unsigned char>(byte)));
  if (!word.empty()) ids.back() = last_byte_ids_.at(static_cast<unsigned char>(word.back()));
  return ids;
}

std::vector<std::int64_t> BytePairEncoder::Encode(std::string_view word) const {
  std::vector<Symbol> symbols = Link(BytesOf(word));
  const auto merge_at = [&](std::size_t left) -> const Merge* {
    const Symbol& symbol = symbols[left];
    if (symbol.gone || symbol.next == kNone) return nullptr;
    return Find(symbol.id, symbols[symbol.next].id);
  };
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> candidates;
  const auto propose = [&](std::size_t left) {
    if (const Merge* merge = merge_at(left)) candidates.push({merge->rank, left});
  };
  for (std::size_t i = 0; i < symbols.size(); ++i) propose(i);

  while (!candidates.empty()) {
    const auto [rank, left] = candidates.top();
    candidates.pop();
    const Merge* merge = merge_at(left);
    if (merge == nullptr || merge->rank != rank) continue;  // Its symbols have changed.
    MergeAt(left, merge->id, symbols);
    propose(left);
    if (symbols[left].previous != kNone) propose(symbols[left].previous);
  }

  std::vector<std::int64_t> ids;
  for (const Symbol& symbol : symbols) {
    if (!symbol.gone) ids.push_back(symbol.id);
  }
  return ids;
}

}  // namespace upscaler
