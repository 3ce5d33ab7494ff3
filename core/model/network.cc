#include "core/model/network.h"

#include <torch/torch.h>

#include <cmath>
#include <functional>
#include <mutex>

#include "absl/strings/str_cat.h"
#include "core/model/source.h"

namespace unlasting::model {

void EnsureOperatorsRegistered();

namespace {

using torch::Tensor;
using torch::jit::Module;

constexpr int64_t kFrequencies = 32;
constexpr int64_t kTimeFeatures = 64;
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
    EnsureOperatorsRegistered();
    torch::jit::getExecutorMode() = false;
    torch::jit::getProfilingMode() = false;
    torch::jit::setGraphExecutorOptimize(false);
  });
}

struct ParameterSpec {
  std::string name;
  std::vector<int64_t> shape;
  double bound;  // uniform in [-bound, bound]; 0 for zeros, NaN for ones
};

double FanIn(int64_t n) { return 1.0 / std::sqrt(static_cast<double>(n)); }
const double kOnes = std::nan("");

// A linear map, stored [in, out].
void AddLinear(const std::string& name, int64_t in, int64_t out, const std::string& bias,
               std::vector<ParameterSpec>* specs) {
  specs->push_back({name, {in, out}, FanIn(in)});
  if (!bias.empty()) specs->push_back({bias, {out}, FanIn(in)});
}

std::vector<ParameterSpec> ParameterSpecs(NetworkKind kind, const ModelConfig& c) {
  const int64_t d = c.dim, n = c.genes, m = c.nodes, h = c.hidden;
  const bool denoiser = kind == NetworkKind::kDenoiser;
  std::vector<ParameterSpec> specs;
  specs.push_back({"gene_embedding", {m, d}, std::sqrt(3.0)});
  AddLinear("phi_gene", d, d, "phi_bias", &specs);
  specs.push_back({"phi_cell", {c.cell_types, d}, 0.1});
  AddLinear("phi_out", d, d, "phi_out_bias", &specs);
  if (c.molecule_features > 0) {
    AddLinear("drug_in", c.molecule_features, d, "drug_bias", &specs);
    specs.push_back({"drug_dose", {d}, 0.5});
    AddLinear("drug_out", d, d, "drug_out_bias", &specs);
    AddLinear("fuse_gene", d, d, "fuse_bias", &specs);
    AddLinear("fuse_drug", d, d, "", &specs);
    AddLinear("fuse_out", d, d, "fuse_out_bias", &specs);
  }
  specs.push_back({"psi_control_in", {d}, 1.0});
  specs.push_back({"psi_control_bias", {d}, 1.0});
  AddLinear("psi_control_out", d, d, "psi_control_out_bias", &specs);
  specs.push_back({"norm_weight", {c.layers, d}, kOnes});
  specs.push_back({"norm_bias", {c.layers, d}, 0});
  for (const char* side : {"left", "right"}) {
    specs.push_back({absl::StrCat(side, "_weight"), {c.layers, d, c.heads * d}, FanIn(d)});
    specs.push_back({absl::StrCat(side, "_bias"), {c.layers, c.heads * d}, FanIn(d)});
  }
  specs.push_back({"attention", {c.layers, c.heads, d}, FanIn(d)});
  specs.push_back({"gat_bias", {c.layers, d}, 0});
  specs.push_back({"readout_weight", {m, d}, denoiser ? FanIn(d) : 0.0});
  specs.push_back({"readout_bias", {m}, 0});
  if (denoiser) {
    AddLinear("time_weight", 2 * kFrequencies, kTimeFeatures, "time_bias", &specs);
    AddLinear("phi_time", kTimeFeatures, d, "", &specs);
    specs.push_back({"psi_x_in", {d}, 1.0});
    specs.push_back({"psi_x_bias", {d}, 1.0});
    AddLinear("psi_x_out", d, d, "psi_x_out_bias", &specs);
    AddLinear("block_in", n, h, "", &specs);
    AddLinear("block_time", kTimeFeatures, h, "", &specs);
    specs.push_back({"block_cell", {c.cell_types, h}, 0.1});
    AddLinear("block_mid", h, h, "block_mid_bias", &specs);
    AddLinear("block_out", h, n, "block_out_bias", &specs);
    AddLinear("decoder_time", kTimeFeatures, h, "", &specs);
  }
  if (denoiser || c.mask_head == "dense") {
    AddLinear("decoder_in", m, h, "", &specs);
    specs.push_back({"decoder_cell", {c.cell_types, h}, 0.1});
    AddLinear("decoder_mid", h, h, "decoder_mid_bias", &specs);
    // Zero: an untrained network predicts the Gaussian skip, or the control's own shares.
    specs.push_back({"decoder_out", {h, n}, 0});
    specs.push_back({"decoder_out_bias", {n}, 0});
  }
  return specs;
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
}

std::string MethodsSource(NetworkKind kind, const ModelConfig& config) {
  return kind == NetworkKind::kDenoiser ? DenoiserSource()
                                        : MaskSource(config.mask_head == "dense");
}

void Compile(NetworkKind kind, const ModelConfig& config, Attention attention,
             const std::string& forward, Module* module) {
  const std::string source =
      absl::StrCat(attention == Attention::kFused ? FusedAttendSource() : PlainAttendSource(),
                   MethodsSource(kind, config), forward);
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

void RegisterStatistics(NetworkKind kind, const diffusion::Schedule& schedule,
                        const NetworkStatistics& statistics, Module* module) {
  module->register_buffer("anchor_mean", statistics.anchor_mean.to(torch::kFloat32));
  module->register_buffer(
      "anchor_variance",
      statistics.anchor_deviation.clamp_min(kSmallestDeviation).square().to(torch::kFloat32));
  std::vector<int64_t> target;
  for (size_t i = 0; i + 1 < statistics.edge_indptr.size(); ++i) {
    target.insert(target.end(), statistics.edge_indptr[i + 1] - statistics.edge_indptr[i],
                  static_cast<int64_t>(i));
  }
  module->register_buffer("edge_indptr", torch::tensor(statistics.edge_indptr, torch::kInt64));
  module->register_buffer("edge_source", torch::tensor(statistics.edge_source, torch::kInt64));
  module->register_buffer("edge_target", torch::tensor(target, torch::kInt64));
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
    RegisterStatistics(kind, schedule, statistics, &module);
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
    // The configuration decides which weights there are; each must be there in its shape.
    for (const ParameterSpec& spec : ParameterSpecs(network, config)) {
      if (!file.hasattr(spec.name) || file.attr(spec.name).toTensor().sizes() != spec.shape) {
        return absl::InvalidArgumentError(
            absl::StrCat(path, ": weight '", spec.name, "' is absent or of another shape"));
      }
    }
    Module module = Rebuild(network, config, file, attention, ForwardOf(kind, config));
    for (auto parameter : module.parameters(/*recurse=*/false)) parameter.requires_grad_(false);
    return Network(network, std::move(module), config);
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

Tensor Network::Call(const char* method, std::vector<c10::IValue> inputs) const {
  return module_.get_method(method)(std::move(inputs)).toTensor();
}

Tensor Network::Denoise(const Tensor& x_t, const Tensor& t, const Inputs& in) const {
  return Call("denoise", {x_t, t, in.cell_type, OrNone(in.control), OrNone(in.knockout),
                          OrNone(in.molecule), OrNone(in.dose)});
}

Tensor Network::DenoiserLoss(const Tensor& x_0, const Tensor& x_t, const Tensor& t,
                             const Inputs& in) const {
  return Call("loss", {x_0, x_t, t, in.cell_type, OrNone(in.control), OrNone(in.knockout),
                       OrNone(in.molecule), OrNone(in.dose)});
}

Tensor Network::MaskLogits(const Inputs& in) const {
  return Call("logits", {in.cell_type, in.control, OrNone(in.knockout), OrNone(in.molecule),
                         OrNone(in.dose)});
}

Tensor Network::MaskLoss(const Tensor& x_0, const Inputs& in) const {
  return Call("loss", {x_0, in.cell_type, in.control, OrNone(in.knockout), OrNone(in.molecule),
                       OrNone(in.dose)});
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
