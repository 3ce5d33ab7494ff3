#include "core/model/torch/network_module.h"

#include <torch/csrc/jit/frontend/resolver.h>
#include <torch/csrc/jit/frontend/sugared_value.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/torch.h>

#include <cmath>
#include <memory>
#include <mutex>

#include "absl/strings/str_cat.h"
#include "core/model/spec/expected_response.h"

namespace unlasting::model {

void EnsureAttentionRegistered();
void EnsureEmbeddingRegistered();
void EnsureProductRegistered();

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
    SetFlag(module, "trained_from_control", c.trained_from_control);
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
             ? DenoiserSource(config.expected_response, config.condition > 0)
             : MaskSource(config.mask_head == "dense", config.expected_response);
}

}  // namespace

// The optimising executor specialises on shapes and re-plans for every batch size; nothing here
// gains from it, and the plain executor runs the same operations at once.
void PrepareExecutor() {
  static std::once_flag once;
  std::call_once(once, [] {
    EnsureAttentionRegistered();
    EnsureEmbeddingRegistered();
    EnsureProductRegistered();
    torch::jit::getExecutorMode() = false;
    torch::jit::getProfilingMode() = false;
  });
}

Module NewModule(NetworkKind kind, const ModelConfig& config) {
  Module module(kind == NetworkKind::kDenoiser ? "__torch__.unlasting.Denoiser"
                                               : "__torch__.unlasting.MaskModel",
                std::make_shared<torch::jit::CompilationUnit>());
  RegisterConfig(kind, config, &module);
  return module;
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
    RegisterExpectedResponse(kind, config, statistics.expected_response.value(), module);
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

void CompileMethods(NetworkKind kind, const ModelConfig& config, Attention attention,
                    Products products, const std::string& forward, Module* module) {
  const std::string source =
      absl::StrCat(LayersSource(attention, products), MethodsSource(kind, config), forward);
  module->define(source, std::make_shared<SourceResolver>());
}

Module Rebuild(NetworkKind kind, const ModelConfig& config, const Module& from, Attention attention,
               Products products, const std::string& forward) {
  Module module = NewModule(kind, config);
  for (const auto& parameter : from.named_parameters(/*recurse=*/false)) {
    module.register_parameter(parameter.name, parameter.value.detach(), /*is_buffer=*/false);
  }
  for (const auto& buffer : from.named_buffers(/*recurse=*/false)) {
    module.register_buffer(buffer.name, buffer.value.detach());
  }
  CompileMethods(kind, config, attention, products, forward, &module);
  module.eval();
  return module;
}

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

}  // namespace unlasting::model
