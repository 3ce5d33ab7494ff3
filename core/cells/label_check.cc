// Whether the labels of perturbed cells name genes, drugs or something else.
#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/anndata/warnings.h"
#include "core/base/status.h"
#include "core/cells/condition_reader.h"
#include "core/cells/gene_index.h"
#include "core/cells/labels.h"
#include "core/cells/perturbation_check.h"

namespace unlasting::cells {
namespace {

using Strings = std::vector<std::string>;

constexpr size_t kMaxNamed = 8;
constexpr size_t kLongestGene = 30;
// Share of the measured genes in capitals from which a file's genes are taken to be written so.
constexpr double kMostlyUpper = 0.8;

std::string Quoted(const std::set<std::string>& names) {
  Strings listed;
  for (const auto& name : names) {
    if (listed.size() < kMaxNamed) listed.push_back(absl::StrCat("'", name, "'"));
  }
  return absl::StrCat(absl::StrJoin(listed, ", "),
                      names.size() > listed.size()
                          ? absl::StrCat(" and ", names.size() - listed.size(), " more")
                          : "");
}

bool HasLower(const std::string& text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return absl::ascii_islower(c); });
}

bool MostlyUpperCase(const Dataset& dataset) {
  int64_t upper = 0;
  for (const auto& gene : dataset.genes) upper += HasLower(gene) ? 0 : 1;
  return static_cast<double>(upper) > kMostlyUpper * static_cast<double>(dataset.genes.size());
}

// Human open reading frames and pseudogenes have a lower-case "orf": C1orf112.
bool IsOpenReadingFrame(const std::string& gene) {
  const size_t at = gene.find("orf");
  return at != std::string::npos && at > 0 && !HasLower(gene.substr(0, at) + gene.substr(at + 3));
}

// How to say that labels are treatments.
std::string Remedy(const std::set<std::string>& labels) {
  return absl::StrCat("where they are treatments say so by --set 'treatments=[\"", *labels.begin(),
                      "\"", labels.size() > 1 ? ", ..." : "",
                      "]' or treatment_column, where they are drugs give their SMILES "
                      "(smiles_column or molecules)");
}

// Labels of cells without a structure that have a dose, or stand beside drugs with structures, and
// whose genes are not all measured.
std::set<std::string> DrugsWithoutStructure(const anndata::DataFrame& obs,
                                            const LoadOptions& options, const Dataset& dataset,
                                            const GeneIndex& index) {
  std::set<std::string> drugs;
  if (options.layout == "gears") return drugs;  // knockouts alone
  const bool structures =
      std::any_of(dataset.conditions.begin(), dataset.conditions.end(),
                  [](const Condition& condition) { return condition.molecule(); });
  const Strings doses = OptionalColumn(obs, options.dose_column);
  for (int64_t cell = 0; cell < dataset.n_cells(); ++cell) {
    const Condition& condition = dataset.conditions[dataset.condition[cell]];
    if (condition.genes.empty()) continue;
    double dose = 0;
    const bool dosed = !doses.empty() && absl::SimpleAtod(doses[cell], &dose) && dose > 0;
    const bool measured =
        std::all_of(condition.genes.begin(), condition.genes.end(),
                    [&](const std::string& gene) { return index.Find(gene) >= 0; });
    if ((structures && dosed) || (!measured && (structures || dosed))) drugs.insert(condition.name);
  }
  return drugs;
}

// The measured genes by their names in capitals.
class GenesInLabels {
 public:
  explicit GenesInLabels(const Dataset& dataset) {
    for (const auto& gene : dataset.genes) by_upper_.emplace(absl::AsciiStrToUpper(gene), gene);
    for (const auto& [gene, symbol] : dataset.gene_symbols) {
      by_upper_.emplace(absl::AsciiStrToUpper(symbol), symbol);
    }
  }

  // The measured gene that a label which names none is likely to mean: in another case (stat1), or
  // with the number of a guide or a word beside it (STAT1_g1, sgSTAT1, STAT1_KO); of two genes
  // (STAT1_JAK2) both, as A+B. "" for none.
  std::string Within(const std::string& label) const {
    const std::string whole = Find(label);
    if (!whole.empty()) return whole;
    Strings found;
    for (const auto part :
         absl::StrSplit(label, absl::ByAnyChar("_-.:;|/() "), absl::SkipEmpty())) {
      // HOXA11-AS1 and its like are genes of their own.
      if (!found.empty() && IsSuffixOfGenes(part)) return "";
      std::string gene = Find(part);
      const bool repeated = std::find(found.begin(), found.end(), gene) != found.end();
      if (!gene.empty() && !repeated) found.push_back(std::move(gene));
    }
    return absl::StrJoin(found, "+");
  }

 private:
  static bool IsSuffixOfGenes(absl::string_view part) {
    for (const char* suffix : {"AS", "DT", "IT", "OT", "AU", "HG"}) {
      absl::string_view rest = part;
      if (!absl::ConsumePrefix(&rest, suffix)) continue;
      return std::all_of(rest.begin(), rest.end(), [](char c) { return absl::ascii_isdigit(c); });
    }
    return false;
  }

  std::string Find(absl::string_view text) const {
    for (const char* prefix : {"", "sg", "sh", "si"}) {
      absl::string_view rest = text;
      if (!absl::ConsumePrefix(&rest, prefix) || rest.size() < 2) continue;
      const auto found = by_upper_.find(absl::AsciiStrToUpper(rest));
      if (found != by_upper_.end()) return found->second;
    }
    return "";
  }

  std::map<std::string, std::string> by_upper_;
};

absl::Status CheckGenes(const std::string& path, const LoadOptions& options, const Dataset& dataset,
                        const GeneIndex& index) {
  const bool upper_case = MostlyUpperCase(dataset);
  const GenesInLabels genes(dataset);
  std::set<std::string> unmeasured, odd;
  std::string meant;  // a label that has a measured gene within
  int64_t knockouts = 0;
  for (const auto& condition : dataset.conditions) {
    knockouts += condition.genes.empty() ? 0 : 1;
    for (const auto& gene : condition.genes) {
      if (index.Find(gene) >= 0) continue;
      const bool known = options.known_gene && options.known_gene(gene);
      const std::string within = known ? "" : genes.Within(gene);
      if (!within.empty() && meant.empty()) {
        meant = absl::StrCat("where '", gene, "' is the knockout of what is measured as '", within,
                             "' write '", within, "', ");
      }
      if (known || (within.empty() && LooksLikeGene(gene, upper_case))) {
        unmeasured.insert(gene);
      } else {
        odd.insert(condition.name);
      }
    }
  }
  const std::string column = absl::StrCat("obs column '", options.condition_column, "': ");
  if (2 * static_cast<int64_t>(odd.size()) > knockouts) {
    return absl::InvalidArgumentError(absl::StrCat(column, odd.size(), " of ", knockouts,
                                                   " perturbed labels name no gene: ", Quoted(odd),
                                                   "; ", meant, Remedy(odd)));
  }
  if (!odd.empty()) {
    anndata::Warn(
        path, absl::StrCat(column, Quoted(odd),
                           odd.size() == 1 ? " looks like no gene and is trained as a knockout; "
                                           : " look like no gene and are trained as knockouts; ",
                           meant, Remedy(odd)));
  }
  if (!unmeasured.empty()) {
    anndata::Warn(path, absl::StrCat(column, unmeasured.size(),
                                     unmeasured.size() == 1
                                         ? " perturbed gene is not measured and has no expression: "
                                         : " perturbed genes are not measured and have no "
                                           "expression: ",
                                     Quoted(unmeasured), "; ", Remedy(unmeasured)));
  }
  return absl::OkStatus();
}

// Whether a column's name says that it holds times.
bool SaysTime(const std::string& name) {
  static const auto* const kNames =
      new std::set<std::string>{"hour",          "hours",          "hr",
                                "hrs",           "time",           "times",
                                "timepoint",     "duration",       "time_h",
                                "time_hours",    "time_hr",        "time_point",
                                "day",           "days",           "timepoints",
                                "exposure_time", "treatment_time", "time_of_treatment"};
  return kNames->count(absl::AsciiStrToLower(name)) > 0;
}

// Times that differ within a condition would be trained as one.
void WarnOfTimes(const std::string& path, const anndata::DataFrame& obs, const LoadOptions& options,
                 const Dataset& dataset) {
  for (const auto& [name, unused] : obs.columns) {
    const auto& named = options.covariates;
    if (!SaysTime(name) || std::find(named.begin(), named.end(), name) != named.end()) continue;
    const Strings values = OptionalColumn(obs, name);
    std::map<int32_t, std::string> first;
    for (int64_t cell = 0; cell < dataset.n_cells(); ++cell) {
      const int32_t index = dataset.condition[cell];
      const Condition& condition = dataset.conditions[index];
      if (condition.control || IsMissing(values[cell])) continue;
      const auto [it, added] = first.emplace(index, values[cell]);
      if (added || it->second == values[cell]) continue;
      anndata::Warn(
          path,
          absl::StrCat("obs column '", name, "': cells of '", condition.name, "' have ", it->second,
                       " and ", values[cell], " and are taken for one condition; ",
                       condition.genes.empty()
                           ? absl::StrCat("--set 'covariates=[\"", name, "\"]' keeps them apart")
                           : "times of knockouts are not distinguished"));
      break;
    }
  }
}

}  // namespace

bool LooksLikeGene(const std::string& gene, bool upper_case) {
  static const auto* const kStimuli = new std::set<std::string>{
      "2i",        "dox",       "doxycycline", "lps",        "pma",          "ionomycin",
      "serum",     "hypoxia",   "heat",        "heatshock",  "heat_shock",   "cold",
      "uv",        "radiation", "irradiation", "irradiated", "stim",         "stimulated",
      "treated",   "infected",  "virus",       "medium",     "media",        "ifn",
      "ifnb",      "ifn-b",     "ifn-beta",    "ifn_beta",   "ifng-treated", "ifn-gamma",
      "ifn_gamma", "ifn-alpha", "polyic",      "poly-ic",    "tnf-alpha",    "tnfa",
      "tgfb",      "tgf-beta",  "tgf_beta",    "sars-cov-2", "starvation",   "glucose",
      "insulin",   "starved",   "activated",   "cytokine",   "cytokines",    "positive"};
  if (gene.empty() || gene.size() > kLongestGene) return false;
  bool letter = false;
  for (const char c : gene) {
    letter = letter || absl::ascii_isalpha(c);
    if (!absl::ascii_isalnum(c) && c != '.' && c != '-' && c != '_' && c != '@') return false;
  }
  if (!letter || kStimuli->count(absl::AsciiStrToLower(gene)) > 0) return false;
  return !upper_case || !HasLower(gene) || IsOpenReadingFrame(gene);
}

absl::Status CheckLabels(const std::string& path, const anndata::DataFrame& obs,
                         const LoadOptions& options, const Dataset& dataset) {
  const GeneIndex index(dataset.genes, dataset.gene_symbols);
  const std::set<std::string> drugs = DrugsWithoutStructure(obs, options, dataset, index);
  if (!drugs.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("obs column '", options.condition_column, "': found no structure for ",
                     Quoted(drugs), " among drugs, and a drug is not trained as a gene; ",
                     Remedy(drugs), ", or leave their cells out"));
  }
  WarnOfTimes(path, obs, options, dataset);
  return CheckGenes(path, options, dataset, index);
}

}  // namespace unlasting::cells
