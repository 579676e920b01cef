// How our services take their settings: flags, environment variables, or a file.

#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "common/early_exit.h"

namespace upscaler {

// A mistake that only a look at several settings shows.
EarlyExit Mistake(const std::string& problem);

// The variable that sets an option, too: "device" is UPSCALER_DEVICE.
std::string VariableOf(const std::string& option);

// Reads the command line and the variables. Nothing where all is well.
std::optional<EarlyExit> ParseArguments(CLI::App& app, int argc, const char* const* argv);

// The same, and the file that --config names.
std::optional<EarlyExit> ParseCommandLine(CLI::App& app, int argc, const char* const* argv);

// A number from `least` to `most`. Unlike CLI11's own it is not content with NaN.
CLI::Validator NumberIn(double least, double most);

// Adds --name, which sets `value`.
template <typename T>
CLI::Option* Add(CLI::App& app, const std::string& name, T& value, const std::string& help) {
  CLI::Option* option = app.add_option("--" + name, value, help);
  option->envname(VariableOf(name))->capture_default_str();
  // The last one wins where an option is given again, as after a script's own.
  if (option->get_expected_max() == 1) option->take_last();
  return option;
}

// Adds --name, whose values are words. The first of them is the default.
template <typename Enum>
void AddChoice(CLI::App& app, const std::string& name, Enum& value,
               const std::vector<std::pair<std::string, Enum>>& choices, const std::string& help) {
  std::vector<std::string> words;
  for (const auto& [word, meaning] : choices) words.push_back(word);
  app.add_option_function<std::string>(
         "--" + name,
         [&value, choices](const std::string& given) {
           for (const auto& [word, meaning] : choices) {
             if (word == given) value = meaning;
           }
         },
         help)
      ->envname(VariableOf(name))
      ->default_str(words.front())
      ->check(CLI::IsMember(words))
      ->take_last();
}

}  // namespace upscaler
