#include "client/files/predict_request.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/dose.h"
#include "core/base/status.h"
#include "core/cells/labels.h"
#include "core/grn/gene_embedding.h"
#include "proto/codec/enums.h"

namespace unlasting::client {
namespace {

absl::StatusOr<double> ParseNumber(const std::string& flag, const std::string& text) {
  double value = 0;
  if (absl::SimpleAtod(text, &value) && std::isfinite(value)) return value;
  return absl::InvalidArgumentError(
      absl::StrCat(flag, ": found '", text, "', expected a finite number"));
}

// The covariates of molecules and treatments: one set for each of --hours, or a single one.
absl::StatusOr<std::vector<std::map<std::string, double>>> CovariatesOf(const PredictFlags& flags) {
  std::map<std::string, double> shared;
  for (const std::string& text : flags.covariates) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('=', 1));
    if (parts.first.empty() || text.find('=') == std::string::npos) {
      return absl::InvalidArgumentError(
          absl::StrCat("--covariate: found '", text, "', expected NAME=NUMBER, e.g. hours=6"));
    }
    UNLASTING_ASSIGN_OR_RETURN(shared[parts.first], ParseNumber("--covariate", parts.second));
  }
  std::vector<std::map<std::string, double>> sets;
  for (const std::string& text : flags.hours) {
    sets.push_back(shared);
    UNLASTING_ASSIGN_OR_RETURN(sets.back()["hours"], ParseNumber("--hours", text));
  }
  if (sets.empty()) sets.push_back(shared);
  return sets;
}

absl::Status AddTreatments(const PredictFlags& flags, v1::PredictRequest* request) {
  const bool any = !flags.treatments.empty() || !flags.smiles.empty() || !flags.molecules.empty();
  if (!any && !(flags.hours.empty() && flags.covariates.empty())) {
    return absl::InvalidArgumentError(absl::StrCat(
        flags.hours.empty() ? "--covariate" : "--hours",
        ": found no treatment or molecule that it could belong to, expected --treatment, "
        "--smiles or --molecule"));
  }
  UNLASTING_ASSIGN_OR_RETURN(const auto sets, CovariatesOf(flags));
  for (const auto& covariates : sets) {
    for (const std::string& name : flags.treatments) {
      v1::TreatmentPerturbation* treatment = request->add_perturbations()->mutable_treatment();
      treatment->set_name(name);
      const auto vector = flags.treatment_vectors.find(name);
      if (vector != flags.treatment_vectors.end()) {
        treatment->mutable_vector()->Add(vector->second.begin(), vector->second.end());
      }
      treatment->mutable_covariates()->insert(covariates.begin(), covariates.end());
    }
  }
  return absl::OkStatus();
}

absl::Status AddMolecules(const PredictFlags& flags, v1::PredictRequest* request) {
  if (flags.smiles.empty() && flags.molecules.empty()) {
    if (flags.doses.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        "--dose: found no molecule that it could belong to, expected --smiles or --molecule");
  }
  if (flags.doses.empty()) {
    return absl::InvalidArgumentError(
        "--dose: found none, expected the dose of the molecule, e.g. --dose 0.2uM");
  }
  UNLASTING_ASSIGN_OR_RETURN(const auto sets, CovariatesOf(flags));
  std::vector<std::string> doses;
  for (const std::string& text : flags.doses) {
    for (const absl::string_view dose : absl::StrSplit(text, ',')) doses.emplace_back(dose);
  }
  for (const std::string& text : doses) {
    const auto dose = ParseDose(text);
    if (!dose.ok()) return Annotate(dose.status(), "--dose");
    const auto add = [&](const std::map<std::string, double>& covariates) {
      v1::MoleculePerturbation* molecule = request->add_perturbations()->mutable_molecule();
      molecule->mutable_dose()->set_value(*dose);
      molecule->mutable_dose()->set_unit(v1::DOSE_UNIT_MICROMOLAR);
      molecule->mutable_covariates()->insert(covariates.begin(), covariates.end());
      return molecule;
    };
    for (const auto& covariates : sets) {
      for (const std::string& smiles : flags.smiles) add(covariates)->set_smiles(smiles);
      for (const std::string& name : flags.molecules) add(covariates)->set_name(name);
    }
  }
  return absl::OkStatus();
}

// What the profiles hold, and of counts how many a cell has.
absl::Status SetValueKind(const PredictFlags& flags, v1::PredictOptions* options) {
  const auto kind = codec::ValueKindFromName(flags.value_kind);
  if (!kind.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--value-kind: found '", flags.value_kind, "', expected log1p or counts"));
  }
  options->set_value_kind(*kind);
  if (!flags.depth.has_value()) return absl::OkStatus();
  if (*kind != v1::VALUE_KIND_DRAWN_COUNTS) {
    return absl::InvalidArgumentError(
        absl::StrCat("--depth: found ", *flags.depth,
                     " with log1p values, expected it with --value-kind counts"));
  }
  options->set_count_depth(*flags.depth);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TreatmentVectors> ReadTreatmentVectors(const std::string& path) {
  // A table of vectors is the same file whether it describes genes, drugs or treatments.
  UNLASTING_ASSIGN_OR_RETURN(const grn::GeneEmbedding table,
                             grn::ReadGeneEmbedding(path, "--treatment-vectors", ".names.txt"));
  TreatmentVectors vectors;
  for (size_t k = 0; k < table.genes.size(); ++k) {
    const auto row = table.vectors.Row(static_cast<int64_t>(k));
    const bool added =
        vectors.emplace(table.genes[k], std::vector<float>(row.begin(), row.end())).second;
    if (!added) {
      return absl::InvalidArgumentError(absl::StrCat("--treatment-vectors: ", path, ": found '",
                                                     table.genes[k],
                                                     "' twice, expected one vector per name"));
    }
  }
  return vectors;
}

absl::StatusOr<v1::PredictRequest> MakePredictRequest(const PredictFlags& flags) {
  v1::PredictRequest request;
  request.set_model(flags.model);
  request.set_model_version(flags.model_version);
  for (const std::string& text : flags.genes) {
    v1::GenePerturbation* genes = request.add_perturbations()->mutable_genes();
    for (const auto part : absl::StrSplit(text, '+')) {
      if (cells::TrimLabel(part).empty()) {
        return absl::InvalidArgumentError(
            absl::StrCat("--gene: found '", text, "', expected GENE or GENE+GENE"));
      }
    }
    // The field writes one gene as A+ctrl, and two guides against one gene as A+A.
    std::vector<std::string> wanted = cells::ParseGenes(text, "");
    for (const auto part : absl::StrSplit(text, '+')) {
      const auto gene = std::find(wanted.begin(), wanted.end(), cells::TrimLabel(part));
      if (gene == wanted.end()) continue;
      genes->add_genes(*gene);
      wanted.erase(gene);
    }
    if (genes->genes().empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--gene: found '", text, "', expected GENE or GENE+GENE"));
    }
  }
  UNLASTING_RETURN_IF_ERROR(AddMolecules(flags, &request));
  UNLASTING_RETURN_IF_ERROR(AddTreatments(flags, &request));
  if (request.perturbations().empty()) {
    return absl::InvalidArgumentError(
        "perturbation: found none, expected --gene, --smiles, --molecule or --treatment");
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
  UNLASTING_RETURN_IF_ERROR(SetValueKind(flags, options));
  if (flags.bulk) request.set_priority(v1::PRIORITY_BULK);
  return request;
}

}  // namespace unlasting::client
