// A body of multipart/form-data as fields, by way of libmicrohttpd's parser.

#pragma once

#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "gateway/form_reader.h"

struct MHD_Connection;
struct MHD_PostProcessor;

namespace upscaler {

class MultipartReader final : public FormReader {
 public:
  // `connection` must outlive the reader: its Content-Type tells the boundary.
  explicit MultipartReader(MHD_Connection* connection);
  ~MultipartReader() override;

  MultipartReader(const MultipartReader&) = delete;
  MultipartReader& operator=(const MultipartReader&) = delete;

  absl::Status Read(std::string_view part) override;
  absl::StatusOr<std::vector<FormField>> Finish() override;

 private:
  struct Callbacks;  // What libmicrohttpd calls.

  MHD_PostProcessor* parser_;  // Null where the boundary is missing, and at the end.
  std::vector<FormField> fields_;
};

}  // namespace upscaler
