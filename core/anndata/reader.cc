#include "core/anndata/reader.h"

namespace unlasting::anndata {

const char* FileFormatName(FileFormat format) {
  constexpr const char* kNames[] = {"h5ad", "10x_h5", "mtx"};
  return kNames[static_cast<int>(format)];
}

}  // namespace unlasting::anndata
