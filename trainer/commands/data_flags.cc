#include "trainer/commands/data_flags.h"

#include <cstdio>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "core/anndata/warnings.h"
#include "core/base/status.h"
#include "core/cli/command_line.h"
#include "core/cli/interrupt.h"
#include "core/molecule/featurizer.h"
#include "core/molecule/notes.h"
#include "trainer/commands/command.h"
#include "trainer/data/data_options.h"
#include "trainer/settings/settings.h"

namespace unlasting::trainer {
namespace {

// Salts are left out without a word; that a fragment may be a drug of its own is said.
absl::Status CanonicaliseMolecules(const std::string& path, cells::Dataset* data) {
  for (auto& condition : data->conditions) {
    if (!condition.molecule()) continue;
    std::vector<std::string> notes;
    auto canonical = molecule::CanonicalSmiles(condition.smiles, &notes);
    if (!canonical.ok()) {
      return Annotate(canonical.status(), absl::StrCat("condition '", condition.name, "'"));
    }
    condition.smiles = *std::move(canonical);
    for (const auto& note : notes) {
      if (absl::StartsWith(note, molecule::kLeftOut)) continue;
      anndata::Warn(path, absl::StrCat("drug '", condition.name, "': ", note));
    }
  }
  return absl::OkStatus();
}

std::string Found(const std::string& path, const cells::Prepared& prepared) {
  const cells::Dataset& data = prepared.data;
  std::string text = absl::StrFormat(
      "%s: %d cells, layout %s, %s; %d genes kept, %d conditions, %d cell types; %d cells held out",
      path, data.n_cells(), data.layout, cells::MatrixKindName(prepared.kind), data.n_genes(),
      data.conditions.size(), data.cell_types.size(), prepared.split.Cells(true).size());
  if (prepared.target_sum > 0) {
    absl::StrAppend(&text, absl::StrFormat("; target sum %g", prepared.target_sum));
  }
  return text;
}

}  // namespace

void AddDataFlags(CLI::App* app, DataFlags* flags) {
  app->add_option("--data", flags->data, "File of cells: .h5ad, 10x .h5 or an MTX folder")
      ->type_name("FILE.h5ad")
      ->required();
  app->add_option("--config", flags->config,
                  "JSON file of settings; unlasting-train --settings-schema prints its schema")
      ->type_name("FILE");
  app->add_option("--set", flags->set,
                  "Value of a setting, which takes precedence over --config; repeatable")
      ->type_name("KEY=VALUE")
      ->take_all()
      ->allow_extra_args(false);
  cli::AddSettingFlags(TrainSettings(), &flags->given, app);
  app->add_option("--progress", flags->progress,
                  "How progress is shown on stderr: auto, bar, plain or none")
      ->capture_default_str();
}

absl::StatusOr<TrainConfig> ResolveDataConfig(const DataFlags& flags) {
  return ResolveConfig(flags.config, flags.set, flags.given);
}

absl::StatusOr<cells::Prepared> PrepareCells(const std::string& path, const TrainConfig& config,
                                             cli::ProgressStyle style) {
  auto prepared = [&] {
    cli::Progress progress("read", "rows", style);
    return cells::PreprocessFile(
        path, LoadOptionsOf(config), PreprocessOptionsOf(config),
        [&](int64_t done, int64_t total) { progress.Update(done, total); });
  }();
  if (!prepared.ok()) return prepared;
  if (cli::Interrupted()) return absl::CancelledError("interrupted; nothing was written");
  const absl::Status molecules = CanonicaliseMolecules(path, &prepared->data);
  if (!molecules.ok()) return Annotate(molecules, path);
  if (style != cli::ProgressStyle::kNone) {
    std::fprintf(stderr, "%s\n", Found(path, *prepared).c_str());
  }
  return prepared;
}

}  // namespace unlasting::trainer
