# LibTorch, for the rooms that include it (unlasting_torch): Debian's 1.13, or an official 2.x found
# through CMAKE_PREFIX_PATH, which wins over the system's. Included after everything else that is
# searched for: an official LibTorch defines an empty protobuf::libprotobuf where there is none yet.
if(UNLASTING_WITHOUT_TORCH)
  return()
endif()

# A LibTorch with CUDA enables CUDA in whoever finds it, for the devices of this variable alone: it
# ignores CMAKE_CUDA_ARCHITECTURES, turns it off and writes its devices into the flags. What this
# build chose stays: the kernels are this project's, and unlasting_core_model_cuda compiles them.
foreach(variable CMAKE_CUDA_ARCHITECTURES CMAKE_CUDA_FLAGS CMAKE_CUDA_STANDARD)
  if(DEFINED ${variable})
    set(chosen_${variable} "${${variable}}")
  endif()
endforeach()
unset(CMAKE_CUDA_ARCHITECTURES)
if(NOT DEFINED ENV{TORCH_CUDA_ARCH_LIST})
  set(ENV{TORCH_CUDA_ARCH_LIST} "9.0")
endif()
# Its own CMake files look for its libraries among the system's first, unless its folder is one to
# search.
set(prefixes_without_torch ${CMAKE_PREFIX_PATH})
if(Torch_DIR)
  get_filename_component(torch_prefix ${Torch_DIR}/../../.. ABSOLUTE)
  list(PREPEND CMAKE_PREFIX_PATH ${torch_prefix})
endif()
find_package(Torch REQUIRED)
set(CMAKE_PREFIX_PATH ${prefixes_without_torch})
foreach(variable CMAKE_CUDA_ARCHITECTURES CMAKE_CUDA_FLAGS CMAKE_CUDA_STANDARD)
  unset(${variable})
  if(DEFINED chosen_${variable})
    set(${variable} "${chosen_${variable}}")
  endif()
endforeach()
message(STATUS "LibTorch ${Torch_VERSION} in ${TORCH_INSTALL_PREFIX}")

if(DEFINED TORCH_CXX_FLAGS AND TORCH_CXX_FLAGS MATCHES "_GLIBCXX_USE_CXX11_ABI=0")
  message(FATAL_ERROR "LibTorch ${Torch_VERSION} in ${TORCH_INSTALL_PREFIX}: built for the C++ ABI of "
                      "GCC 4, expected that of GCC 5 and later, which the system's libraries have. Take "
                      "a LibTorch of version 2.6 or later, or the archive named cxx11-abi.")
endif()

add_library(unlasting_torch INTERFACE)
# LibTorch 2.x ships headers of the Protobuf 3.13 that it was built with. The system's, whose library
# is linked, come first.
list(GET TORCH_INCLUDE_DIRS 0 torch_headers)
if(EXISTS ${torch_headers}/google/protobuf AND Protobuf_INCLUDE_DIRS)
  set(before_torch ${PROJECT_BINARY_DIR}/before_torch)
  file(MAKE_DIRECTORY ${before_torch})
  list(GET Protobuf_INCLUDE_DIRS 0 protobuf_headers)
  file(CREATE_LINK ${protobuf_headers}/google ${before_torch}/google SYMBOLIC)
  target_include_directories(unlasting_torch SYSTEM INTERFACE ${before_torch})
endif()
target_include_directories(unlasting_torch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
target_link_libraries(unlasting_torch INTERFACE ${TORCH_LIBRARIES})
# Newer headers need C++20. LibTorch 2.15 says so of itself; those before it do not. What includes no
# LibTorch stays with CMAKE_CXX_STANDARD.
if(Torch_VERSION VERSION_GREATER_EQUAL 2.10)
  target_compile_features(unlasting_torch INTERFACE cxx_std_20)
endif()
