// The files that hold gene embeddings.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "core/anndata/open_reader.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/grn/gene_embedding.h"

namespace unlasting::grn {
namespace {

bool IsHdf5(const std::string& path) {
  return absl::EndsWith(path, ".h5ad") || absl::EndsWith(path, ".h5") ||
         absl::EndsWith(path, ".hdf5");
}

absl::Status Invalid(const std::string& path, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", what));
}

bool IsNumber(absl::string_view text) {
  double ignored = 0;
  return absl::SimpleAtod(text, &ignored);
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    lines.push_back(line);
  }
  return lines;
}

absl::StatusOr<GeneEmbedding> ReadTsv(const std::string& path) {
  UNLASTING_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  GeneEmbedding embedding;
  int64_t number = 0;
  for (const std::string& line : Lines(text)) {
    ++number;
    if (line.empty() || line[0] == '#') continue;
    const std::vector<std::string> fields = absl::StrSplit(line, '\t');
    if (number == 1 && (fields.size() < 2 || !IsNumber(fields[1]))) continue;
    const auto dimensions = static_cast<int64_t>(fields.size()) - 1;
    if (embedding.genes.empty()) embedding.vectors.cols = dimensions;
    if (dimensions != embedding.vectors.cols) {
      return Invalid(path, absl::StrCat("line ", number, ": found ", dimensions,
                                        " values, expected ", embedding.vectors.cols));
    }
    for (int64_t k = 1; k <= dimensions; ++k) {
      float value = 0;
      if (!absl::SimpleAtof(fields[k], &value)) {
        return Invalid(path, absl::StrCat("line ", number, ": found '", fields[k].substr(0, 40),
                                          "', expected a number"));
      }
      embedding.vectors.values.push_back(value);
    }
    embedding.genes.push_back(fields[0]);
  }
  embedding.vectors.rows = static_cast<int64_t>(embedding.genes.size());
  return embedding;
}

// The value of a key in a .npy header, a Python dict in text: what follows its colon.
std::string AfterKey(const std::string& header, const std::string& key) {
  const size_t at = header.find("'" + key + "':");
  if (at == std::string::npos) return "";
  return std::string(absl::StripLeadingAsciiWhitespace(header.substr(at + key.size() + 3)));
}

template <typename T>
void Convert(const char* bytes, std::vector<float>* values) {
  for (size_t k = 0; k < values->size(); ++k) {
    T value;
    std::memcpy(&value, bytes + k * sizeof(T), sizeof(T));
    (*values)[k] = static_cast<float>(value);
  }
}

absl::StatusOr<DenseMatrix> ParseNpy(const std::string& path, const std::string& bytes) {
  if (bytes.size() < 12 || bytes.compare(0, 6, "\x93NUMPY", 6) != 0) {
    return Invalid(path, "is not a .npy file");
  }
  const auto byte = [&bytes](size_t at) { return static_cast<uint8_t>(bytes[at]); };
  const bool old = byte(6) == 1;
  const size_t begin = old ? 10 : 12;
  size_t length = byte(8) | byte(9) << 8;
  if (!old) length |= static_cast<size_t>(byte(10)) << 16 | static_cast<size_t>(byte(11)) << 24;
  if (length > bytes.size() - begin) return Invalid(path, "is truncated");
  const std::string header = bytes.substr(begin, length);
  const std::string type = AfterKey(header, "descr").substr(0, 5);
  if (type != "'<f4'" && type != "'<f8'") {
    return Invalid(path, absl::StrCat("found values of type ", type, ", expected '<f4' or '<f8'"));
  }
  if (!absl::StartsWith(AfterKey(header, "fortran_order"), "False")) {
    return Invalid(path, "found Fortran order, expected C order (numpy.ascontiguousarray)");
  }
  const std::string shape = AfterKey(header, "shape");
  const std::vector<std::string> sizes =
      absl::StrSplit(shape.substr(0, shape.find(')')), absl::ByAnyChar("(, "), absl::SkipEmpty());
  int64_t rows = 0, cols = 0;
  if (sizes.size() != 2 || !absl::SimpleAtoi(sizes[0], &rows) ||
      !absl::SimpleAtoi(sizes[1], &cols)) {
    return Invalid(path, "expected a shape of two dimensions, [names, dimensions]");
  }
  const auto width = static_cast<int64_t>(type == "'<f4'" ? 4 : 8);
  const auto available = static_cast<int64_t>(bytes.size() - begin - length) / width;
  if (rows < 0 || cols <= 0 || rows > available / cols) return Invalid(path, "is truncated");
  DenseMatrix matrix(rows, cols);
  const char* data = bytes.data() + begin + length;
  width == 4 ? Convert<float>(data, &matrix.values) : Convert<double>(data, &matrix.values);
  return matrix;
}

absl::StatusOr<GeneEmbedding> ReadNpy(const std::string& path, const std::string& suffix) {
  GeneEmbedding embedding;
  UNLASTING_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  UNLASTING_ASSIGN_OR_RETURN(embedding.vectors, ParseNpy(path, bytes));
  const std::string names = path.substr(0, path.size() - 4) + suffix;
  UNLASTING_ASSIGN_OR_RETURN(const std::string text, ReadFile(names));
  embedding.genes = Lines(text);
  if (static_cast<int64_t>(embedding.genes.size()) != embedding.vectors.rows) {
    return Invalid(path, absl::StrCat("found ", embedding.vectors.rows, " rows, but ",
                                      embedding.genes.size(), " names in ", names));
  }
  return embedding;
}

absl::StatusOr<GeneEmbedding> ReadHdf5(const std::string& path) {
  UNLASTING_ASSIGN_OR_RETURN(auto reader, anndata::OpenReader(path));
  GeneEmbedding embedding;
  UNLASTING_ASSIGN_OR_RETURN(auto obs, reader->ReadObs());
  UNLASTING_ASSIGN_OR_RETURN(const auto shape, reader->MatrixShape("X"));
  UNLASTING_ASSIGN_OR_RETURN(const CsrMatrix rows, reader->ReadRows("X", 0, shape.first));
  embedding.genes = std::move(obs.index);
  embedding.vectors = DenseMatrix(rows.rows, rows.cols);
  for (int64_t r = 0; r < rows.rows; ++r) {
    const auto columns = rows.RowIndices(r);
    const auto values = rows.RowValues(r);
    for (size_t k = 0; k < columns.size(); ++k) embedding.vectors.At(r, columns[k]) = values[k];
  }
  return embedding;
}

}  // namespace

bool HoldsEmbedding(const std::string& path) {
  if (absl::EndsWith(path, ".npy") || IsHdf5(path)) return true;
  std::ifstream stream(path);
  std::string line;
  // The first line may be a header of either.
  for (int k = 0; k < 2; ++k) {
    do {
      if (!std::getline(stream, line)) return false;
    } while (line.empty() || line[0] == '#');
  }
  const std::vector<std::string> fields = absl::StrSplit(line, '\t');
  return fields.size() > 1 && IsNumber(fields[1]);
}

absl::StatusOr<GeneEmbedding> ReadGeneEmbedding(const std::string& path, const std::string& setting,
                                                const std::string& names_suffix) {
  auto embedding = absl::EndsWith(path, ".npy") ? ReadNpy(path, names_suffix)
                   : IsHdf5(path)               ? ReadHdf5(path)
                                                : ReadTsv(path);
  if (!embedding.ok()) return Annotate(embedding.status(), setting);
  if (embedding->vectors.rows == 0 || embedding->vectors.cols == 0) {
    return Annotate(Invalid(path, "found no values"), setting);
  }
  for (const float value : embedding->vectors.values) {
    if (!std::isfinite(value)) {
      return Annotate(Invalid(path, "found a value that is not finite"), setting);
    }
  }
  return embedding;
}

}  // namespace unlasting::grn
