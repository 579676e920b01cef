# How a room, its tests and its programs become targets.
include_guard(GLOBAL)
include(Rooms)
include(GoogleTest)
include(TestHeaders)

# upscaler_room(<room> SOURCES <file>... [LINKS <target>...] [PRIVATE_LINKS <target>...])
#
# Makes the library of one room. It is linked with the rooms that Rooms.cmake
# grants it, and with what lies outside the house: LINKS for what its headers
# include, PRIVATE_LINKS for what only its sources do. The target of worker/queue
# is upscaler::worker_queue.
function(upscaler_room room)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "SOURCES;LINKS;PRIVATE_LINKS")
  upscaler_rooms_used_by(${room} used)
  string(REPLACE "/" "_" target "${room}")
  list(TRANSFORM used REPLACE "/" "_")
  list(TRANSFORM used PREPEND "upscaler::")

  set(headers ${ARG_SOURCES})
  list(FILTER headers INCLUDE REGEX "\\.h$")
  list(FILTER ARG_SOURCES EXCLUDE REGEX "\\.h$")

  add_library(upscaler_${target} STATIC ${ARG_SOURCES})
  add_library(upscaler::${target} ALIAS upscaler_${target})
  target_sources(upscaler_${target} PUBLIC
    FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${headers})
  target_link_libraries(upscaler_${target}
    PUBLIC ${used} ${ARG_LINKS}
    PRIVATE upscaler_warnings ${ARG_PRIVATE_LINKS})
  if("LibTorch::torch" IN_LIST ARG_LINKS)
    target_precompile_headers(upscaler_${target} REUSE_FROM upscaler_torch_headers)
  endif()
endfunction()

# upscaler_program(<name> <room> SOURCES <file>...)
#
# Makes the program <name> in build/<preset>/bin, linked with one room.
function(upscaler_program name room)
  cmake_parse_arguments(PARSE_ARGV 2 ARG "" "" "SOURCES")
  string(REPLACE "/" "_" target "${room}")
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE upscaler::${target} upscaler_warnings)
endfunction()

# upscaler_test(<room> SOURCES <file>... [NAME <name>] [LABEL <label>] [TIMEOUT <seconds>])
#
# Makes one test program for one room, linked with that room and the test
# support, and nothing else: a test that needs more is a test of another room.
# NAME is the program's where a room has several, for tests of several labels.
# LABEL says what the tests ask of the machine: threads (they race, and run
# under tsan too), torch, or gpu. Without it they are plain unit tests. The target
# tests_<label> builds all programs of that label. TIMEOUT is how long one test may
# take under sanitizers on a busy machine: a minute, unless said otherwise.
function(upscaler_test room)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "NAME;LABEL;TIMEOUT" "SOURCES")
  string(REPLACE "/" "_" target "${room}")
  if(NOT ARG_NAME)
    set(ARG_NAME ${target}_test)
  endif()
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()

  add_executable(${ARG_NAME} ${ARG_SOURCES})
  set_target_properties(${ARG_NAME} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  target_link_libraries(${ARG_NAME} PRIVATE
    upscaler::${target} upscaler_test_support GTest::gmock_main upscaler_warnings)
  upscaler_test_headers(${ARG_NAME} upscaler_${target})
  target_compile_definitions(${ARG_NAME} PRIVATE
    UPSCALER_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  if(NOT TARGET tests_${ARG_LABEL})
    add_custom_target(tests_${ARG_LABEL})
  endif()
  add_dependencies(tests_${ARG_LABEL} ${ARG_NAME})
  gtest_discover_tests(${ARG_NAME}
    TEST_PREFIX "${room}/"
    DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS ${ARG_LABEL})
endfunction()
