#include "client/screen/screen_table.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "core/base/did_you_mean.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/base/utf8.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace unlasting::client {
namespace {

constexpr char kInvalidRow[] = "INVALID_ROW";

const std::vector<std::string>& KnownColumns() {
  static const auto* const columns = new std::vector<std::string>{
      "gene", "smiles", "molecule", "treatment", "dose", "hours", "covariate", "name"};
  return *columns;
}

// The table's text in UTF-8, whatever wrote it.
std::string Decoded(absl::string_view bytes, std::vector<std::string>* notes) {
  if (absl::ConsumePrefix(&bytes, "\xFF\xFE")) return Utf16ToUtf8(bytes, true);
  if (absl::ConsumePrefix(&bytes, "\xFE\xFF")) return Utf16ToUtf8(bytes, false);
  absl::ConsumePrefix(&bytes, "\xEF\xBB\xBF");
  const size_t foreign = FirstNotUtf8(bytes);
  if (foreign == bytes.npos) return std::string(bytes);
  const auto line = 1 + std::count(bytes.begin(), bytes.begin() + foreign, '\n');
  notes->push_back(absl::StrCat("line ", line, " is not UTF-8; the table is read as Latin-1"));
  return Latin1ToUtf8(bytes);
}

// Ends of lines are \n, \r\n or, as old spreadsheets write them, \r.
std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines(1);
  for (size_t k = 0; k < text.size(); ++k) {
    if (text[k] == '\r' && k + 1 < text.size() && text[k + 1] == '\n') continue;
    if (text[k] == '\n' || text[k] == '\r') {
      lines.emplace_back();
    } else {
      lines.back().push_back(text[k]);
    }
  }
  return lines;
}

// The cells of a line without blanks around them. A quoted cell may hold the separator, and "" in
// it is a quote.
std::vector<std::string> Cells(const std::string& line, char separator) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (size_t k = 0; k < line.size(); ++k) {
    if (line[k] == '"' && quoted && k + 1 < line.size() && line[k + 1] == '"') {
      cells.back().push_back('"');
      ++k;
    } else if (line[k] == '"' && (quoted || absl::StripAsciiWhitespace(cells.back()).empty())) {
      quoted = !quoted;
    } else if (line[k] == separator && !quoted) {
      cells.emplace_back();
    } else {
      cells.back().push_back(line[k]);
    }
  }
  for (std::string& cell : cells) cell = std::string(absl::StripAsciiWhitespace(cell));
  return cells;
}

// The same bytes in every run, which maps do not have by themselves.
std::string Deterministic(const v1::Perturbation& perturbation) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  perturbation.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

char SeparatorOf(const std::string& header) {
  for (const char separator : {'\t', ';', ','}) {
    if (absl::StrContains(header, separator)) return separator;
  }
  return '\t';
}

absl::StatusOr<std::vector<std::string>> Columns(const std::string& header, char separator,
                                                 int line) {
  std::vector<std::string> columns = Cells(header, separator);
  std::string guess;
  bool known = false;
  for (std::string& column : columns) {
    if (guess.empty()) guess = DidYouMean(column, KnownColumns());
    absl::AsciiStrToLower(&column);
    known = known || column == "gene" || column == "smiles" || column == "molecule" ||
            column == "treatment";
  }
  if (known) return columns;
  return absl::InvalidArgumentError(absl::StrCat(
      "line ", line, ": found columns '", absl::StrJoin(columns, "', '"), "'", guess,
      guess.empty() ? ", " : " ", "expected gene, treatment, or smiles or molecule with dose"));
}

// The perturbations of one row: one, or one for each dose. `flags` holds what all rows share.
absl::StatusOr<std::vector<v1::Perturbation>> PerturbationsOf(
    const std::vector<std::string>& columns, const std::vector<std::string>& cells,
    const std::vector<std::string>& doses, PredictFlags flags, std::string* name) {
  if (cells.size() > columns.size()) {
    return absl::InvalidArgumentError(absl::StrCat("found ", cells.size(),
                                                   " columns, expected at most the ",
                                                   columns.size(), " of the first line"));
  }
  const std::map<std::string, std::vector<std::string>*> fields = {
      {"gene", &flags.genes},           {"smiles", &flags.smiles},
      {"molecule", &flags.molecules},   {"dose", &flags.doses},
      {"treatment", &flags.treatments}, {"hours", &flags.hours},
      {"covariate", &flags.covariates}};
  for (size_t k = 0; k < cells.size(); ++k) {
    if (columns[k] == "name") *name = cells[k];
    const auto field = fields.find(columns[k]);
    if (field != fields.end() && !cells[k].empty()) field->second->push_back(cells[k]);
  }
  if (flags.genes.size() + flags.smiles.size() + flags.molecules.size() + flags.treatments.size() !=
      1) {
    return absl::InvalidArgumentError(
        "found none or several of the columns gene, smiles, molecule and treatment filled, "
        "expected one of them");
  }
  const bool molecule = flags.smiles.size() + flags.molecules.size() > 0;
  if (molecule && flags.doses.empty()) flags.doses = doses;
  if (molecule && flags.doses.empty()) {
    return absl::InvalidArgumentError(
        "found no dose, expected one in the column dose or in --dose");
  }
  UNLASTING_ASSIGN_OR_RETURN(const v1::PredictRequest request, MakePredictRequest(flags));
  return std::vector<v1::Perturbation>(request.perturbations().begin(),
                                       request.perturbations().end());
}

}  // namespace

absl::StatusOr<ScreenTable> ParseScreenTable(const std::string& bytes,
                                             const std::vector<std::string>& doses,
                                             const TreatmentVectors& treatment_vectors) {
  ScreenTable table;
  PredictFlags shared;
  shared.treatment_vectors = treatment_vectors;
  const std::vector<std::string> lines = Lines(Decoded(bytes, &table.notes));
  std::vector<std::string> columns;
  char separator = '\t';
  std::map<std::string, int> times;  // that a key was met
  for (size_t k = 0; k < lines.size(); ++k) {
    const int line = static_cast<int>(k) + 1;
    const std::string text(absl::StripTrailingAsciiWhitespace(lines[k]));
    if (absl::StripAsciiWhitespace(text).empty() || text.front() == '#') continue;
    if (columns.empty()) {
      separator = SeparatorOf(text);
      UNLASTING_ASSIGN_OR_RETURN(columns, Columns(text, separator, line));
      continue;
    }
    std::string name;
    const auto perturbations =
        PerturbationsOf(columns, Cells(text, separator), doses, shared, &name);
    if (!perturbations.ok()) {
      table.bad.push_back(
          {line, name, kInvalidRow, std::string(perturbations.status().message()), text, ""});
      continue;
    }
    for (const v1::Perturbation& perturbation : *perturbations) {
      std::string key = Sha256(Deterministic(perturbation));
      const int before = times[key]++;
      if (before > 0) absl::StrAppend(&key, "-", before);
      table.rows.push_back({line, name, text, perturbation, std::move(key)});
    }
  }
  if (table.rows.empty() && table.bad.empty()) {
    return absl::InvalidArgumentError(
        "found no row below the columns' names, expected one perturbation or more");
  }
  return table;
}

}  // namespace unlasting::client
