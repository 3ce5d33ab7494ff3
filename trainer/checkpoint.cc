#include "trainer/checkpoint.h"

#include "core/base/file.h"
#include "core/base/status.h"

namespace unlasting::trainer {
namespace {

// Into a tensor of its own each time: reading over one that another entry filled is refused.
torch::Tensor ReadEntry(torch::serialize::InputArchive* archive, const std::string& key) {
  torch::Tensor value;
  archive->read(key, value);
  return value;
}

void CopyChecked(const torch::Tensor& from, torch::Tensor to) {
  TORCH_CHECK(from.sizes() == to.sizes(), "a weight has another shape");
  to.copy_(from);
}

}  // namespace

absl::Status WriteCheckpoint(const std::string& path, const std::vector<torch::Tensor>& weights,
                             const std::vector<torch::Tensor>& average,
                             const torch::optim::Optimizer& optimizer, int64_t step) {
  StagedPath staged{std::filesystem::path(path)};
  try {
    torch::serialize::OutputArchive archive, state;
    archive.write("step", torch::tensor(step, torch::kInt64));
    archive.write("count", torch::tensor(static_cast<int64_t>(weights.size()), torch::kInt64));
    for (size_t k = 0; k < weights.size(); ++k) {
      archive.write("weight." + std::to_string(k), weights[k].detach());
      archive.write("average." + std::to_string(k), average[k]);
    }
    optimizer.save(state);
    archive.write("optimizer", state);
    archive.save_to(staged.path().string());
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat(path, ": ", error.what()));
  }
  return staged.Commit();
}

absl::Status ReadCheckpoint(const std::string& path, const std::vector<torch::Tensor>& weights,
                            std::vector<torch::Tensor>* average, torch::optim::Optimizer* optimizer,
                            int64_t* step) {
  try {
    torch::NoGradGuard no_grad;
    torch::serialize::InputArchive archive, state;
    archive.load_from(path);
    TORCH_CHECK(
        ReadEntry(&archive, "count").item<int64_t>() == static_cast<int64_t>(weights.size()),
        "it holds another number of weights");
    for (size_t k = 0; k < weights.size(); ++k) {
      CopyChecked(ReadEntry(&archive, "weight." + std::to_string(k)), weights[k]);
      CopyChecked(ReadEntry(&archive, "average." + std::to_string(k)), (*average)[k]);
    }
    archive.read("optimizer", state);
    optimizer->load(state);
    *step = ReadEntry(&archive, "step").item<int64_t>();
    return absl::OkStatus();
  } catch (const std::exception& error) {
    const std::string what = error.what();
    return absl::DataLossError(
        absl::StrCat(path, ": not a checkpoint of this model: ", what.substr(0, what.find('\n'))));
  }
}

}  // namespace unlasting::trainer
