# Files that travel inside of the program, so that it can serve them wherever it is put.
#
# upscaler_embed_files(<source> FUNCTION <name> HEADER <header> FILES <file>...)
#
# Sets <source>, a variable, to a C++ source that is made while building, again whenever a file
# changes. It defines `std::span<const EmbeddedFile> upscaler::<name>()`, which <header> declares
# together with EmbeddedFile{name, content}, in the order given. A file's name is without its
# folder.
#
# The same file, run as a script, is what makes the source.

if(CMAKE_SCRIPT_MODE_FILE)
  set(table "")
  foreach(file IN LISTS FILES)
    get_filename_component(name ${file} NAME)
    file(SIZE ${file} bytes)
    file(READ ${file} content HEX)
    string(REGEX REPLACE "(..)" "\\\\x\\1" content "${content}")
    # The length is given, since a file may hold zeros.
    string(APPEND table "    {\"${name}\", {\"${content}\", ${bytes}}},\n")
  endforeach()
  file(WRITE ${OUTPUT} "// Made from files by cmake/EmbedFiles.cmake.
#include \"${HEADER}\"

namespace upscaler {
namespace {

constexpr EmbeddedFile kFiles[] = {
${table}};

}  // namespace

std::span<const EmbeddedFile> ${FUNCTION}() { return kFiles; }

}  // namespace upscaler
")
  return()
endif()

set(UPSCALER_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

function(upscaler_embed_files source)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "FUNCTION;HEADER" "FILES")
  list(TRANSFORM ARG_FILES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${source}.cc)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DOUTPUT=${output} -DFUNCTION=${ARG_FUNCTION} -DHEADER=${ARG_HEADER}
            "-DFILES=${ARG_FILES}" -P ${UPSCALER_EMBED_SCRIPT}
    DEPENDS ${ARG_FILES} ${UPSCALER_EMBED_SCRIPT}
    COMMENT "Embedding the files of ${source}"
    VERBATIM)
  set(${source} ${output} PARENT_SCOPE)
endfunction()
