#include "core/grn/graph.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <unordered_set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace unlasting::grn {
namespace {

struct Columns {
  size_t source = 0;
  size_t target = 1;
  bool strength = false;  // the third column is one, as in the lists of `unlasting-train network`
};

// By the names of a header that has a column `target`, as DoRothEA's (tf, confidence, target, mor);
// else the first two.
Columns ColumnsOf(const std::vector<std::string>& header) {
  const auto find = [&header](const char* name) {
    return static_cast<size_t>(std::find(header.begin(), header.end(), name) - header.begin());
  };
  const size_t target = find("target"), source = find("source");
  if (target == header.size()) return {};
  const bool ours = header == std::vector<std::string>{"source", "target", "strength"};
  return {source == header.size() ? 0 : source, target, ours};
}

// 1 where none is given.
double StrengthOf(const std::vector<std::string>& fields, const Columns& columns) {
  double strength = 1;
  const bool given =
      columns.strength && fields.size() > 2 && absl::SimpleAtod(fields[2], &strength);
  return given && std::isfinite(strength) ? std::min(1.0, std::abs(strength)) : 1.0;
}

// ENSG00000115415 and its like of other species, genes, transcripts and proteins.
bool IsEnsemblId(absl::string_view upper) {
  size_t letters = 0;
  while (letters < upper.size() && absl::ascii_isupper(upper[letters])) ++letters;
  if (letters < 4 || !absl::StartsWith(upper, "ENS")) return false;
  size_t digits = letters;
  while (digits < upper.size() && absl::ascii_isdigit(upper[digits])) ++digits;
  return digits == upper.size() && digits - letters >= 6;
}

}  // namespace

std::string LooseGeneName(absl::string_view name) {
  std::string upper = absl::AsciiStrToUpper(name);
  const size_t dot = upper.rfind('.');
  if (dot == std::string::npos || dot + 1 == upper.size()) return upper;
  const bool version = std::all_of(upper.begin() + static_cast<int64_t>(dot) + 1, upper.end(),
                                   [](char c) { return absl::ascii_isdigit(c); });
  if (version && IsEnsemblId(absl::string_view(upper).substr(0, dot))) upper.resize(dot);
  return upper;
}

void PriorMatches::AddLoose(const std::string& name, const std::string& node) {
  if (loose++ == 0) example = absl::StrCat("'", name, "' for '", node, "'");
}

NodeNames::NodeNames(std::vector<std::string> names, std::vector<std::string> symbols)
    : names_(std::move(names)), symbols_(std::move(symbols)) {
  symbols_.resize(names_.size());
  for (size_t k = 0; k < names_.size(); ++k) nodes_.emplace(names_[k], static_cast<int32_t>(k));
  for (size_t k = 0; k < names_.size(); ++k) {
    if (!symbols_[k].empty()) nodes_.emplace(symbols_[k], static_cast<int32_t>(k));
  }
  for (const auto& [name, node] : nodes_) {
    const auto [place, added] = loose_.emplace(LooseGeneName(name), node);
    if (!added && place->second != node) place->second = -1;
  }
}

int32_t NodeNames::Find(const std::string& name, bool* loose) const {
  const auto found = nodes_.find(name);
  if (found != nodes_.end()) return found->second;
  const auto similar = loose_.find(LooseGeneName(name));
  if (similar == loose_.end() || similar->second < 0) return -1;
  if (loose != nullptr) *loose = true;
  return similar->second;
}

const std::string& NodeNames::symbol(size_t node) const { return symbols_[node]; }

absl::StatusOr<std::vector<Edge>> ReadPriorEdges(const std::string& path, const NodeNames& nodes,
                                                 PriorMatches* matches) {
  std::ifstream stream(path);
  if (!stream) return absl::NotFoundError(absl::StrCat("grn.prior: ", path, ": cannot be read"));
  std::vector<Edge> edges;
  *matches = PriorMatches();
  std::unordered_set<std::string> loose_names;
  const auto find = [&](const std::string& name) {
    bool loose = false;
    const int32_t node = nodes.Find(name, &loose);
    if (loose && loose_names.insert(name).second) matches->AddLoose(name, nodes.names()[node]);
    return node;
  };
  Columns columns;
  bool first = true;
  std::string line, unknown;
  for (int64_t number = 1; std::getline(stream, line); ++number) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty() || line[0] == '#') continue;
    const std::vector<std::string> fields = absl::StrSplit(line, '\t');
    if (first) columns = ColumnsOf(fields);
    first = false;
    if (fields.size() <= std::max(columns.source, columns.target)) {
      return absl::InvalidArgumentError(
          absl::StrCat("grn.prior: ", path, ": line ", number,
                       ": found too few tabs, expected source and target"));
    }
    const int32_t source = find(fields[columns.source]);
    const int32_t target = find(fields[columns.target]);
    if (source < 0 || target < 0) {
      // The last of them: the first may be a header.
      unknown = fields[source < 0 ? columns.source : columns.target];
      ++matches->skipped;
      continue;
    }
    edges.push_back({source, target, StrengthOf(fields, columns)});
  }
  if (!edges.empty() || nodes.size() == 0) return edges;
  return absl::InvalidArgumentError(absl::StrCat(
      "grn.prior: ", path, ": ",
      unknown.empty()
          ? "holds no edges"
          : absl::StrCat("no edge joins two of the data's genes; found '", unknown, "'"),
      ", expected names like '", nodes.names()[0], "'",
      nodes.symbol(0).empty() ? "" : absl::StrCat(" or '", nodes.symbol(0), "'")));
}

Graph BuildGraph(int64_t nodes, std::vector<Edge> edges, int max_in_degree) {
  std::vector<std::map<int32_t, double>> incoming(nodes);
  for (const Edge& edge : edges) {
    if (edge.source == edge.target) continue;
    double& strength = incoming[edge.target][edge.source];
    strength = std::max(strength, edge.strength);
  }
  Graph graph;
  for (int64_t target = 0; target < nodes; ++target) {
    std::vector<std::pair<double, int32_t>> ranked;
    for (const auto& [source, strength] : incoming[target]) ranked.emplace_back(-strength, source);
    std::sort(ranked.begin(), ranked.end());
    if (max_in_degree > 0 && ranked.size() > static_cast<size_t>(max_in_degree)) {
      ranked.resize(max_in_degree);
    }
    std::vector<std::pair<int32_t, double>> sources = {{static_cast<int32_t>(target), 1.0}};
    for (const auto& [negative, source] : ranked) sources.emplace_back(source, -negative);
    std::sort(sources.begin(), sources.end());
    for (const auto& [source, strength] : sources) {
      graph.sources.push_back(source);
      graph.strengths.push_back(static_cast<float>(strength));
    }
    graph.indptr.push_back(graph.edges());
  }
  return graph;
}

nlohmann::json Describe(const Graph& graph) {
  std::vector<int64_t> degrees;
  int64_t alone = 0;
  for (int64_t node = 0; node < graph.nodes(); ++node) {
    degrees.push_back(graph.indptr[node + 1] - graph.indptr[node] - 1);
    if (degrees.back() == 0) ++alone;
  }
  std::sort(degrees.begin(), degrees.end());
  const auto quantile = [&](double q) {
    return degrees.empty() ? 0 : degrees[static_cast<size_t>(q * (degrees.size() - 1))];
  };
  return {{"nodes", graph.nodes()},
          {"edges", graph.edges() - graph.nodes()},
          {"self_loops", graph.nodes()},
          {"in_degree", {{"median", quantile(0.5)}, {"p90", quantile(0.9)}, {"max", quantile(1)}}},
          {"nodes_without_neighbours", alone}};
}

}  // namespace unlasting::grn
