// Where the calls of an engine are made.

#pragma once

#include <functional>

#include <absl/functional/function_ref.h>

namespace upscaler {

using EngineCall = absl::FunctionRef<void()>;

// Makes the call on the thread that is right for the engine, and returns after it. Where
// others are made there, the call waits for its turn: what times it, or watches over it,
// belongs into it.
using EngineCaller = std::function<void(EngineCall)>;

// An EngineCaller for engines that do not mind which thread calls.
inline void CallHere(EngineCall call) { call(); }

}  // namespace upscaler
