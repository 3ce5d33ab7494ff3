#include "core/model/torch/network.h"

#include <torch/csrc/jit/frontend/resolver.h>
#include <torch/csrc/jit/frontend/sugared_value.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/torch.h>

#include <cmath>
#include <functional>
#include <mutex>
#include <set>

#include "absl/strings/str_cat.h"
#include "core/model/spec/expected_response.h"
#include "core/model/spec/parameters.h"
#include "core/model/torch/source.h"

namespace unlasting::model {

void EnsureAttentionRegistered();
void EnsureEmbeddingRegistered();

namespace {

using torch::Tensor;
using torch::jit::Module;

// Smallest deviation of a gene in model units: a gene that is constant in training still needs a
// finite scale to be divided by.
constexpr double kSmallestDeviation = 1e-3;

// Names that the source may use: torch.* and our own operators.
struct SourceResolver : public torch::jit::Resolver {
  std::shared_ptr<torch::jit::SugaredValue> resolveValue(const std::string& name,
                                                         torch::jit::GraphFunction& function,
                                                         const torch::jit::SourceRange&) override {
    if (name == "torch") return std::make_shared<torch::jit::BuiltinModule>("aten");
    if (name == "unlasting") return std::make_shared<torch::jit::BuiltinModule>("unlasting");
    return nullptr;
  }
  c10::TypePtr resolveType(const std::string&, const torch::jit::SourceRange&) override {
    return nullptr;
  }
};

// The optimising executor specialises on shapes and re-plans for every batch size; nothing here
// gains from it, and the plain executor runs the same operations at once.
void UsePlainExecutor() {
  static std::once_flag once;
  std::call_once(once, [] {
    EnsureAttentionRegistered();
    EnsureEmbeddingRegistered();
    torch::jit::getExecutorMode() = false;
    torch::jit::getProfilingMode() = false;
  });
}

void SetAttribute(Module* module, const std::string& name, int64_t value) {
  module->register_attribute(name, c10::IntType::get(), value);
}
void SetFlag(Module* module, const std::string& name, bool value) {
  module->register_attribute(name, c10::BoolType::get(), value);
}

void RegisterConfig(NetworkKind kind, const ModelConfig& c, Module* module) {
  SetAttribute(module, "genes", c.genes);
  SetAttribute(module, "nodes", c.nodes);
  SetAttribute(module, "dim", c.dim);
  SetAttribute(module, "layers", c.layers);
  SetAttribute(module, "heads", c.heads);
  SetFlag(module, "residual", c.residual);
  SetFlag(module, "control_input", c.control_input);
  SetFlag(module, "grn_on", c.grn);
  if (kind == NetworkKind::kDenoiser) {
    SetFlag(module, "preconditioned", c.recipe == "preconditioned");
    SetFlag(module, "static_grn", c.grn_inputs == "static");
    SetFlag(module, "control_residual", c.control_residual);
  }
  if (c.expected_response) {
    SetAttribute(module, "cell_types", c.cell_types);
    const auto set = [&](const char* name, double value) {
      module->register_attribute(name, c10::FloatType::get(), value);
    };
    set("response_similarity", kResponseSimilarity);
    set("response_decades", kResponseDecades);
    set("response_same", kResponseSame);
    set("response_bonus", kResponseBonus);
    set("response_log_variance", kResponseLogVariance);
    SetAttribute(module, "propagation_hops", kPropagationHops);
  }
}

std::string MethodsSource(NetworkKind kind, const ModelConfig& config) {
  return kind == NetworkKind::kDenoiser
             ? DenoiserSource(config.expected_response)
             : MaskSource(config.mask_head == "dense", config.expected_response);
}

void Compile(NetworkKind kind, const ModelConfig& config, Attention attention,
             const std::string& forward, Module* module) {
  const std::string source =
      absl::StrCat(LayersSource(attention), MethodsSource(kind, config), forward);
  module->define(source, std::make_shared<SourceResolver>());
}

Module NewModule(NetworkKind kind) {
  return Module(kind == NetworkKind::kDenoiser ? "__torch__.unlasting.Denoiser"
                                               : "__torch__.unlasting.MaskModel",
                std::make_shared<torch::jit::CompilationUnit>());
}

// Same weights, buffers and methods in a fresh module, with `attention` and `forward`.
Module Rebuild(NetworkKind kind, const ModelConfig& config, const Module& from, Attention attention,
               const std::string& forward) {
  Module module = NewModule(kind);
  RegisterConfig(kind, config, &module);
  for (const auto& parameter : from.named_parameters(/*recurse=*/false)) {
    module.register_parameter(parameter.name, parameter.value.detach(), /*is_buffer=*/false);
  }
  for (const auto& buffer : from.named_buffers(/*recurse=*/false)) {
    module.register_buffer(buffer.name, buffer.value.detach());
  }
  Compile(kind, config, attention, forward, &module);
  module.eval();
  return module;
}

// Module::to(dtype) would cast the integer buffers too.
void CastFloats(torch::Dtype dtype, Module* module) {
  for (auto tensor : module->parameters(/*recurse=*/false)) tensor.set_data(tensor.to(dtype));
  for (auto tensor : module->buffers(/*recurse=*/false)) {
    if (tensor.is_floating_point()) tensor.set_data(tensor.to(dtype));
  }
}

std::string ForwardOf(ExportKind kind, const ModelConfig& config) {
  const bool molecules = config.molecule_features > 0;
  switch (kind) {
    case ExportKind::kSource:
      return SourceForward();
    case ExportKind::kTarget:
      return TargetForward(molecules);
    case ExportKind::kMask:
      return MaskForward(molecules);
  }
  return "";
}

c10::IValue OrNone(const Tensor& tensor) {
  return tensor.defined() ? c10::IValue(tensor) : c10::IValue();
}

void RegisterEdges(const std::vector<int64_t>& indptr, const std::vector<int64_t>& source,
                   Module* module) {
  std::vector<int64_t> target;
  for (size_t i = 0; i + 1 < indptr.size(); ++i) {
    target.insert(target.end(), indptr[i + 1] - indptr[i], static_cast<int64_t>(i));
  }
  module->register_buffer("edge_indptr", torch::tensor(indptr, torch::kInt64));
  module->register_buffer("edge_source", torch::tensor(source, torch::kInt64));
  module->register_buffer("edge_target", torch::tensor(target, torch::kInt64));
}

void RegisterStatistics(NetworkKind kind, const ModelConfig& config,
                        const diffusion::Schedule& schedule, const NetworkStatistics& statistics,
                        Module* module) {
  if (config.expected_response)
    RegisterExpectedResponse(kind, statistics.expected_response.value(), module);
  module->register_buffer("prior_mean", statistics.prior_mean.to(torch::kFloat32));
  module->register_buffer(
      "prior_variance",
      statistics.prior_deviation.clamp_min(kSmallestDeviation).square().to(torch::kFloat32));
  RegisterEdges(statistics.edge_indptr, statistics.edge_source, module);
  if (kind == NetworkKind::kMask) {
    module->register_buffer("active_logit",
                            torch::logit(statistics.active_share, 1e-3).to(torch::kFloat32));
    return;
  }
  std::vector<double> alpha_bar;
  for (int t = 0; t < schedule.steps(); ++t) alpha_bar.push_back(schedule.alpha_bar(t));
  module->register_buffer("alpha_bar",
                          torch::tensor(alpha_bar, torch::kFloat64).to(torch::kFloat32));
  const Tensor k = torch::arange(kFrequencies, torch::kFloat64) / kFrequencies;
  module->register_buffer("frequency", torch::pow(10000.0, -k).to(torch::kFloat32));
}

}  // namespace

absl::StatusOr<Network> Network::Create(NetworkKind kind, const ModelConfig& config,
                                        const diffusion::Schedule& schedule,
                                        const NetworkStatistics& statistics, uint64_t seed,
                                        Attention attention) {
  const absl::Status valid = config.Validate();
  if (!valid.ok()) return valid;
  UsePlainExecutor();
  try {
    Module module = NewModule(kind);
    RegisterConfig(kind, config, &module);
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
    Compile(kind, config, attention, "", &module);
    return Network(kind, std::move(module), config);
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("model: ", error.what()));
  }
}

absl::StatusOr<Network> Network::FromWeights(NetworkKind kind, const ModelConfig& config,
                                             const NetworkWeights<float>& weights,
                                             Attention attention) {
  UsePlainExecutor();
  try {
    Module module = NewModule(kind);
    RegisterConfig(kind, config, &module);
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
    Compile(kind, config, attention, "", &module);
    return Network(kind, std::move(module), config);
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("model: ", error.what()));
  }
}

absl::StatusOr<Network> Network::Load(const std::string& path, ExportKind kind,
                                      const ModelConfig& config, Attention attention) {
  UsePlainExecutor();
  const NetworkKind network =
      kind == ExportKind::kMask ? NetworkKind::kMask : NetworkKind::kDenoiser;
  try {
    const Module file = torch::jit::load(path, torch::kCPU);
    Module module = Rebuild(network, config, file, attention, ForwardOf(kind, config));
    for (auto parameter : module.parameters(/*recurse=*/false)) parameter.requires_grad_(false);
    Network loaded(network, std::move(module), config);
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

absl::Status Network::Export(const std::string& path, ExportKind kind) const {
  try {
    torch::NoGradGuard no_grad;
    Module module = Rebuild(kind_, config_, module_, Attention::kPlain, ForwardOf(kind, config_));
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

Tensor Network::DenoiserLoss(const Tensor& x_0, const Tensor& x_t, const Tensor& t,
                             const Inputs& in) const {
  return Call("loss", {x_0, x_t, t, in.cell_type, OrNone(in.control), OrNone(in.knockout),
                       OrNone(in.molecule), OrNone(in.dose), OrNone(in.hidden)});
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
