#include "core/report/volcano.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "core/report/chart.h"
#include "core/report/html.h"
#include "core/report/label_placer.h"

namespace unlasting::report {
namespace {

constexpr double kFarthest = 6;     // doublings
constexpr double kLeastP = 1e-300;  // p values are drawn from here on
constexpr size_t kLabels = 7;
constexpr double kMarkRadius = 3.5, kNameSize = 14;
constexpr size_t kLongestName = 14;  // characters of a label

// Half of the range that is drawn: what the sure genes need, and nearly all others. Genes that are
// silent in one of the two groups change by dozens of doublings and would squeeze the rest.
double FarthestDrawn(const std::vector<GeneChange>& genes) {
  constexpr double kNearlyAll = 0.98;
  double farthest = 1;
  std::vector<double> sizes;
  for (const GeneChange& gene : genes) {
    const double size = std::abs(gene.log2_fold_change);
    if (std::isnan(size)) continue;
    sizes.push_back(size);
    if (gene.p_adjusted < kSignificant) farthest = std::max(farthest, size);
  }
  if (!sizes.empty()) {
    const auto place =
        sizes.begin() + static_cast<int64_t>(kNearlyAll * static_cast<double>(sizes.size() - 1));
    std::nth_element(sizes.begin(), place, sizes.end());
    farthest = std::max(farthest, *place);
  }
  return std::min(farthest, kFarthest);
}

struct Place {
  double x, y;
  const GeneChange* gene;
};

std::vector<Place> PlacesOf(const std::vector<GeneChange>& genes, double farthest) {
  std::vector<Place> places;
  for (const GeneChange& gene : genes) {
    if (std::isnan(gene.p_adjusted) || std::isnan(gene.log2_fold_change)) continue;
    places.push_back({std::clamp(gene.log2_fold_change, -farthest, farthest),
                      -std::log10(std::max(gene.p_adjusted, kLeastP)), &gene});
  }
  std::stable_sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    return std::abs(a.gene->score) > std::abs(b.gene->score);
  });
  return places;
}

void DrawDots(const std::vector<Place>& places, size_t max_still, Chart* chart) {
  Points up, down, still;
  for (const Place& place : places) {
    const bool sure = place.gene->p_adjusted < kSignificant;
    (sure && place.x > 0 ? up : sure && place.x < 0 ? down : still).emplace_back(place.x, place.y);
  }
  Points some;
  const size_t shown = std::min(still.size(), max_still);
  for (size_t k = 0; k < shown; ++k) some.push_back(still[k * still.size() / shown]);
  chart->Dots(some, "still");
  chart->Dots(down, "down");
  chart->Dots(up, "up");
}

void NameTheSurest(const std::vector<Place>& places, Chart* chart) {
  LabelPlacer placer({chart->x().from, chart->y().to, chart->x().to, chart->y().from});
  size_t named = 0;
  for (const Place& place : places) {
    if (named == kLabels || !(place.gene->p_adjusted < kSignificant)) break;
    const double x = chart->x()(place.x), y = chart->y()(place.y);
    placer.Reserve({x - kMarkRadius, y - kMarkRadius, x + kMarkRadius, y + kMarkRadius});
    const GeneChange& gene = *place.gene;
    chart->Marker(place.x, place.y, kMarkRadius, place.x > 0 ? "mark predicted" : "mark truth",
                  absl::StrCat(gene.symbol, ": log2 fold change ", Number(gene.log2_fold_change),
                               ", adjusted p ", PValue(gene.p_adjusted)));
    ++named;
  }
  for (size_t k = 0; k < named; ++k) {
    const std::string name = Shortened(places[k].gene->symbol, kLongestName);
    const auto label = placer.Place(chart->x()(places[k].x), chart->y()(places[k].y), kMarkRadius,
                                    name, kNameSize);
    if (label) chart->Text(label->x, label->baseline, name, label->anchor, "gene-name");
  }
}

}  // namespace

std::string VolcanoFigure(const std::vector<GeneChange>& genes, size_t max_still) {
  const double farthest = FarthestDrawn(genes);
  const std::vector<Place> places = PlacesOf(genes, farthest);
  if (places.empty()) return "";
  double top = 2;
  for (const Place& place : places) top = std::max(top, place.y);
  Chart::Options options;
  options.width = 300;
  options.height = 250;
  options.left = 58;
  options.bottom = 46;
  options.large = true;
  options.x_title = "log2 fold change";
  options.y_title = "−log10 adjusted p";
  options.label = "Change of every gene against how surely it changes";
  Chart chart(options, Padded(-farthest, farthest), {0, top * 1.08});
  chart.Grid(4, 4);
  const double line = -std::log10(kSignificant);
  chart.Segment(chart.x().from, chart.y()(line), chart.x().to, chart.y()(line), "goal");
  DrawDots(places, max_still, &chart);
  NameTheSurest(places, &chart);
  return absl::StrCat("<figure><figcaption><b>Volcano</b> dashed: adjusted p of 0.05</figcaption>",
                      chart.Html(), "</figure>\n");
}

}  // namespace unlasting::report
