// What `upscale` does with one picture: read, ask the server, write.

#pragma once

#include <istream>
#include <memory>
#include <ostream>
#include <stop_token>

#include <grpcpp/channel.h>

#include "client/cli/command_line.h"
#include "client/cli/file_result.h"
#include "client/cli/progress_display.h"
#include "client/cli/server_presence.h"
#include "client/cli/upscale_plan.h"
#include "common/clock.h"
#include "proto/upscaler/v1/spec.pb.h"

namespace upscaler {

// What all pictures of a command share. Everything referred to must outlive it.
struct FileWork {
  const CommandLine& line;
  const v1::UpscaleSpec& spec;
  std::shared_ptr<grpc::Channel> channel;
  std::istream& in;   // Used by the picture that is "-", alone.
  std::ostream& out;  // Likewise.
  ProgressDisplay& progress;
  ServerPresence& server;
  const Clock& clock;
  std::stop_token stop;
};

// Blocks until the pictures are written or cannot be. Ends early, as kInterrupted, when
// `stop` asks for it, and as failed when the server is given up. May run on several
// threads at a time.
FileResult UpscaleFile(const FileTask& task, const FileWork& work);

// Asks the server what UpscaleFile would take. Writes nothing.
FileResult EstimateFile(const FileTask& task, const FileWork& work);

}  // namespace upscaler
