#include "common/command_line.h"

#include <cctype>
#include <sstream>

namespace upscaler {

EarlyExit Mistake(const std::string& problem) {
  return {.code = 2, .text = problem + "\nRun with --help for more information.\n"};
}

std::string VariableOf(const std::string& option) {
  std::string name = "UPSCALER_" + option;
  for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::toupper(c));
  return name;
}

CLI::Validator NumberIn(double least, double most) {
  const std::string range = CLI::detail::to_string(least) + " to " + CLI::detail::to_string(most);
  const auto check = [=](const std::string& given) {
    double number = 0;
    const bool in_range = CLI::detail::lexical_cast(given, number) && number >= least &&
                          number <= most;  // False of NaN.
    return in_range ? std::string() : "'" + given + "' is no number from " + range;
  };
  return CLI::Validator(check, "FLOAT in [" + CLI::detail::to_string(least) + " - " +
                                   CLI::detail::to_string(most) + "]");
}

std::optional<EarlyExit> ParseArguments(CLI::App& app, int argc, const char* const* argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {  // How CLI11 says help, version and mistakes alike.
    std::ostringstream text;
    const int code = app.exit(error, text, text);
    return EarlyExit{.code = code == 0 ? 0 : 2, .text = text.str()};
  }
  return std::nullopt;
}

std::optional<EarlyExit> ParseCommandLine(CLI::App& app, int argc, const char* const* argv) {
  app.set_config("--config", "", "Read settings from this file");
  app.allow_config_extras(CLI::config_extras_mode::error);
  return ParseArguments(app, argc, argv);
}

}  // namespace upscaler
