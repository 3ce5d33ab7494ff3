# Half of the time that a file takes to compile goes into the headers of Abseil and the standard
# library, so a build from nothing compiles the files of a room together. It needs their names in
# anonymous namespaces to differ, and hides a missing #include: the presets for development and the
# sanitizers compile each file by itself.
option(UNLASTING_UNITY "Compile the files of a room eight at a time; quicker from nothing" OFF)

# Lets UNLASTING_UNITY compile the sources of TARGET together, but those named after it alone: they
# share a name in an anonymous namespace with another file.
function(unlasting_unite target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${UNLASTING_UNITY}
                                             UNITY_BUILD_BATCH_SIZE 8)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# What the compiler can do against mistakes that would otherwise let an attacker in; a test reads it
# back from the programs. For optimised builds: sanitizers bring their own checks.
option(UNLASTING_HARDEN "Hardened programs in the release preset" ON)

# Hardens TARGET, and keeps the paths of this build out of it, so that two builds in two folders are
# the same bytes (scripts/reproducible-build.sh).
function(unlasting_harden target)
  if(NOT UNLASTING_HARDEN OR UNLASTING_SANITIZE OR NOT CMAKE_BUILD_TYPE STREQUAL "Release")
    return()
  endif()
  set(flags -fstack-protector-strong -fstack-clash-protection -U_FORTIFY_SOURCE
            -D_FORTIFY_SOURCE=2 -ffile-prefix-map=${PROJECT_BINARY_DIR}=build
            -ffile-prefix-map=${PROJECT_SOURCE_DIR}=.)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    list(APPEND flags -fcf-protection=full)
  endif()
  # Bounds of containers where bytes of strangers are read, and in all that shares the precompiled
  # header of LibTorch; not in the loops of the evaluators.
  get_target_property(shares ${target} PRECOMPILE_HEADERS_REUSE_FROM)
  if(shares OR target STREQUAL "unlasting_core_model_torch"
     OR CMAKE_CURRENT_SOURCE_DIR MATCHES "/(server|client|proto)(/|$)")
    list(APPEND flags -D_GLIBCXX_ASSERTIONS)
  endif()
  target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:C,CXX>:${flags}>")
  target_link_options(${target} PRIVATE -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
endfunction()

# Lets TARGET share the precompiled header of LibTorch, which core/model/torch compiles. A compiler
# takes a precompiled header only with the flags that it was compiled with, so whatever shares it is
# hardened, tests and measurements included.
function(unlasting_torch_header target)
  target_precompile_headers(${target} REUSE_FROM unlasting_core_model_torch)
  unlasting_harden(${target})
endfunction()

# A room is a static library named after its folder: core/cells -> unlasting_core_cells.
# USES names the rooms whose headers it may include; LINK the outside libraries it alone sees.
# ALONE names the sources that UNLASTING_UNITY compiles each by itself. TORCH_HEADER is for rooms
# that include LibTorch: unlasting_torch_header.
# A room is added after the rooms it uses, so that no two rooms can use each other.
function(unlasting_room name)
  cmake_parse_arguments(ROOM "TORCH_HEADER" "" "SOURCES;USES;LINK;PRIVATE_LINK;ALONE" ${ARGN})
  if(ROOM_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "Room ${name}: unknown arguments '${ROOM_UNPARSED_ARGUMENTS}'")
  endif()
  foreach(used ${ROOM_USES})
    if(NOT TARGET unlasting_${used})
      message(FATAL_ERROR "Room ${name} USES ${used}, but there is no target unlasting_${used} yet. "
                          "Expected the name of a room that is added before this one.")
    endif()
  endforeach()
  add_library(unlasting_${name} STATIC ${ROOM_SOURCES})
  target_include_directories(unlasting_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_compile_options(unlasting_${name} PRIVATE
                         "$<$<COMPILE_LANGUAGE:C,CXX>:${UNLASTING_WARNINGS}>")
  list(TRANSFORM ROOM_USES PREPEND unlasting_)
  target_link_libraries(unlasting_${name} PUBLIC ${ROOM_USES} ${ROOM_LINK}
                                          PRIVATE ${ROOM_PRIVATE_LINK})
  unlasting_unite(unlasting_${name} ${ROOM_ALONE})
  if(ROOM_TORCH_HEADER)
    unlasting_torch_header(unlasting_${name})
  else()
    unlasting_harden(unlasting_${name})
  endif()
endfunction()

# Appends to OUT one line per target below FOLDER: its folder, name, type, sources and direct links,
# separated by tabs, the lists by spaces.
function(unlasting_list_targets folder out)
  set(lines "")
  get_property(targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target ${targets})
    get_target_property(type ${target} TYPE)
    if(NOT type MATCHES "LIBRARY|EXECUTABLE")
      continue()
    endif()
    set(fields "")
    foreach(property SOURCES LINK_LIBRARIES)
      get_target_property(value ${target} ${property})
      if(NOT value)
        set(value "")
      endif()
      list(JOIN value " " value)
      string(APPEND fields "\t${value}")
    endforeach()
    string(APPEND lines "${folder}\t${target}\t${type}${fields}\n")
  endforeach()
  get_property(folders DIRECTORY ${folder} PROPERTY SUBDIRECTORIES)
  foreach(below ${folders})
    unlasting_list_targets(${below} more)
    string(APPEND lines "${more}")
  endforeach()
  set(${out} "${lines}" PARENT_SCOPE)
endfunction()

# Writes the link graph to targets.tsv in the build folder, where tests/house reads it. Called once,
# after every target has been added.
function(unlasting_write_targets)
  unlasting_list_targets(${PROJECT_SOURCE_DIR} lines)
  file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/targets.tsv CONTENT "${lines}")
endfunction()
