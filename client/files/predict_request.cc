#include "client/files/predict_request.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "core/base/dose.h"
#include "core/base/status.h"
#include "proto/codec/enums.h"

namespace unlasting::client {
namespace {

constexpr int kRankedGenes = 10;

absl::Status AddMolecules(const PredictFlags& flags, v1::PredictRequest* request) {
  if (flags.smiles.empty() && flags.molecules.empty()) {
    if (flags.doses.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError("--dose: expected a molecule, --smiles or --molecule");
  }
  if (flags.doses.empty()) {
    return absl::InvalidArgumentError("--dose: expected one for a molecule, e.g. --dose 0.2uM");
  }
  std::vector<std::string> doses;
  for (const std::string& text : flags.doses) {
    for (const absl::string_view dose : absl::StrSplit(text, ',')) doses.emplace_back(dose);
  }
  for (const std::string& text : doses) {
    const auto dose = ParseDose(text);
    if (!dose.ok()) return Annotate(dose.status(), "--dose");
    const auto add = [&] {
      v1::MoleculePerturbation* molecule = request->add_perturbations()->mutable_molecule();
      molecule->mutable_dose()->set_value(*dose);
      molecule->mutable_dose()->set_unit(v1::DOSE_UNIT_MICROMOLAR);
      return molecule;
    };
    for (const std::string& smiles : flags.smiles) add()->set_smiles(smiles);
    for (const std::string& name : flags.molecules) add()->set_name(name);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::PredictRequest> MakePredictRequest(const PredictFlags& flags) {
  v1::PredictRequest request;
  request.set_model(flags.model);
  request.set_model_version(flags.model_version);
  for (const std::string& text : flags.genes) {
    v1::GenePerturbation* genes = request.add_perturbations()->mutable_genes();
    for (const auto part : absl::StrSplit(text, '+')) {
      const std::string gene(absl::StripAsciiWhitespace(part));
      // The field writes one gene as A+ctrl.
      if (gene == "ctrl") continue;
      if (gene.empty()) {
        return absl::InvalidArgumentError(
            absl::StrCat("--gene: found '", text, "', expected GENE or GENE+GENE"));
      }
      genes->add_genes(gene);
    }
    if (genes->genes().empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--gene: found '", text, "', expected GENE or GENE+GENE"));
    }
  }
  UNLASTING_RETURN_IF_ERROR(AddMolecules(flags, &request));
  if (request.perturbations().empty()) {
    return absl::InvalidArgumentError("expected a perturbation: --gene, --smiles or --molecule");
  }

  v1::PredictOptions* options = request.mutable_options();
  UNLASTING_ASSIGN_OR_RETURN(const v1::Solver solver, codec::SolverFromName(flags.solver));
  options->set_solver(solver);
  options->set_solver_steps(flags.solver_steps);
  UNLASTING_ASSIGN_OR_RETURN(const v1::MaskMode mask, codec::MaskModeFromName(flags.mask));
  options->set_mask(mask);
  if (flags.mask_threshold >= 0) options->set_mask_threshold(flags.mask_threshold);
  options->set_seed(flags.seed);
  options->set_eta(flags.eta);
  options->mutable_genes()->Add(flags.result_genes.begin(), flags.result_genes.end());
  options->set_ranked_genes(kRankedGenes);
  if (flags.bulk) request.set_priority(v1::PRIORITY_BULK);
  return request;
}

}  // namespace unlasting::client
