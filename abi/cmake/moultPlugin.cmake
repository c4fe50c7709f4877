# moult_add_plugin(NAME <name> VSN <vsn> [TARGET <target>] [SOURCES <file>...])
#
# Build one version of one application: target <name>-<vsn> (or TARGET, where one name
# and vsn is built twice), file <target>.so.  SOURCES defaults to <name>.c.  Only
# `moult_plugin` is exported, and a symbol that the ABI does not have is a link error,
# except with sanitizers, whose symbols come from the program.
function(moult_add_plugin)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;VSN;TARGET" "SOURCES")
  if(NOT arg_NAME OR NOT arg_VSN OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR
      "moult_add_plugin(NAME <name> VSN <vsn> [TARGET <target>] [SOURCES <file>...])")
  endif()
  if(NOT arg_SOURCES)
    set(arg_SOURCES ${arg_NAME}.c)
  endif()
  if(NOT arg_TARGET)
    set(arg_TARGET ${arg_NAME}-${arg_VSN})
  endif()
  add_library(${arg_TARGET} MODULE ${arg_SOURCES})
  target_link_libraries(${arg_TARGET} PRIVATE moult::moult)
  target_compile_definitions(${arg_TARGET} PRIVATE
    MOULT_PLUGIN_NAME="${arg_NAME}" MOULT_PLUGIN_VSN="${arg_VSN}")
  target_compile_options(${arg_TARGET} PRIVATE
    -Wno-unused-parameter # callbacks have fixed shapes
    $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fno-gnu-unique>) # else it can't be unloaded
  set_target_properties(${arg_TARGET} PROPERTIES
    PREFIX "" SUFFIX ".so" C_STANDARD 11 C_VISIBILITY_PRESET hidden
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  target_link_options(${arg_TARGET} PRIVATE LINKER:-z,now LINKER:--build-id)
  if(NOT CMAKE_C_FLAGS MATCHES "-fsanitize" AND NOT MOULT_SANITIZE)
    target_link_options(${arg_TARGET} PRIVATE LINKER:-z,defs)
  endif()
endfunction()
