# The tag of a build: the commit that it was made from. It is, first of these that is there:
#   UNLASTING_BUILD_TAG       given to cmake, as the Dockerfile does, which has no .git
#   git describe              in a clone: v0.2.0, or v0.2.0-12-g0123456789ab after 12 more commits, or the commit
#                             alone where no tag is known; -dirty where tracked files differ
#   cmake/build-tag.txt       in an archive, where git archive has filled it in
# Two builds of one commit have the same tag. Run as a script (cmake -P), it writes the tag's source, and only
# where it has changed, so that a commit compiles one small file for each program and no library.

if(CMAKE_SCRIPT_MODE_FILE)
  set(tag "${UNLASTING_BUILD_TAG}")
  if(tag STREQUAL "" AND EXISTS ${SOURCE}/.git)
    execute_process(COMMAND git -C ${SOURCE} describe --tags --match v[0-9]* --always --abbrev=12 --dirty
                    OUTPUT_VARIABLE tag OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
    if(failed)
      set(tag "")
    endif()
  endif()
  if(tag STREQUAL "")
    # The first line that git archive has filled in: the second where it reached no tag of a version.
    file(STRINGS ${SOURCE}/cmake/build-tag.txt tag REGEX "^[0-9A-Za-z]" LIMIT_COUNT 1)
  endif()
  if(NOT tag MATCHES "^[0-9A-Za-z._+-]*$")
    message(FATAL_ERROR "UNLASTING_BUILD_TAG: found '${tag}', expected letters, digits, '.', '_', '+' and '-'")
  endif()
  file(CONFIGURE OUTPUT ${OUTPUT} CONTENT [[
#include "core/base/version.h"

const char unlasting::kBuildTag[] = "@tag@";
]] @ONLY)
  return()
endif()

set(UNLASTING_BUILD_TAG "" CACHE STRING "Tag of the build; empty: what git or the archive says")
set(UNLASTING_BUILD_TAG_SOURCE ${PROJECT_BINARY_DIR}/generated/build_tag.cc)
add_custom_target(unlasting_build_tag
  COMMAND ${CMAKE_COMMAND} -DSOURCE=${PROJECT_SOURCE_DIR} -DOUTPUT=${UNLASTING_BUILD_TAG_SOURCE}
          -DUNLASTING_BUILD_TAG=${UNLASTING_BUILD_TAG} -P ${CMAKE_CURRENT_LIST_FILE}
  BYPRODUCTS ${UNLASTING_BUILD_TAG_SOURCE} VERBATIM)

# Gives the program TARGET its tag.
function(unlasting_tag target)
  target_sources(${target} PRIVATE ${UNLASTING_BUILD_TAG_SOURCE})
  set_source_files_properties(${UNLASTING_BUILD_TAG_SOURCE} PROPERTIES GENERATED ON
                              SKIP_PRECOMPILE_HEADERS ON SKIP_UNITY_BUILD_INCLUSION ON)
  add_dependencies(${target} unlasting_build_tag)
endfunction()
