# Tests of what is round the code: the headers alone, the ABI, the package, the tour.
set(checks ${PROJECT_SOURCE_DIR}/tests)

find_program(CLANG clang)
mark_as_advanced(CLANG)
add_test(NAME headers
  COMMAND ${checks}/headers ${PROJECT_SOURCE_DIR}/abi ${CMAKE_C_COMPILER}
    $<$<BOOL:${CLANG}>:${CLANG}>
  COMMAND_EXPAND_LISTS)

# Its baseline was made of what gcc says of an ordinary build.
if(CMAKE_C_COMPILER_ID STREQUAL GNU AND NOT MOULT_SANITIZE)
  add_test(NAME abi COMMAND ${PROJECT_SOURCE_DIR}/abi/baseline --check ${CMAKE_BINARY_DIR})
  add_test(NAME abi.minor
    COMMAND ${checks}/minor ${PROJECT_SOURCE_DIR}/abi ${CMAKE_BINARY_DIR})
  set_tests_properties(abi abi.minor PROPERTIES TIMEOUT 60 SKIP_RETURN_CODE 77)
endif()

add_test(NAME package COMMAND ${checks}/package ${CMAKE_BINARY_DIR} ${CMAKE_C_COMPILER})

add_test(NAME tour
  COMMAND ${PROJECT_SOURCE_DIR}/samples/tour --no-build ${CMAKE_BINARY_DIR})

add_test(NAME readme COMMAND ${checks}/readme ${CMAKE_BINARY_DIR})

set_tests_properties(headers package tour readme PROPERTIES TIMEOUT 120)

# The hot paths take no more instructions than they did; as counted in a release build.
if(CMAKE_BUILD_TYPE STREQUAL RelWithDebInfo AND NOT MOULT_SANITIZE)
  add_test(NAME instructions COMMAND ${checks}/bench/instructions -b ${CMAKE_BINARY_DIR})
  set_tests_properties(instructions PROPERTIES TIMEOUT 120 SKIP_RETURN_CODE 77)
endif()
