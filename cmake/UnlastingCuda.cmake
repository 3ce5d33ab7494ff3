# UNLASTING_CUDA builds core/model/cuda, the CUDA engine, its tests and measurements with nvcc.
# CMAKE_CUDA_ARCHITECTURES overrides what is built for: Ampere, Hopper and, where nvcc knows it,
# Blackwell.
option(UNLASTING_CUDA "Evaluation and training on CUDA devices" OFF)
if(UNLASTING_CUDA)
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 80 90)
    find_program(UNLASTING_NVCC nvcc HINTS ENV CUDACXX ENV CUDA_PATH PATH_SUFFIXES bin)
    if(UNLASTING_NVCC)
      execute_process(COMMAND ${UNLASTING_NVCC} --list-gpu-arch OUTPUT_VARIABLE known)
      if(known MATCHES "compute_100\n")
        list(APPEND CMAKE_CUDA_ARCHITECTURES 100)
      endif()
    endif()
  endif()
  set(CMAKE_CUDA_STANDARD 17)
  set(CMAKE_CUDA_STANDARD_REQUIRED ON)
  enable_language(CUDA)
endif()
