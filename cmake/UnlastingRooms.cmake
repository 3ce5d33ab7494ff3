# A room is a static library named after its folder: core/cells -> unlasting_core_cells.
# USES names the rooms whose headers it may include; LINK the outside libraries it alone sees.
function(unlasting_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;USES;LINK;PRIVATE_LINK" ${ARGN})
  add_library(unlasting_${name} STATIC ${ROOM_SOURCES})
  target_include_directories(unlasting_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_compile_options(unlasting_${name} PRIVATE
                         "$<$<COMPILE_LANGUAGE:C,CXX>:${UNLASTING_WARNINGS}>")
  list(TRANSFORM ROOM_USES PREPEND unlasting_)
  target_link_libraries(unlasting_${name} PUBLIC ${ROOM_USES} ${ROOM_LINK}
                                          PRIVATE ${ROOM_PRIVATE_LINK})
endfunction()

set(UNLASTING_WARNINGS -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers)
