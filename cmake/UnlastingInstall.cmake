# What `cmake --install` puts below its prefix. The programs look for lib/unlasting beside the bin
# that they run from (trainer/commands/torch_program.cc, server/models/evaluator.cc), so it is `lib`
# on every system, whatever the system's own folder for libraries is called.
#
# Component `programs` needs no LibTorch and does all but train, `inspect --verify` and
# `evaluator: torchscript`; component `torch` adds those three.
install(TARGETS unlasting unlasting-server unlasting-train
        RUNTIME DESTINATION bin COMPONENT programs)
install(FILES LICENSE DESTINATION share/doc/unlasting COMPONENT programs)
install(TARGETS unlasting-train-torch unlasting_torchscript
        RUNTIME DESTINATION lib/unlasting COMPONENT torch
        LIBRARY DESTINATION lib/unlasting COMPONENT torch)

# CMake leaves folders below the sources out of what an installed program searches. LibTorch and CUDA may
# lie there (scripts/libtorch.sh).
function(unlasting_search_when_installed folder)
  cmake_path(IS_PREFIX PROJECT_SOURCE_DIR ${folder} NORMALIZE is_below)
  if(is_below)
    set_property(TARGET ${ARGN} APPEND PROPERTY INSTALL_RPATH ${folder})
  endif()
endfunction()
unlasting_search_when_installed(${TORCH_INSTALL_PREFIX}/lib unlasting-train-torch unlasting_torchscript)
if(UNLASTING_CUDA)
  find_package(CUDAToolkit REQUIRED)  # an imported target is known where it was found, and below
  get_target_property(cudart CUDA::cudart IMPORTED_LOCATION)
  cmake_path(GET cudart PARENT_PATH cuda_libraries)
  unlasting_search_when_installed(${cuda_libraries} unlasting-server unlasting-train unlasting-train-torch
                                  unlasting_torchscript)
endif()
