#include "server/request/control_validation.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/codec/control_codec.h"

namespace unlasting::server {
namespace {

// Longer names would make a message of the result larger than clients take.
constexpr size_t kMaxCellIdBytes = 1024;

using cells::ControlFaults;
using cells::ControlMatrix;

void Report(const ControlFaults& faults, const std::string& prefix, Violations* violations) {
  for (const cells::ControlFault& fault : faults) {
    violations->Add(prefix + fault.field, fault.reason, fault.message);
  }
}

// The columns of ControlCells or of an upload's header.
template <typename Message>
ControlMatrix DecodeColumns(const Message& message, const std::string& prefix,
                            const RequestLimits& limits, Violations* violations) {
  ControlFaults faults;
  ControlMatrix controls = codec::DecodeControlColumns(message, &faults);
  if (static_cast<int64_t>(controls.genes.size()) > limits.max_columns) {
    faults.push_back({"genes", "TOO_MANY_GENES",
                      absl::StrCat("found ", controls.genes.size(), " names, expected at most ",
                                   limits.max_columns)});
    controls.genes.clear();
  } else if (message.columns_case() == Message::kGenes) {
    cells::CheckGenes(controls.genes, &faults);
  }
  Report(faults, prefix, violations);
  return controls;
}

// The cells of ControlCells or of an upload's chunk.
template <typename Message>
void DecodeAndAppendRows(const Message& message, const std::string& prefix,
                         const RequestLimits& limits, ControlMatrix* controls,
                         Violations* violations) {
  const int64_t before = controls->values.rows;
  if (message.matrix().rows() > limits.max_cells - before) {
    violations->Add(
        prefix + "matrix", "TOO_MANY_CELLS",
        absl::StrCat("found ", message.matrix().rows(), " cells",
                     before > 0 ? absl::StrCat(" after ", before) : "", ", expected at most ",
                     limits.max_cells, " (limits.max_cells of the server)"));
    return;
  }
  auto part = codec::DecodeControlRows(message, {limits.max_cells, limits.max_columns});
  if (!part.ok()) {
    violations->Add(prefix + "matrix", part.status());
    return;
  }
  for (int k = 0; k < message.cell_ids_size(); ++k) {
    if (message.cell_ids(k).size() <= kMaxCellIdBytes) continue;
    violations->Add(absl::StrCat(prefix, "cell_ids[", k, "]"), "INVALID_VALUE",
                    absl::StrCat("found a name of ", message.cell_ids(k).size(),
                                 " bytes, expected at most ", kMaxCellIdBytes));
    return;
  }
  ControlFaults faults;
  cells::AppendCells(*std::move(part), controls, &faults);
  Report(faults, prefix, violations);
}

}  // namespace

ControlMatrix DecodeControls(const v1::ControlCells& message, const std::string& field,
                             const RequestLimits& limits, Violations* violations) {
  const std::string prefix = field + ".";
  ControlMatrix controls = DecodeColumns(message, prefix, limits, violations);
  DecodeAndAppendRows(message, prefix, limits, &controls, violations);
  return controls;
}

ControlMatrix DecodeControlsHeader(const v1::RegisterControlsHeader& message,
                                   const RequestLimits& limits, Violations* violations) {
  return DecodeColumns(message, "header.", limits, violations);
}

void AppendControlsChunk(const v1::RegisterControlsChunk& message, const RequestLimits& limits,
                         ControlMatrix* controls, Violations* violations) {
  DecodeAndAppendRows(message, "chunk.", limits, controls, violations);
}

}  // namespace unlasting::server
