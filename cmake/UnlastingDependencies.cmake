# An official LibTorch ships a protoc and headers of libraries of its own versions. Everything but
# LibTorch itself is searched for outside its folder. A torch of Python names the folder below it.
string(REPLACE ":" ";" prefixes_of_environment "$ENV{CMAKE_PREFIX_PATH}")
foreach(prefix ${CMAKE_PREFIX_PATH} ${prefixes_of_environment})
  foreach(config ${prefix}/share/cmake/Torch ${prefix}/Torch)
    if(EXISTS ${config}/TorchConfig.cmake)
      set(Torch_DIR ${config} CACHE PATH "Folder of TorchConfig.cmake")
      list(REMOVE_ITEM CMAKE_PREFIX_PATH ${prefix})
      list(REMOVE_ITEM prefixes_of_environment ${prefix})
    endif()
  endforeach()
endforeach()
list(JOIN prefixes_of_environment ":" prefixes_of_environment)
set(ENV{CMAKE_PREFIX_PATH} "${prefixes_of_environment}")

find_package(Threads REQUIRED)
find_package(absl REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(OpenSSL REQUIRED)

# Below: what the engine alone does not need. LibTorch comes last, from UnlastingTorch.cmake.
if(UNLASTING_ONLY_ENGINE)
  return()
endif()

find_package(HDF5 REQUIRED COMPONENTS C)
find_package(ZLIB REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Protobuf REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)

# RDKit ships no CMake package for C++ on Debian: found by header and library.
find_path(RDKIT_INCLUDE_DIR GraphMol/GraphMol.h PATH_SUFFIXES rdkit REQUIRED)
set(RDKIT_LIBRARIES "")
foreach(component Fingerprints SmilesParse Descriptors MolStandardize GraphMol DataStructs RDGeneral)
  find_library(RDKIT_${component}_LIBRARY RDKit${component} REQUIRED)
  list(APPEND RDKIT_LIBRARIES ${RDKIT_${component}_LIBRARY})
endforeach()
add_library(unlasting_rdkit INTERFACE)
target_include_directories(unlasting_rdkit SYSTEM INTERFACE ${RDKIT_INCLUDE_DIR})
# RDKit 2022.09 uses <cstdint> without including it, and newer standard libraries no longer bring it.
target_compile_options(unlasting_rdkit INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:SHELL:-include cstdint>")
target_link_libraries(unlasting_rdkit INTERFACE ${RDKIT_LIBRARIES})

add_library(unlasting_hdf5 INTERFACE)
target_include_directories(unlasting_hdf5 SYSTEM INTERFACE ${HDF5_INCLUDE_DIRS})
target_link_libraries(unlasting_hdf5 INTERFACE ${HDF5_LIBRARIES})
