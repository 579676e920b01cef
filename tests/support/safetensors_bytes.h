// Safetensors files, sound and otherwise, as bytes.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include <ATen/core/Tensor.h>
#include <c10/core/ScalarType.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace upscaler::test {

// A file with this header, whatever it says, before this data.
inline std::string SafetensorsBytes(std::string_view header, std::string_view data) {
  std::uint64_t length = header.size();
  std::string bytes(sizeof(length), '\0');
  for (char& byte : bytes) {
    byte = static_cast<char>(length & 0xFF);
    length >>= 8;
  }
  return bytes.append(header).append(data);
}

// A sound file with these tensors, of float32, float16 or int64.
inline std::string SafetensorsBytes(const std::map<std::string, at::Tensor>& tensors) {
  std::string header;
  std::string data;
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor dense = tensor.contiguous();
    const char* dtype = dense.scalar_type() == at::kFloat  ? "F32"
                        : dense.scalar_type() == at::kHalf ? "F16"
                                                           : "I64";
    const std::size_t begin = data.size();
    data.append(static_cast<const char*>(dense.const_data_ptr()), dense.nbytes());
    header += fmt::format(R"({}"{}":{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})",
                          header.empty() ? "" : ",", name, dtype, fmt::join(tensor.sizes(), ","),
                          begin, data.size());
  }
  header = "{" + header + "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');  // As writers do, so that the data is aligned.
  return SafetensorsBytes(header, data);
}

}  // namespace upscaler::test
