// The name under which a program finds the recorder in the library that it loads.

#pragma once

#include <memory>

#include "worker/kernels/call_recorder.h"

namespace upscaler {

// Makes a recorder for the device that is the thread's current one. It answers by its parameter,
// as a function that is found by its name in C cannot return an object of C++.
using MakeGraphRecorder = void(std::unique_ptr<CallRecorder>& recorder);

// Of the function above, in libupscaler_cuda.so.
inline constexpr const char* kMakeGraphRecorder = "upscaler_make_graph_recorder";

}  // namespace upscaler
