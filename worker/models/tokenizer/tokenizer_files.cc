#include "worker/models/tokenizer/tokenizer_files.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <absl/status/status.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/json_fields.h"
#include "common/status_macros.h"

namespace upscaler {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::int64_t kMaxId = (std::int64_t{1} << 31) - 1;

bool Exists(const fs::path& path) {
  std::error_code ignored;  // What cannot be looked at is as good as absent.
  return fs::exists(path, ignored);
}

absl::Status Refused(std::string_view origin, std::string_view problem) {
  return absl::FailedPreconditionError(fmt::format("{}: {}", origin, problem));
}

std::optional<std::int64_t> IdOf(const json& value) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > kMaxId) return std::nullopt;
  return value.get<std::int64_t>();
}

absl::StatusOr<Vocabulary> ParseVocabulary(const json& object, const std::string& origin) {
  if (!object.is_object()) return Refused(origin, "the vocabulary is not a JSON object");
  Vocabulary vocabulary;
  vocabulary.reserve(object.size());
  for (const auto& [symbol, value] : object.items()) {
    const auto id = IdOf(value);
    if (!id) return Refused(origin, fmt::format("the id of '{}' is not one", symbol));
    vocabulary.emplace(symbol, *id);
  }
  return vocabulary;
}

// "left right"
absl::StatusOr<std::pair<std::string, std::string>> ParseMerge(std::string_view line,
                                                               const std::string& origin) {
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos) {
    return Refused(origin, fmt::format("'{}' is not two symbols with a space between", line));
  }
  return std::pair(std::string(line.substr(0, space)), std::string(line.substr(space + 1)));
}

absl::StatusOr<Merges> ReadMergesFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  // A pipe would keep us waiting, a device never end, and a folder read as empty.
  if (std::error_code error; !file || !fs::is_regular_file(path, error)) {
    return absl::FailedPreconditionError(fmt::format("cannot open {}", path.string()));
  }
  Merges merges;
  for (std::string line; std::getline(file, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty() || line.starts_with("#version")) continue;
    UPSCALER_ASSIGN_OR_RETURN(auto merge, ParseMerge(line, path.string()));
    merges.push_back(std::move(merge));
  }
  if (merges.empty()) return Refused(path.string(), "has no merges");
  return merges;
}

// Merges in tokenizer.json: ["left right", ...] or [["left", "right"], ...].
absl::StatusOr<Merges> ParseMerges(const json& list, const std::string& origin) {
  if (!list.is_array()) return Refused(origin, "'merges' is not a list");
  Merges merges;
  for (const json& entry : list) {
    if (entry.is_string()) {
      UPSCALER_ASSIGN_OR_RETURN(auto merge,
                                ParseMerge(entry.get_ref<const std::string&>(), origin));
      merges.push_back(std::move(merge));
    } else if (entry.is_array() && entry.size() == 2 && entry[0].is_string() &&
               entry[1].is_string()) {
      merges.emplace_back(entry[0].get<std::string>(), entry[1].get<std::string>());
    } else {
      return Refused(origin, fmt::format("merge {} is not two symbols", merges.size()));
    }
  }
  return merges;
}

// A token as an object, {"content": "...", "normalized": true, ...}, or as a
// string alone. The id is the vocabulary's.
absl::StatusOr<AddedToken> ParseToken(const json& value, const Vocabulary& vocabulary,
                                      const std::string& origin) {
  const json content = value.is_object() ? value.value("content", json()) : value;
  if (!content.is_string() || content.get_ref<const std::string&>().empty()) {
    return Refused(origin, "a token has no text");
  }
  AddedToken token{.text = content.get<std::string>()};
  const auto is_set = [&](const char* flag) {
    return value.is_object() && value.contains(flag) && value[flag] == true;
  };
  for (const char* flag : {"lstrip", "rstrip", "single_word"}) {
    if (!is_set(flag)) continue;
    return Refused(origin, fmt::format("'{}' of token '{}' is true, which is not supported", flag,
                                       token.text));
  }
  token.normalized = is_set("normalized");
  const auto id = vocabulary.find(token.text);
  if (id == vocabulary.end()) {
    return Refused(origin, fmt::format("token '{}' is not in the vocabulary", token.text));
  }
  token.id = id->second;
  return token;
}

// What the files gather to.
class Reader {
 public:
  explicit Reader(fs::path folder) : folder_(std::move(folder)) {}

  absl::StatusOr<TokenizerFiles> Read() {
    const bool one_file = Exists(folder_ / "tokenizer.json");
    UPSCALER_RETURN_IF_ERROR(one_file ? ReadTokenizerJson() : ReadVocabularyAndMerges());
    UPSCALER_RETURN_IF_ERROR(ReadConfig());
    UPSCALER_RETURN_IF_ERROR(ReadSpecialTokens());
    CountIds();
    return std::move(files_);
  }

 private:
  // A special token's name in the files, its place, and its text if no file says
  // another.
  struct Role {
    const char* name;
    std::int64_t SpecialTokens::*id;
    const char* otherwise;
  };
  static constexpr std::array<Role, 4> kRoles = {{
      {"bos_token", &SpecialTokens::start_of_text, "<|startoftext|>"},
      {"eos_token", &SpecialTokens::end_of_text, "<|endoftext|>"},
      {"pad_token", &SpecialTokens::padding, "<|endoftext|>"},
      {"unk_token", &SpecialTokens::unknown, "<|endoftext|>"},
  }};

  absl::Status ReadVocabularyAndMerges() {
    const fs::path vocabulary = folder_ / "vocab.json";
    const fs::path merges = folder_ / "merges.txt";
    if (!Exists(vocabulary) || !Exists(merges)) {
      return Refused(folder_.string(),
                     "has no tokenizer, wanted tokenizer.json or vocab.json and "
                     "merges.txt");
    }
    UPSCALER_ASSIGN_OR_RETURN(const JsonFields fields, JsonFields::ReadFile(vocabulary.string()));
    UPSCALER_ASSIGN_OR_RETURN(files_.vocabulary, ParseVocabulary(fields.object(), fields.origin()));
    UPSCALER_ASSIGN_OR_RETURN(files_.merges, ReadMergesFile(merges));
    return absl::OkStatus();
  }

  absl::Status ReadTokenizerJson() {
    UPSCALER_ASSIGN_OR_RETURN(const JsonFields fields,
                              JsonFields::ReadFile((folder_ / "tokenizer.json").string()));
    const std::string& origin = fields.origin();
    const json model = fields.object().value("model", json());
    if (!model.is_object() || model.value("type", json("BPE")) != "BPE") {
      return Refused(origin, "'model' is not a byte-pair encoding (BPE)");
    }
    UPSCALER_ASSIGN_OR_RETURN(files_.vocabulary,
                              ParseVocabulary(model.value("vocab", json()), origin));
    UPSCALER_ASSIGN_OR_RETURN(files_.merges, ParseMerges(model.value("merges", json()), origin));
    for (const json& entry : fields.object().value("added_tokens", json::array())) {
      const auto id = entry.is_object() ? IdOf(entry.value("id", json())) : std::nullopt;
      UPSCALER_RETURN_IF_ERROR(AddStatedToken(entry, id, origin));
    }
    return absl::OkStatus();
  }

  absl::Status ReadConfig() {
    const fs::path path = folder_ / "tokenizer_config.json";
    if (!Exists(path)) return absl::OkStatus();
    UPSCALER_ASSIGN_OR_RETURN(JsonFields config, JsonFields::ReadFile(path.string()));
    // Two for start and end; the most is far beyond any text encoder.
    files_.max_length =
        config.Integer("model_max_length", {.least = 3, .most = 65536}, files_.max_length);
    UPSCALER_RETURN_IF_ERROR(config.status());
    const json stated = config.object().value("added_tokens_decoder", json::object());
    for (const auto& [key, entry] : stated.items()) {
      const json id = json::parse(key, /*cb=*/nullptr, /*allow_exceptions=*/false);
      UPSCALER_RETURN_IF_ERROR(AddStatedToken(entry, IdOf(id), config.origin()));
    }
    return absl::OkStatus();
  }

  // A token that a file lists with its id, which must be the vocabulary's if that
  // has the token too.
  absl::Status AddStatedToken(const json& entry, std::optional<std::int64_t> id,
                              const std::string& origin) {
    if (!entry.is_object() || !id) {
      return Refused(origin, "an added token is not a JSON object with an id");
    }
    if (entry.contains("content") && entry["content"].is_string()) {
      files_.vocabulary.emplace(entry["content"].get<std::string>(), *id);
    }
    UPSCALER_ASSIGN_OR_RETURN(AddedToken token, ParseToken(entry, files_.vocabulary, origin));
    if (token.id != *id) {
      return Refused(origin, fmt::format("token '{}' has the id {}, but {} in the vocabulary",
                                         token.text, *id, token.id));
    }
    if (!IsAdded(token.text)) files_.added_tokens.push_back(std::move(token));
    return absl::OkStatus();
  }

  bool IsAdded(std::string_view text) const {
    return std::any_of(files_.added_tokens.begin(), files_.added_tokens.end(),
                       [&](const AddedToken& token) { return token.text == text; });
  }

  // What the files say of each role. special_tokens_map.json has the last word.
  absl::StatusOr<json> ReadRoles() const {
    json roles = json::object();
    for (const Role& role : kRoles) roles[role.name] = role.otherwise;
    for (const char* name : {"tokenizer_config.json", "special_tokens_map.json"}) {
      if (!Exists(folder_ / name)) continue;
      UPSCALER_ASSIGN_OR_RETURN(const JsonFields fields,
                                JsonFields::ReadFile((folder_ / name).string()));
      for (const Role& role : kRoles) {
        if (fields.Has(role.name)) roles[role.name] = fields.object().at(role.name);
      }
    }
    return roles;
  }

  absl::Status ReadSpecialTokens() {
    UPSCALER_ASSIGN_OR_RETURN(const json roles, ReadRoles());
    // A text of several roles is looked for in the normalized text only if all of
    // them say so.
    std::map<std::string, AddedToken> tokens;
    for (const Role& role : kRoles) {
      UPSCALER_ASSIGN_OR_RETURN(
          const AddedToken token,
          ParseToken(roles.at(role.name), files_.vocabulary, folder_.string()));
      files_.special.*role.id = token.id;
      AddedToken& kept = tokens.try_emplace(token.text, token).first->second;
      kept.normalized = kept.normalized && token.normalized;
    }
    for (const auto& [text, token] : tokens) {
      if (!IsAdded(text)) files_.added_tokens.push_back(token);
    }
    return absl::OkStatus();
  }

  void CountIds() {
    for (const auto& [symbol, id] : files_.vocabulary) {
      files_.vocabulary_size = std::max(files_.vocabulary_size, id + 1);
    }
  }

  const fs::path folder_;
  TokenizerFiles files_;
};

}  // namespace

absl::StatusOr<TokenizerFiles> ReadTokenizerFiles(const fs::path& folder) {
  return Reader(folder).Read();
}

}  // namespace upscaler
