#include "core/model/torch/network.h"

#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/torch.h>

#include <cmath>
#include <set>

#include "absl/strings/str_cat.h"

namespace unlasting::model {
namespace {

using torch::Tensor;
using torch::jit::Module;

c10::IValue OrNone(const Tensor& tensor) {
  return tensor.defined() ? c10::IValue(tensor) : c10::IValue();
}

}  // namespace

absl::StatusOr<Network> Network::Create(NetworkKind kind, const ModelConfig& config,
                                        const diffusion::Schedule& schedule,
                                        const NetworkStatistics& statistics, uint64_t seed,
                                        Attention attention) {
  const absl::Status valid = config.Validate();
  if (!valid.ok()) return valid;
  PrepareExecutor();
  try {
    Module module = NewModule(kind, config);
    auto generator = at::detail::createCPUGenerator(seed);
    for (const ParameterSpec& spec : ParameterSpecs(kind, config)) {
      Tensor value = torch::zeros(spec.shape);
      if (std::isnan(spec.bound)) {
        value.fill_(1.0);
      } else if (spec.bound > 0) {
        value.uniform_(-spec.bound, spec.bound, generator);
      }
      value.requires_grad_(true);
      module.register_parameter(spec.name, value, /*is_buffer=*/false);
    }
    RegisterStatistics(kind, config, schedule, statistics, &module);
    CompileMethods(kind, config, attention, Products::kFloat32, "", &module);
    return Network(kind, std::move(module), config, attention);
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("model: ", error.what()));
  }
}

absl::StatusOr<Network> Network::FromWeights(NetworkKind kind, const ModelConfig& config,
                                             const NetworkWeights<float>& weights,
                                             Attention attention) {
  PrepareExecutor();
  try {
    Module module = NewModule(kind, config);
    std::set<std::string> parameters;
    for (const ParameterSpec& spec : ParameterSpecs(kind, config)) parameters.insert(spec.name);
    for (const auto& [name, shape] : weights.shapes) {
      const auto values = weights.values.find(name);
      const Tensor array =
          values != weights.values.end()
              ? torch::tensor(at::ArrayRef<float>(values->second.data(), values->second.size()))
              : torch::tensor(weights.indices.at(name), torch::kInt64);
      if (parameters.count(name) > 0) {
        module.register_parameter(name, array.view(shape), /*is_buffer=*/false);
      } else {
        module.register_buffer(name, array.view(shape));
      }
    }
    RegisterEdges(weights.edge_indptr, {weights.edge_source.begin(), weights.edge_source.end()},
                  &module);
    CompileMethods(kind, config, attention, Products::kFloat32, "", &module);
    return Network(kind, std::move(module), config, attention);
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("model: ", error.what()));
  }
}

absl::StatusOr<Network> Network::Load(const std::string& path, ExportKind kind,
                                      const ModelConfig& config, Attention attention) {
  PrepareExecutor();
  const NetworkKind network =
      kind == ExportKind::kMask ? NetworkKind::kMask : NetworkKind::kDenoiser;
  try {
    const Module file = torch::jit::load(path, torch::kCPU);
    Module module =
        Rebuild(network, config, file, attention, Products::kFloat32, ForwardOf(kind, config));
    for (auto parameter : module.parameters(/*recurse=*/false)) parameter.requires_grad_(false);
    Network loaded(network, std::move(module), config, attention);
    // The configuration decides which weights there are; each must be there in its shape.
    const absl::Status fits = CheckWeights(network, config, loaded.ToWeights<float>());
    if (!fits.ok()) return absl::InvalidArgumentError(absl::StrCat(path, ": ", fits.message()));
    return loaded;
  } catch (const std::exception& error) {
    const std::string what = error.what();
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": not a TorchScript file of this software: ", what.substr(0, what.find('\n'))));
  }
}

Network Network::Multiplying(Products products) const {
  Module module = Rebuild(kind_, config_, module_, attention_, products, /*forward=*/"");
  for (auto parameter : module.parameters(/*recurse=*/false)) parameter.requires_grad_(true);
  return Network(kind_, std::move(module), config_, attention_);
}

absl::Status Network::Export(const std::string& path, ExportKind kind) const {
  try {
    torch::NoGradGuard no_grad;
    Module module = Rebuild(kind_, config_, module_, Attention::kPlain, Products::kFloat32,
                            ForwardOf(kind, config_));
    for (auto parameter : module.parameters(/*recurse=*/false)) parameter.requires_grad_(false);
    module.to(torch::kCPU);
    CastFloats(torch::kFloat32, &module);
    module.save(path);
    return absl::OkStatus();
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat(path, ": ", error.what()));
  }
}

std::vector<Tensor> Network::Parameters() const {
  std::vector<Tensor> parameters;
  for (const auto& parameter : module_.named_parameters(false)) {
    parameters.push_back(parameter.value);
  }
  return parameters;
}

std::vector<std::string> Network::ParameterNames() const {
  std::vector<std::string> names;
  for (const auto& parameter : module_.named_parameters(false)) names.push_back(parameter.name);
  return names;
}

template <typename T>
NetworkWeights<T> Network::ToWeights() const {
  constexpr auto kType = std::is_same_v<T, float> ? torch::kFloat32 : torch::kFloat64;
  NetworkWeights<T> weights;
  const auto add = [&](const std::string& name, const Tensor& tensor) {
    // Follows from edge_indptr.
    if (name == "edge_target") return;
    const Tensor flat = tensor.detach().to(torch::kCPU).contiguous().flatten();
    if (flat.is_floating_point()) {
      const Tensor values = flat.to(kType);
      const T* data = values.data_ptr<T>();
      weights.values[name].assign(data, data + values.numel());
      weights.shapes[name] = tensor.sizes().vec();
      return;
    }
    const int64_t* first = flat.data_ptr<int64_t>();
    const int64_t* last = first + flat.numel();
    if (name == "edge_indptr") {
      weights.edge_indptr.assign(first, last);
    } else if (name == "edge_source") {
      weights.edge_source.assign(first, last);
    } else {
      weights.indices[name].assign(first, last);
      weights.shapes[name] = tensor.sizes().vec();
    }
  };
  for (const auto& parameter : module_.named_parameters(false)) {
    add(parameter.name, parameter.value);
  }
  for (const auto& buffer : module_.named_buffers(false)) add(buffer.name, buffer.value);
  return weights;
}
template NetworkWeights<float> Network::ToWeights<float>() const;
template NetworkWeights<double> Network::ToWeights<double>() const;

Tensor Network::Call(const char* method, std::vector<c10::IValue> inputs) const {
  // The flag is the thread's own. With it on, the executor would differentiate parts of the graph
  // by itself and hand data to the operators as if it had gradients.
  torch::jit::setGraphExecutorOptimize(false);
  return module_.get_method(method)(std::move(inputs)).toTensor();
}

Tensor Network::Denoise(const Tensor& x_t, const Tensor& t, const Inputs& in) const {
  return Call("denoise", {x_t, t, in.cell_type, OrNone(in.control), OrNone(in.knockout),
                          OrNone(in.molecule), OrNone(in.dose), OrNone(in.hidden)});
}

Tensor Network::DenoiserLosses(const Tensor& x_0, const Tensor& x_t, const Tensor& t,
                               const Inputs& in) const {
  return Call("loss",
              {x_0, x_t, t, in.cell_type, OrNone(in.control), OrNone(in.knockout),
               OrNone(in.molecule), OrNone(in.dose), OrNone(in.hidden), OrNone(in.anonymous)});
}

Tensor Network::DenoiserLoss(const Tensor& x_0, const Tensor& x_t, const Tensor& t,
                             const Inputs& in) const {
  return DenoiserLosses(x_0, x_t, t, in).select(1, 0);
}

Tensor Network::MaskLogits(const Inputs& in) const {
  return Call("logits", {in.cell_type, in.control, OrNone(in.knockout), OrNone(in.molecule),
                         OrNone(in.dose), OrNone(in.hidden)});
}

Tensor Network::MaskLoss(const Tensor& x_0, const Inputs& in) const {
  return Call("loss", {x_0, in.cell_type, in.control, OrNone(in.knockout), OrNone(in.molecule),
                       OrNone(in.dose), OrNone(in.hidden)});
}

void Network::To(torch::Device device) { module_.to(device); }
torch::Device Network::device() const { return Parameters().front().device(); }
void Network::To(torch::Dtype dtype) { CastFloats(dtype, &module_); }

std::vector<std::string> ForwardSignature(ExportKind kind, bool molecules) {
  std::vector<std::string> inputs;
  if (kind != ExportKind::kMask) inputs = {"x_t float32 [B, N]", "t int64 [B]"};
  inputs.push_back("cell_type int64 [B]");
  if (kind == ExportKind::kSource) return inputs;
  inputs.push_back("control float32 [B, N]");
  inputs.push_back("knockout float32 [B, N']");
  if (molecules) {
    inputs.push_back("molecule float32 [B, Ds]");
    inputs.push_back("dose float32 [B]");
  }
  return inputs;
}

}  // namespace unlasting::model
