// `forward` of the exported files, one per kind of file, by the inputs that docs/bundle.md lists.
#include "core/model/torch/source.h"

namespace unlasting::model {

std::string SourceForward() {
  return R"(
def forward(self, x_t: Tensor, t: Tensor, cell_type: Tensor) -> Tensor:
    return self.denoise(x_t, t, cell_type, None, None, None, None, None)
)";
}

std::string TargetForward(bool molecules) {
  if (!molecules) {
    return R"(
def forward(self, x_t: Tensor, t: Tensor, cell_type: Tensor, control: Tensor,
            knockout: Tensor) -> Tensor:
    return self.denoise(x_t, t, cell_type, control, knockout, None, None, None)
)";
  }
  return R"(
def forward(self, x_t: Tensor, t: Tensor, cell_type: Tensor, control: Tensor, knockout: Tensor,
            molecule: Tensor, dose: Tensor) -> Tensor:
    return self.denoise(x_t, t, cell_type, control, knockout, molecule, dose, None)
)";
}

std::string MaskForward(bool molecules) {
  if (!molecules) {
    return R"(
def forward(self, cell_type: Tensor, control: Tensor, knockout: Tensor) -> Tensor:
    return torch.sigmoid(self.logits(cell_type, control, knockout, None, None, None))
)";
  }
  return R"(
def forward(self, cell_type: Tensor, control: Tensor, knockout: Tensor, molecule: Tensor,
            dose: Tensor) -> Tensor:
    return torch.sigmoid(self.logits(cell_type, control, knockout, molecule, dose, None))
)";
}

}  // namespace unlasting::model
