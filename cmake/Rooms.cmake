# The house plan: every room, lowest first, and the rooms it may use.
#
# This is the only place where dependencies between rooms are written down.
# upscaler_room() links exactly what stands here, and tools/check_rooms.py
# holds every #include against it. A room may use only rooms above its own
# line, so the graph cannot have a cycle. A change here is a change of the
# architecture: it comes with a record in docs/adr/.
set(UPSCALER_ROOMS
  "common                  :"
  "proto                   :"
  "telemetry               : common"
  "telemetry/otlp          : common telemetry"
  "worker/imaging          : common"
  "worker/tiling           : common"
  "worker/kernels          : common"
  "worker/models/weights   : common"
  "worker/models/tokenizer : common"
  "worker/models/sampler   : common"
  "worker/kernels/cuda     : common worker/kernels worker/models/sampler"
  "worker/kernels/device   : common worker/kernels worker/kernels/cuda"
  "worker/models/nn        : common worker/kernels"
  "worker/models/clip      : common worker/models/nn"
  "worker/models/unet      : common worker/kernels worker/models/nn"
  "worker/models/vae       : common worker/kernels worker/models/nn"
  "worker/models/pipeline  : common worker/kernels worker/tiling worker/models/weights worker/models/tokenizer worker/models/sampler worker/models/nn worker/models/clip worker/models/unet worker/models/vae"
  "worker/queue            : common worker/imaging"
  "worker/scheduler        : common worker/imaging worker/queue"
  "worker/engine           : common worker/kernels worker/kernels/cuda worker/kernels/device worker/imaging worker/tiling worker/queue worker/scheduler worker/models/pipeline"
  "worker                  : common worker/imaging worker/tiling worker/queue worker/scheduler"
  "server/access           : common"
  "server/jobs             : common proto"
  "server/service          : common proto telemetry worker/imaging worker server/access server/jobs"
  "client                  : common proto"
  "client/cli              : common proto client"
  "client/probe            : common proto client"
  "gateway                 : common proto telemetry client"
  "gateway/program         : common telemetry proto client gateway"
  "server                  : common proto telemetry telemetry/otlp worker/imaging worker/queue worker/scheduler worker/engine worker server/access server/jobs server/service client gateway"
)

# Sets <out> to the names of all rooms, in the order of the plan.
function(upscaler_all_rooms out)
  set(names ${UPSCALER_ROOMS})
  list(TRANSFORM names REPLACE "[ \t]*:.*" "")
  set(${out} ${names} PARENT_SCOPE)
endfunction()

# Sets <out> to the rooms that <room> may use. Fails on a room not in the plan,
# and on a line that names a room from further down.
function(upscaler_rooms_used_by room out)
  set(above)
  foreach(line IN LISTS UPSCALER_ROOMS)
    string(REGEX REPLACE "[ \t]*:.*" "" name "${line}")
    string(REGEX REPLACE "^[^:]*:[ \t]*" "" used "${line}")
    separate_arguments(used)
    if(name STREQUAL room)
      foreach(other IN LISTS used)
        if(NOT other IN_LIST above)
          message(FATAL_ERROR "Rooms.cmake: ${room} may not use ${other}: it is not above it")
        endif()
      endforeach()
      set(${out} ${used} PARENT_SCOPE)
      return()
    endif()
    list(APPEND above "${name}")
  endforeach()
  message(FATAL_ERROR "Rooms.cmake does not know the room ${room}")
endfunction()
