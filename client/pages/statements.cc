#include "client/pages/statements.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/files/resolved_perturbation.h"

namespace unlasting::client {
namespace {

using report::Light;
using report::Remark;

// Of the model's genes: filled-in ones beyond this leave little of a cell.
constexpr double kMostFilledIn = 0.25;
// Edges of the gene network up to which a gene still has measured neighbours.
constexpr int kNearHops = 2;
// Similarity from which a molecule resembles one of the training's.
constexpr double kNearTanimoto = 0.4, kNearCosine = 0.8;
// Control cells below which means and tests say little.
constexpr int kFewCells = 10;
// Of a dose over the training's highest, or the lowest over a dose.
constexpr double kFarDose = 10;
// Of the predicted effect: an expected error beyond it is as large as what is predicted.
constexpr double kErrorLikeEffect = 1, kErrorNearEffect = 0.5;

// Three digits, with a true minus.
std::string Rounded(double value) {
  const std::string text = absl::StrFormat("%.3g", std::abs(value));
  return value < 0 ? absl::StrCat("−", text) : text;
}

// What a sentence of the server means for a reader. Sentences are told by how they begin
// (core/predict/query); one that is not known is to be read with care.
Remark OfNote(const std::string& note, double filled_in) {
  if (absl::StartsWith(note, "control cells sum to")) {
    return {Light::kBad, "Wrong scale", Sentence(note)};
  }
  if (absl::StartsWith(note, "control cells: ")) {
    if (absl::StrContains(note, "differ twofold or more")) {
      return {Light::kBad, "Other cells than the model's", Sentence(note)};
    }
    if (absl::StrContains(note, "is not known")) {
      return {Light::kCare, "Scale not known", Sentence(note)};
    }
    return {Light::kGood, "Converted", Sentence(note)};
  }
  if (absl::StartsWith(note, "the control cells lack")) {
    return {filled_in > kMostFilledIn ? Light::kBad : Light::kCare, "Genes filled in",
            Sentence(note)};
  }
  if (absl::StrContains(note, "is a cell type that training never saw") ||
      absl::StrContains(note, "lies farther from every cell type")) {
    return {Light::kBad, "New cell type", Sentence(note), true};
  }
  if (absl::StrContains(note, "was never perturbed in training")) {
    return {Light::kBad, "Cell type never perturbed", Sentence(note), true};
  }
  return {Light::kCare, "Note", Sentence(note)};
}

bool Mentions(const std::vector<Remark>& remarks, absl::string_view title) {
  return std::any_of(remarks.begin(), remarks.end(),
                     [title](const Remark& each) { return each.title == title; });
}

// The cell types of which training lacked something, by what `lacked` says of each.
template <typename Lacked>
std::string Types(const v1::ResolvedPerturbation& perturbation, Lacked lacked) {
  std::vector<std::string> types;
  for (const v1::TrainingContext& context : perturbation.contexts()) {
    if (lacked(context)) types.push_back(context.cell_type());
  }
  return absl::StrJoin(types, ", ");
}

std::string HopsText(const v1::GeneTrainingDistance& gene) {
  if (!gene.has_hops()) return "no path of the gene network leads to one that it did";
  return absl::StrCat("the nearest gene of the network that it did perturb, ", gene.nearest_gene(),
                      ", is ", gene.hops(), gene.hops() == 1 ? " edge" : " edges", " away");
}

Remark OfGenes(const v1::ResolvedPerturbation& perturbation) {
  std::vector<std::string> never;
  bool far = false;
  for (const v1::GeneTrainingDistance& gene : perturbation.genes()) {
    if (gene.training() != v1::GENE_TRAINING_NEVER) continue;
    far = far || !gene.has_hops() || gene.hops() > kNearHops;
    never.push_back(
        absl::StrCat("Training never perturbed ", gene.gene(), ": ", HopsText(gene), "."));
  }
  if (!never.empty()) {
    return {far ? Light::kBad : Light::kCare, far ? "Far from the training data" : "New gene",
            absl::StrJoin(never, " ")};
  }
  return {Light::kCare, "New combination",
          perturbation.genes_size() > 1
              ? "Training perturbed each of these genes, but never these together."
              : "Training perturbed this gene only together with others."};
}

Remark OfMolecule(const v1::MoleculeTrainingDistance& molecule) {
  const bool cosine = molecule.has_embedding_cosine();
  if (!cosine && !molecule.has_tanimoto_similarity()) {
    return {Light::kBad, "Far from the training data",
            "Training never saw this molecule, and has none to compare it with."};
  }
  const double similarity = cosine ? molecule.embedding_cosine() : molecule.tanimoto_similarity();
  const bool near = similarity >= (cosine ? kNearCosine : kNearTanimoto);
  return {near ? Light::kCare : Light::kBad, near ? "New molecule" : "Far from the training data",
          absl::StrFormat("Training never saw this molecule; the nearest that it did, %s, has a "
                          "%s similarity of %.2f.",
                          molecule.nearest_molecule(), cosine ? "cosine" : "Tanimoto", similarity)};
}

// A dose outside of the training's; nothing where it lies within.
std::optional<Remark> OfDose(const v1::ResolvedPerturbation& perturbation) {
  if (!perturbation.has_molecule()) return std::nullopt;
  const v1::MoleculeTrainingDistance& molecule = perturbation.molecule();
  const bool below = molecule.dose_range() == v1::DOSE_RANGE_BELOW;
  if (!below && molecule.dose_range() != v1::DOSE_RANGE_ABOVE) return std::nullopt;
  const double dose = perturbation.dose_micromolar();
  const double ratio =
      below ? molecule.lowest_dose_micromolar() / dose : dose / molecule.highest_dose_micromolar();
  const double low = molecule.lowest_dose_micromolar(), high = molecule.highest_dose_micromolar();
  const std::string range = low == high
                                ? absl::StrFormat("that of training, %g µM", low)
                                : absl::StrFormat("those of training, %g to %g µM", low, high);
  return Remark{
      ratio > kFarDose ? Light::kBad : Light::kCare, "Dose outside of training",
      absl::StrFormat("The dose, %g µM, lies %s %s.", dose, below ? "below" : "above", range)};
}

// Of what was asked, whatever the cell types.
Remark OfPerturbation(const v1::ResolvedPerturbation& perturbation) {
  if (perturbation.seen_in_training()) {
    return {Light::kGood, "Near the training data", "Training saw this perturbation"};
  }
  if (perturbation.genes_size() > 0) return OfGenes(perturbation);
  if (perturbation.has_molecule()) return OfMolecule(perturbation.molecule());
  return {Light::kBad, "New treatment", "Training never saw this treatment."};
}

// The worse of two in one, with both texts.
Remark Joined(const Remark& a, const Remark& b) {
  const Remark& worse = b.light > a.light ? b : a;
  return {worse.light, worse.title, absl::StrCat(a.text, " ", b.text)};
}

}  // namespace

std::string Sentence(std::string note) {
  if (note.empty()) return note;
  note[0] = absl::ascii_toupper(static_cast<unsigned char>(note[0]));
  if (note.back() != '.') note += '.';
  return note;
}

std::string ErrorRange(const v1::PredictedError& error) {
  if (!error.calibrated()) return "";
  return absl::StrCat(Rounded(error.lower()), " to ", Rounded(error.upper()));
}

ResultStatements StatementsOnResult(const v1::PredictHeader& header, int64_t model_genes) {
  ResultStatements statements;
  const v1::ResolvedControls& controls = header.controls();
  const double filled_in = model_genes > 0 ? static_cast<double>(controls.missing_genes_size()) /
                                                 static_cast<double>(model_genes)
                                           : 0;
  for (const std::string& note : header.notes()) {
    Remark remark = OfNote(note, filled_in);
    if (remark.light == Light::kGood) {
      statements.adjusted.push_back(remark.text);
    } else {
      statements.remarks.push_back(std::move(remark));
    }
  }
  if (!controls.new_context().empty() && !Mentions(statements.remarks, "New cell type")) {
    statements.remarks.push_back(
        {Light::kBad, "New cell type",
         absl::StrCat("Training never saw cells of the type '", controls.new_context(), "'."),
         true});
  }
  if (controls.cell_type_indices_size() < kFewCells) {
    const int cells = controls.cell_type_indices_size();
    statements.remarks.push_back({Light::kCare, "Few cells",
                                  absl::StrCat("All of this rests on ", cells,
                                               cells == 1 ? " control cell." : " control cells.")});
  }
  if (controls.missing_genes_size() > 0) {
    statements.adjusted.push_back(absl::StrCat(
        controls.missing_genes_size(), " of the model's ", model_genes,
        " genes are not in the control cells and were filled in; they take no place in the tables "
        "and plots: ",
        absl::StrJoin(
            controls.missing_genes().begin(),
            controls.missing_genes().begin() + std::min(controls.missing_genes_size(), 40), ", "),
        controls.missing_genes_size() > 40 ? ", …" : "", "."));
  }
  if (controls.ignored_genes() > 0) {
    statements.adjusted.push_back(
        absl::StrCat(controls.ignored_genes(), controls.ignored_genes() == 1 ? " gene" : " genes",
                     " of the control cells, which the model does not know, were left out."));
  }
  return statements;
}

Remark DistanceStatement(const v1::ResolvedPerturbation& perturbation) {
  Remark remark = OfPerturbation(perturbation);
  if (perturbation.seen_in_training()) {
    const std::string apart = Types(perturbation, [](const v1::TrainingContext& each) {
      return each.has_seen_together() && !each.seen_together();
    });
    const std::string unknown = Types(
        perturbation, [](const v1::TrainingContext& each) { return !each.has_seen_together(); });
    if (!apart.empty()) {
      remark = {Light::kCare, "Seen in other cells",
                absl::StrCat("Training saw this perturbation, but not in ", apart, ".")};
    } else if (!unknown.empty() || perturbation.contexts().empty()) {
      remark.text += "; in which cell types is not recorded.";
    } else {
      absl::StrAppend(&remark.text, " in ", Types(perturbation, [](const auto&) { return true; }),
                      ".");
    }
  }
  const std::string never = Types(perturbation, [](const v1::TrainingContext& each) {
    return each.has_context_seen() && !each.context_seen();
  });
  if (!never.empty()) {
    remark = Joined(remark, {Light::kBad, "Far from the training data",
                             absl::StrCat("Training never saw ", never, " perturbed at all.")});
  }
  if (const auto dose = OfDose(perturbation)) remark = Joined(remark, *dose);
  const auto beyond = std::find_if(
      perturbation.notes().begin(), perturbation.notes().end(), [](const std::string& note) {
        return absl::StrContains(note, "those of training") && !absl::StartsWith(note, "dose ");
      });
  if (beyond != perturbation.notes().end()) {
    remark = Joined(remark, {Light::kCare, "Outside of training", Sentence(*beyond)});
  }
  return remark;
}

Remark ErrorStatement(const v1::PerturbationSummary* summary, std::optional<double> effect) {
  const v1::PredictedError* const error = summary == nullptr ? nullptr : WorstError(*summary);
  if (error == nullptr) {
    return {Light::kCare, "Error not known", "The model says nothing of how far it may be wrong."};
  }
  const std::string of = absl::StrCat(error->kind(), summary->predicted_errors_size() > 1
                                                         ? absl::StrCat(", ", error->cell_type())
                                                         : std::string());
  if (!error->has_expected_e_distance()) {
    return {Light::kCare, "Error not known",
            absl::StrCat("Training could leave nothing of this kind out (", of,
                         "), so nobody can say how far it may be wrong.")};
  }
  const double expected = error->expected_e_distance();
  std::string text = absl::StrCat(
      "The E-distance of the predicted from the true cells is expected to be ", Rounded(expected));
  if (error->calibrated()) {
    absl::StrAppendFormat(&text, ", and with a probability of %.0f %% from %s to %s",
                          100 * error->level(), Rounded(error->lower()), Rounded(error->upper()));
  }
  absl::StrAppend(&text, ". This comes from ", error->left_out(),
                  error->left_out() == 1 ? " case" : " cases", " that training left out (", of, ")",
                  error->calibrated() ? "." : ", too few for an interval.");
  Remark remark = {error->calibrated() ? Light::kGood : Light::kCare,
                   error->calibrated() ? "Predicted error" : "Predicted error, not calibrated",
                   text};
  if (!effect.has_value() || !std::isfinite(*effect)) return remark;
  const double size = std::max(*effect, 0.0);
  absl::StrAppend(&remark.text, " Of the predicted from the control cells it is ", Rounded(*effect),
                  ".");
  if (expected >= kErrorLikeEffect * size) {
    remark.light = Light::kBad;
    remark.title = "The expected error is as large as the effect";
  } else if (expected >= kErrorNearEffect * size) {
    remark.light = std::max(remark.light, Light::kCare);
    remark.title = "The expected error is more than half of the effect";
  }
  return remark;
}

}  // namespace unlasting::client
