// What the inputs on a command line stand for: folders and patterns become files.

#pragma once

#include <string>
#include <vector>

#include <absl/status/status.h>

namespace upscaler {

struct InputFile {
  std::string path;  // Or "-" for standard input.
  // Where it lies below the folder that was named, without its own name: "2024/june";
  // empty for a file that was named itself.
  std::string subfolder{};
};

struct InputError {
  std::string input;      // As it was given.
  absl::Status status{};  // Its message names the file.
};

struct FoundInputs {
  std::vector<InputFile> files{};    // In the order of the inputs; of a folder, by name.
  std::vector<InputError> errors{};  // One for each input that stands for nothing.
};

struct InputSearch {
  bool recursive = false;  // Look into the folders' folders.
  // Left out: outputs of an earlier run are no inputs. Empty: none.
  std::string output_folder{};
  // In folders, what has a name that ends so, before the file's suffix, is left out for
  // the same reason. Empty: nothing is.
  std::string output_suffix{};
};

// The files that `inputs` stand for. A file that is named is taken whatever it is; of
// folders only what has a picture's suffix, and nothing that begins with a dot. An input
// that does not exist is tried as a pattern of glob(7), which stands for no pipes or
// devices: nobody named them.
FoundInputs FindInputs(const std::vector<std::string>& inputs, const InputSearch& search);

// Whether `input` is a single file, or could be one: neither a folder nor a pattern.
bool IsOneFile(const std::string& input);

// Whether the suffix of `path` is that of NumPy's files.
bool IsNpy(const std::string& path);

}  // namespace upscaler
