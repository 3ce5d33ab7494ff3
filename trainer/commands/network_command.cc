// unlasting-train network: writes the gene network that fit would use, as an edge list.
#include "absl/strings/str_format.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/cli/interrupt.h"
#include "trainer/commands/command.h"
#include "trainer/commands/data_flags.h"
#include "trainer/data/training_grn.h"
#include "trainer/settings/settings.h"

namespace unlasting::trainer {
namespace {

struct GrnFlags {
  DataFlags data;
  std::string out;
};

std::string EdgeList(const cells::Prepared& prepared, const grn::Graph& graph) {
  std::vector<std::string> nodes = prepared.data.genes;
  nodes.insert(nodes.end(), prepared.perturbed_only.begin(), prepared.perturbed_only.end());
  std::string text = "source\ttarget\tstrength\n";
  for (int64_t target = 0; target < graph.nodes(); ++target) {
    for (int64_t k = graph.indptr[target]; k < graph.indptr[target + 1]; ++k) {
      // Every gene has a self-loop.
      if (graph.sources[k] == target) continue;
      absl::StrAppend(&text, nodes[graph.sources[k]], "\t", nodes[target], "\t",
                      absl::StrFormat("%.6g", graph.strengths[k]), "\n");
    }
  }
  return text;
}

absl::Status RunGrn(const GrnFlags& flags) {
  UNLASTING_ASSIGN_OR_RETURN(const auto style, cli::ParseProgressStyle(flags.data.progress));
  UNLASTING_ASSIGN_OR_RETURN(const TrainConfig config, ResolveDataConfig(flags.data));
  UNLASTING_ASSIGN_OR_RETURN(const auto prepared, PrepareCells(flags.data.data, config, style));
  UNLASTING_ASSIGN_OR_RETURN(
      const auto graph,
      BuildTrainingGrn(prepared, config.grn(), static_cast<int>(config.threads())));
  if (cli::Interrupted()) return absl::CancelledError("interrupted; nothing was written");
  UNLASTING_RETURN_IF_ERROR(WriteFileAtomically(flags.out, EdgeList(prepared, graph)));
  if (style != cli::ProgressStyle::kNone) {
    std::fprintf(stderr, "wrote %s: %s\n", flags.out.c_str(), grn::Describe(graph).dump().c_str());
  }
  return absl::OkStatus();
}

}  // namespace

Command AddNetworkCommand(CLI::App& root) {
  auto flags = std::make_shared<GrnFlags>();
  CLI::App* app = root.add_subcommand(
      "network", "Writes the gene network of the training control cells as an edge list");
  AddDataFlags(app, &flags->data);
  app->add_option("--out", flags->out, "The .tsv file to write: source, target, strength")
      ->required();
  app->footer(
      "strength is |Pearson| of a co-expression edge, 1 for an edge of a prior list, the cosine "
      "for one\n"
      "of a gene embedding; self-loops are left out. The file can be given back as "
      "grn.prior.\n\n" +
      DescribeSettings() +
      "\nExamples:\n"
      "  unlasting-train network --data cells.h5ad --out grn.tsv\n"
      "  unlasting-train network --data cells.h5ad --out grn.tsv --set grn.threshold=0.2 \\\n"
      "      --set grn.prior=trrust.tsv --set grn.max_in_degree=0");
  return {app, [flags] { return RunGrn(*flags); }};
}

}  // namespace unlasting::trainer
