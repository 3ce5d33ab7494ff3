// unlasting-train prepare: the preprocessing and the split of fit, as an .h5ad file.
#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_map>

#include "core/anndata/open_reader.h"
#include "core/anndata/writer.h"
#include "core/base/status.h"
#include "core/base/version.h"
#include "core/cli/interrupt.h"
#include "trainer/commands/command.h"
#include "trainer/commands/data_flags.h"
#include "trainer/settings/settings.h"

namespace unlasting::trainer {
namespace {

using anndata::DataFrame;

struct PrepareFlags {
  DataFlags data;
  std::string out;
};

// Columns of the input that ours do not replace; HDF5 takes a slash in a name for a path.
void KeepColumns(const DataFrame& from, DataFrame* to) {
  for (const auto& [name, column] : from.columns) {
    std::string kept = name;
    std::replace(kept.begin(), kept.end(), '/', '_');
    if (kept.empty() || kept == "." || kept == "_index" || to->Find(kept) != nullptr) continue;
    to->Set(kept, column);
  }
}

anndata::Column SelectRows(const anndata::Column& column, const std::vector<int64_t>& rows) {
  return std::visit(
      [&](const auto& values) -> anndata::Column {
        if constexpr (std::is_same_v<std::decay_t<decltype(values)>, anndata::Categorical>) {
          anndata::Categorical selected = values;
          selected.codes.clear();
          for (const int64_t row : rows) selected.codes.push_back(values.codes[row]);
          return selected;
        } else {
          std::decay_t<decltype(values)> selected;
          for (const int64_t row : rows) selected.push_back(values[row]);
          return selected;
        }
      },
      column);
}

// The rows of `var` that hold `genes`.
DataFrame SelectGenes(const DataFrame& var, const std::vector<std::string>& genes) {
  std::unordered_map<std::string, int64_t> index;
  for (size_t g = 0; g < var.index.size(); ++g) index.emplace(var.index[g], g);
  std::vector<int64_t> rows;
  for (const auto& gene : genes) rows.push_back(index.at(gene));
  DataFrame selected;
  selected.index = genes;
  for (const auto& [name, column] : var.columns) selected.Set(name, SelectRows(column, rows));
  return selected;
}

nlohmann::json Record(const TrainConfig& config, const cells::Prepared& prepared) {
  nlohmann::json record = {{"software_version", kVersion},      {"settings", ConfigToJson(config)},
                           {"layout", prepared.data.layout},    {"split", prepared.split.record},
                           {"target_sum", prepared.target_sum}, {"x_max", prepared.x_max}};
  if (!prepared.perturbed_only.empty()) record["perturbed_only"] = prepared.perturbed_only;
  return record;
}

absl::StatusOr<anndata::AnnData> Assemble(const TrainConfig& config, const std::string& path,
                                          cells::Prepared prepared) {
  // The output is in our own layout, whatever the input's control is called.
  for (auto& condition : prepared.data.conditions) {
    if (condition.control) condition.name = "ctrl";
  }
  anndata::AnnData data = cells::ToAnnData(prepared.data);
  anndata::Categorical split;
  split.categories = {"test", "train"};
  for (const bool test : prepared.split.test) split.codes.push_back(test ? 0 : 1);
  data.obs.Set("split", std::move(split));
  UNLASTING_ASSIGN_OR_RETURN(auto reader, anndata::OpenReader(path, {config.obs_table()}));
  UNLASTING_ASSIGN_OR_RETURN(const auto obs, reader->ReadObs());
  UNLASTING_ASSIGN_OR_RETURN(const auto var,
                             config.layer() == "raw" ? reader->ReadRawVar() : reader->ReadVar());
  KeepColumns(obs, &data.obs);
  KeepColumns(SelectGenes(var, prepared.data.genes), &data.var);
  // scanpy's mark of a logarithm; 1.9 expects its base, which is e where it is not named.
  data.uns["log1p"] = {{"base", std::exp(1.0)}};
  data.uns["unlasting"] = Record(config, prepared);
  return data;
}

absl::Status RunPrepare(const PrepareFlags& flags) {
  UNLASTING_ASSIGN_OR_RETURN(const auto style, cli::ParseProgressStyle(flags.data.progress));
  UNLASTING_ASSIGN_OR_RETURN(const TrainConfig config, ResolveDataConfig(flags.data));
  UNLASTING_ASSIGN_OR_RETURN(auto prepared, PrepareCells(flags.data.data, config, style));
  UNLASTING_ASSIGN_OR_RETURN(const auto data,
                             Assemble(config, flags.data.data, std::move(prepared)));
  if (cli::Interrupted()) return absl::CancelledError("interrupted; nothing was written");
  UNLASTING_RETURN_IF_ERROR(anndata::WriteAnnData(data, flags.out));
  if (style != cli::ProgressStyle::kNone) std::fprintf(stderr, "wrote %s\n", flags.out.c_str());
  return absl::OkStatus();
}

}  // namespace

Command AddPrepareCommand(CLI::App& root) {
  auto flags = std::make_shared<PrepareFlags>();
  CLI::App* app = root.add_subcommand(
      "prepare", "Normalises, selects genes and splits as fit does, and writes an .h5ad file");
  AddDataFlags(app, &flags->data);
  app->add_option("--out", flags->out, "AnnData file to write")->type_name("FILE.h5ad")->required();
  app->footer(
      "In the output, X holds log1p values of the selected genes, the obs column split says train\n"
      "or test, and uns/unlasting holds the settings. scanpy opens it, and fit takes it as it "
      "is.\n\n" +
      DescribeSettings() +
      "\nExamples:\n"
      "  unlasting-train prepare --data cells.h5ad --out prepared.h5ad --set genes=5000\n"
      "  unlasting-train prepare --data sciplex.h5ad --layout chemcpa --out prepared.h5ad \\\n"
      "      --set split_column=split_ood_finetuning\n"
      "  unlasting-train fit --data prepared.h5ad --out model --set split_column=split");
  return {app, [flags] { return RunPrepare(*flags); }};
}

}  // namespace unlasting::trainer
