#include "core/report/grn_summary.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "core/report/chart.h"
#include "core/report/html.h"

namespace unlasting::report {
namespace {

constexpr size_t kHubs = 12;
constexpr int64_t kMaxBars = 12;

// How many nodes have 0, 1, 2-3, 4-7, ... neighbours.
struct Bin {
  int64_t first, last, nodes;
};

std::vector<Bin> BinsOf(const std::vector<int64_t>& degrees) {
  std::vector<Bin> bins = {{0, 0, 0}};
  const int64_t most = *std::max_element(degrees.begin(), degrees.end());
  for (int64_t first = 1; first <= most && static_cast<int64_t>(bins.size()) < kMaxBars;
       first *= 2) {
    bins.push_back({first, 2 * first - 1, 0});
  }
  for (const int64_t degree : degrees) {
    for (Bin& bin : bins) {
      if (bin.first <= degree && (degree <= bin.last || &bin == &bins.back())) {
        ++bin.nodes;
        break;
      }
    }
  }
  return bins;
}

std::string DegreeFigure(const std::vector<int64_t>& degrees, const std::string& title) {
  const std::vector<Bin> bins = BinsOf(degrees);
  int64_t top = 1;
  for (const Bin& bin : bins) top = std::max(top, bin.nodes);
  Chart::Options options;
  options.x_title = title;
  options.y_title = "genes";
  options.label = absl::StrCat("Genes by ", title);
  Chart chart(options, {0, static_cast<double>(bins.size())}, {0, 1.1 * static_cast<double>(top)});
  chart.Grid(0, 4);
  for (size_t k = 0; k < bins.size(); ++k) {
    const Bin& bin = bins[k];
    const double left = chart.x()(static_cast<double>(k) + 0.12);
    const double right = chart.x()(static_cast<double>(k) + 0.88);
    const double height = chart.y()(static_cast<double>(bin.nodes));
    chart.Rectangle(left, height, right - left, chart.y().from - height, "bar truth");
    const double middle = (left + right) / 2;
    if (bin.nodes > 0) chart.Text(middle, height - 4, Count(bin.nodes), "middle", "share");
    chart.Text(
        middle, chart.y().from + 15,
        bin.first == bin.last ? absl::StrCat(bin.first) : absl::StrCat(bin.first, "–", bin.last),
        "middle");
  }
  return absl::StrCat("<figure><figcaption><b>Genes by ", title, "</b></figcaption>", chart.Html(),
                      "</figure>\n");
}

std::string Hubs(const std::vector<int64_t>& targets, const std::vector<int64_t>& regulators,
                 const std::vector<std::string>& nodes) {
  std::vector<size_t> order(nodes.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return targets[a] > targets[b]; });
  std::string rows;
  for (size_t k = 0; k < std::min(order.size(), kHubs) && targets[order[k]] > 0; ++k) {
    absl::StrAppend(&rows, "<tr><th>", Escape(nodes[order[k]]), "</th><td>",
                    Count(targets[order[k]]), "</td><td>", Count(regulators[order[k]]),
                    "</td></tr>\n");
  }
  return absl::StrCat(
      "<figure><figcaption><b>Hubs</b> most targets first</figcaption><table "
      "class=\"hubs\"><thead><tr><th>gene</th><th>targets</th><th>regulators</th>"
      "</tr></thead><tbody>\n",
      rows, "</tbody></table></figure>\n");
}

}  // namespace

std::string NetworkSection(const CsrMatrix& network, const std::vector<std::string>& nodes) {
  if (network.rows != static_cast<int64_t>(nodes.size()) || network.rows != network.cols) return "";
  std::vector<int64_t> regulators(nodes.size()), targets(nodes.size());
  int64_t edges = 0, alone = 0;
  for (int64_t target = 0; target < network.rows; ++target) {
    for (const int32_t source : network.RowIndices(target)) {
      if (source == target) continue;
      ++edges;
      ++regulators[target];
      ++targets[source];
    }
  }
  if (edges == 0) return "";
  for (size_t k = 0; k < nodes.size(); ++k) alone += regulators[k] + targets[k] == 0 ? 1 : 0;
  const int64_t count = network.rows;
  return absl::StrCat(
      "<section><h2>Gene network</h2>\n<p class=\"note\">", Count(edges), " edges between ",
      Count(count), " genes; ", Count(alone),
      " without a neighbour, where what is done to a gene reaches others only through the rest "
      "of the model. Self-loops are not counted.</p>\n"
      "<div class=\"panels\">",
      DegreeFigure(regulators, "number of regulators"), DegreeFigure(targets, "number of targets"),
      Hubs(targets, regulators, nodes), "</div></section>\n");
}

}  // namespace unlasting::report
