#include "server/rpc/model_messages.h"

#include "core/bundle/bundle.h"
#include "proto/codec/enums.h"

namespace unlasting::server {

v1::ModelSummary SummaryMessage(const ServedModel& model, bool default_version) {
  const bundle::Manifest& manifest = model.bundle()->manifest();
  v1::ModelSummary summary;
  summary.set_name(model.name());
  summary.set_version(manifest.version);
  summary.set_bundle_hash(model.bundle()->hash());
  summary.set_created(manifest.created);
  summary.set_gene_count(static_cast<int32_t>(manifest.genes.size()));
  summary.mutable_cell_types()->Add(manifest.cell_types.begin(), manifest.cell_types.end());
  summary.mutable_perturbation_kinds()->Add(manifest.perturbation_kinds.begin(),
                                            manifest.perturbation_kinds.end());
  summary.set_default_version(default_version);
  return summary;
}

v1::ModelSummary SummaryMessage(const ModelRegistry& models, const ServedModel& model) {
  const auto served = models.Find(model.name());
  return SummaryMessage(model, served.ok() && (*served)->version() == model.version());
}

v1::Model ModelMessage(const ModelRegistry& models, const ServedModel& model) {
  const bundle::Manifest& manifest = model.bundle()->manifest();
  v1::Model message;
  *message.mutable_summary() = SummaryMessage(models, model);
  message.mutable_genes()->Add(manifest.genes.begin(), manifest.genes.end());
  message.mutable_gene_symbols()->insert(manifest.gene_symbols.begin(),
                                         manifest.gene_symbols.end());
  message.set_gene_list_hash(manifest.GeneHash());
  message.mutable_perturbed_only_genes()->Add(manifest.perturbed_only.begin(),
                                              manifest.perturbed_only.end());
  message.mutable_conditions()->Add(manifest.conditions.begin(), manifest.conditions.end());
  for (const bundle::KnownMolecule& known : manifest.molecules) {
    v1::KnownMolecule* molecule = message.add_molecules();
    molecule->set_name(known.name);
    molecule->set_smiles(known.smiles);
    molecule->mutable_doses_micromolar()->Add(known.doses_um.begin(), known.doses_um.end());
  }
  message.set_molecule_featurizer(manifest.molecule_featurizer);
  message.set_molecule_features(manifest.molecule_features);
  for (const std::string& name : manifest.treatments) message.add_treatments()->set_name(name);
  if (manifest.treatment_vectors) message.set_treatment_features(manifest.treatment_features);
  for (const bundle::Covariate& known : manifest.covariates) {
    v1::Covariate* covariate = message.add_covariates();
    covariate->set_name(known.name);
    covariate->set_unit(known.unit);
    covariate->mutable_values()->Add(known.values.begin(), known.values.end());
  }
  message.set_target_sum(manifest.normalisation.target_sum);
  message.set_diffusion_steps(manifest.schedule_steps);
  message.set_default_solver(
      codec::SolverFromName(manifest.solver).value_or(v1::SOLVER_UNSPECIFIED));
  message.set_default_solver_steps(manifest.solver_steps);
  message.set_default_mask(
      codec::MaskModeFromName(manifest.mask).value_or(v1::MASK_MODE_UNSPECIFIED));
  for (const int32_t cell_type : model.bundle()->reference().panel_cell_type) {
    ++(*message.mutable_panel_cells())[manifest.cell_types[cell_type]];
  }
  message.set_card(model.card());
  return message;
}

}  // namespace unlasting::server
