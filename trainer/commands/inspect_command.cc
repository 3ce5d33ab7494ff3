// unlasting-train inspect shows what a bundle or a file of cells holds, and verifies a bundle.
#include <cstdio>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "core/anndata/describe.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/bundle/bundle.h"
#include "trainer/commands/command.h"

namespace unlasting::trainer {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct InspectFlags {
  std::string path;
  bool json = false;
  bool verify = false;
};

std::string Levels(const json& column) {
  if (!column.contains("levels")) return "";
  std::string text;
  size_t shown = 0;
  for (const auto& [level, count] : column["levels"].items()) {
    if (++shown > 8) return absl::StrCat(text, ", ... (", column["levels"].size(), ")");
    absl::StrAppend(&text, shown > 1 ? ", " : "", level, " (", count.dump(), ")");
  }
  return text;
}

void PrintFile(const json& d) {
  std::printf("%lld cells x %lld genes, X %s, layout %s\n", d["n_obs"].get<long long>(),
              d["n_vars"].get<long long>(), d.value("x", "absent").c_str(),
              d["layout"].get<std::string>().c_str());
  for (const char* frame : {"obs", "var"}) {
    std::printf("%s\n", frame);
    for (const auto& [name, column] : d[frame].items()) {
      const std::string more = column.contains("why") ? column["why"] : json(Levels(column));
      std::printf("  %-24s %-12s %s\n", name.c_str(), column["kind"].get<std::string>().c_str(),
                  more.c_str());
    }
  }
  for (const char* group : {"layers", "obsm", "uns"}) {
    if (!d[group].empty()) std::printf("%s: %s\n", group, d[group].dump().c_str());
  }
  if (d["raw"]) std::printf("raw: present\n");
}

absl::Status RunInspect(const InspectFlags& flags, const BundleVerifier& verify) {
  // A folder without a manifest may be that of an MTX file.
  if (fs::exists(fs::path(flags.path) / "manifest.json")) {
    // Loading verifies every file against the manifest.
    UNLASTING_ASSIGN_OR_RETURN(const auto bundle, bundle::Bundle::Load(flags.path));
    if (flags.verify) {
      UNLASTING_RETURN_IF_ERROR(verify(*bundle));
      std::fprintf(stderr, "%s: the TorchScript files hold the weights of %s\n", flags.path.c_str(),
                   bundle::kWeightsFile);
    }
    if (flags.json) {
      std::printf("%s\n", bundle->manifest().ToJson().dump(2).c_str());
      return absl::OkStatus();
    }
    UNLASTING_ASSIGN_OR_RETURN(const std::string card, ReadFile(fs::path(flags.path) / "card.md"));
    std::printf("%s\nbundle hash: %s\n", card.c_str(), bundle->hash().c_str());
    return absl::OkStatus();
  }
  if (flags.verify) {
    return absl::InvalidArgumentError(
        absl::StrCat("--verify: found ", flags.path, ", expected the folder of a bundle"));
  }
  const auto described = anndata::Describe(flags.path);
  if (absl::IsNotFound(described.status()) && fs::is_directory(flags.path)) {
    return Annotate(described.status(), "no bundle, which has a manifest.json");
  }
  UNLASTING_ASSIGN_OR_RETURN(const json description, described);
  if (flags.json) {
    std::printf("%s\n", description.dump(2).c_str());
  } else {
    PrintFile(description);
  }
  return absl::OkStatus();
}

}  // namespace

Command AddInspectCommand(CLI::App& root, const BundleVerifier& verify) {
  auto flags = std::make_shared<InspectFlags>();
  CLI::App* app = root.add_subcommand(
      "inspect", "Shows what a bundle or a file of cells holds, and verifies it");
  app->add_option("path", flags->path,
                  "Folder of a bundle, or cells: .h5ad, 10x .h5, or the folder of a matrix.mtx")
      ->required();
  app->add_flag("--json", flags->json, "Print JSON on stdout");
  app->add_flag("--verify", flags->verify,
                "Compare the TorchScript files of a bundle with its weights, to the bit");
  app->footer(
      "Examples:\n  unlasting-train inspect cells.h5ad\n"
      "  unlasting-train inspect --verify models/k562");
  return {app, [flags, verify] { return RunInspect(*flags, verify); }};
}

}  // namespace unlasting::trainer
