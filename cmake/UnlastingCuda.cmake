# UNLASTING_CUDA builds core/model/cuda, the CUDA engine, its tests and measurements with nvcc.
# CMAKE_CUDA_ARCHITECTURES overrides what is built for: Ampere, Hopper and, where nvcc knows it,
# Blackwell.
option(UNLASTING_CUDA "Evaluation and training on CUDA devices" OFF)
# CMake 3.25 marks this target as deprecated without asking whether the toolkit has it; CUDA 13 has not.
# A LibTorch with CUDA searches for the toolkit too, whether or not this build has its own kernels.
if(CMAKE_VERSION VERSION_LESS 4 AND NOT TARGET CUDA::nvToolsExt)
  add_library(CUDA::nvToolsExt INTERFACE IMPORTED)
endif()
if(UNLASTING_CUDA)
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 80 90)
    find_program(UNLASTING_NVCC nvcc HINTS ENV CUDACXX ENV CUDA_PATH PATH_SUFFIXES bin)
    if(UNLASTING_NVCC)
      execute_process(COMMAND ${UNLASTING_NVCC} --list-gpu-arch OUTPUT_VARIABLE known)
      foreach(blackwell 100 120)
        if(known MATCHES "compute_${blackwell}\n")
          list(APPEND CMAKE_CUDA_ARCHITECTURES ${blackwell})
        endif()
      endforeach()
    endif()
  endif()
  set(CMAKE_CUDA_STANDARD 17)
  set(CMAKE_CUDA_STANDARD_REQUIRED ON)
  enable_language(CUDA)
endif()
