#include "trainer/training/checkpoint.h"

#include <sstream>

#include "core/base/file.h"
#include "core/base/status.h"

namespace unlasting::trainer {
namespace {

using torch::serialize::InputArchive;
using torch::serialize::OutputArchive;

std::string FirstLine(const std::exception& error) {
  const std::string what = error.what();
  return what.substr(0, what.find('\n'));
}

std::string Key(const char* name, size_t k) { return absl::StrCat(name, ".", k); }

void Fill(const TrainingState& state, OutputArchive* archive) {
  const auto number = [&](const char* key, int64_t value) {
    archive->write(key, torch::tensor(value, torch::kInt64));
  };
  number("step", state.step);
  number("count", static_cast<int64_t>(state.weights.size()));
  number("checks_since_best", state.checks_since_best);
  number("best_count", static_cast<int64_t>(state.best.size()));
  archive->write("best_distance", torch::tensor(state.best_distance, torch::kFloat64));
  for (size_t k = 0; k < state.weights.size(); ++k) {
    archive->write(Key("weight", k), state.weights[k].detach());
    archive->write(Key("average", k), state.average[k]);
    archive->write(Key("mean", k), state.moments.means[k]);
    archive->write(Key("square", k), state.moments.squares[k]);
  }
  for (size_t k = 0; k < state.best.size(); ++k) archive->write(Key("best", k), state.best[k]);
}

// Reads into a new tensor each time: the archive refuses one that already holds another entry.
torch::Tensor ReadEntry(InputArchive* archive, const std::string& key) {
  torch::Tensor value;
  archive->read(key, value);
  return value;
}

void CopyChecked(const torch::Tensor& from, torch::Tensor to) {
  TORCH_CHECK(from.sizes() == to.sizes(), "found a weight of another shape");
  to.copy_(from);
}

void Take(InputArchive* archive, TrainingState* state) {
  torch::NoGradGuard no_grad;
  const auto number = [&](const char* key) { return ReadEntry(archive, key).item<int64_t>(); };
  TORCH_CHECK(number("count") == static_cast<int64_t>(state->weights.size()),
              "found another number of weights");
  for (size_t k = 0; k < state->weights.size(); ++k) {
    CopyChecked(ReadEntry(archive, Key("weight", k)), state->weights[k]);
    CopyChecked(ReadEntry(archive, Key("average", k)), state->average[k]);
    CopyChecked(ReadEntry(archive, Key("mean", k)), state->moments.means[k]);
    CopyChecked(ReadEntry(archive, Key("square", k)), state->moments.squares[k]);
  }
  state->best.clear();
  const auto best = static_cast<size_t>(number("best_count"));
  TORCH_CHECK(best == 0 || best == state->weights.size(), "found another number of weights");
  for (size_t k = 0; k < best; ++k) {
    state->best.push_back(torch::empty_like(state->average[k]));
    CopyChecked(ReadEntry(archive, Key("best", k)), state->best[k]);
  }
  state->best_distance = ReadEntry(archive, "best_distance").item<double>();
  state->checks_since_best = number("checks_since_best");
  state->step = number("step");
}

}  // namespace

TrainingState::TrainingState(const std::vector<torch::Tensor>& weights)
    : weights(weights), moments(weights) {
  for (const torch::Tensor& weight : weights) average.push_back(weight.detach().clone());
}

absl::Status WriteCheckpoint(const std::string& path, const TrainingState& state) {
  StagedPath staged{std::filesystem::path(path)};
  try {
    OutputArchive archive;
    Fill(state, &archive);
    archive.save_to(staged.path().string());
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat(path, ": ", FirstLine(error)));
  }
  return staged.Commit();
}

absl::StatusOr<std::string> EncodeState(const TrainingState& state) {
  try {
    OutputArchive archive;
    Fill(state, &archive);
    std::ostringstream stream;
    archive.save_to(stream);
    return stream.str();
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("training state: ", FirstLine(error)));
  }
}

absl::Status ReadCheckpoint(const std::string& path, TrainingState* state) {
  try {
    InputArchive archive;
    archive.load_from(path, torch::kCPU);
    Take(&archive, state);
    return absl::OkStatus();
  } catch (const std::exception& error) {
    return absl::DataLossError(absl::StrCat(
        path, ": expected a checkpoint of this model; without --resume training starts anew: ",
        FirstLine(error)));
  }
}

absl::Status DecodeState(const std::string& bytes, TrainingState* state) {
  try {
    InputArchive archive;
    archive.load_from(bytes.data(), bytes.size(), torch::kCPU);
    Take(&archive, state);
    return absl::OkStatus();
  } catch (const std::exception& error) {
    return absl::DataLossError(
        absl::StrCat("training state of rank 0: expected one of this model: ", FirstLine(error)));
  }
}

}  // namespace unlasting::trainer
