# moult_warnings: what every file of ours is warned about, plugins too.
add_library(moult_warnings INTERFACE)
target_compile_options(moult_warnings INTERFACE
  "SHELL:-Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers"
  -Wpedantic -Wshadow -Wconversion -Wundef
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes> $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>
  -Wwrite-strings -Wvla $<$<BOOL:${MOULT_WERROR}>:-Werror>)

# moult_strict: what every file of the host and of its tests is compiled with.
add_library(moult_strict INTERFACE)
target_link_libraries(moult_strict INTERFACE moult_warnings)
target_compile_options(moult_strict INTERFACE
  -ftls-model=initial-exec -fno-semantic-interposition)
target_compile_definitions(moult_strict INTERFACE _GNU_SOURCE)

if(MOULT_SANITIZE)
  add_compile_options(-fsanitize=${MOULT_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${MOULT_SANITIZE})
endif()
