# format, format-check, lint: over our own sources, nothing else.
find_program(CLANG_FORMAT clang-format)
find_program(RUN_CLANG_TIDY NAMES run-clang-tidy run-clang-tidy-14)
mark_as_advanced(CLANG_FORMAT RUN_CLANG_TIDY)

set(ours abi host upgrade plugins samples tests)
set(find_ours find ${ours} -name "*.[ch]")

# moult_tool(<target> <program> <command>...): a target that says what it lacks.
function(moult_tool target program)
  if(NOT program)
    set(ARGN COMMAND ${CMAKE_COMMAND} -E echo "install clang-format and clang-tidy for this" &&
      ${CMAKE_COMMAND} -E false)
  endif()
  add_custom_target(${target} ${ARGN} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} VERBATIM
    USES_TERMINAL)
endfunction()

moult_tool(format "${CLANG_FORMAT}"
  COMMAND ${find_ours} -exec ${CLANG_FORMAT} -i {} +)
moult_tool(format-check "${CLANG_FORMAT}"
  COMMAND ${find_ours} -exec ${CLANG_FORMAT} --dry-run --Werror {} +)
# Not what is C++, to be like plugins in it: its options are gcc's.
moult_tool(lint "${RUN_CLANG_TIDY}"
  COMMAND ${RUN_CLANG_TIDY} -quiet -p ${CMAKE_BINARY_DIR}
    "${PROJECT_SOURCE_DIR}/(host|upgrade|plugins|samples|tests)/.*\\.c$")
