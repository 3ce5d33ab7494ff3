// Requests and uploads with cells of a type that training never saw.
#include "server/request/control_store.h"
#include "tests/server/request/request_fixture.h"

namespace unlasting::server {
namespace {

// `cells` log1p cells that say no cell type, of a new context.
v1::PredictRequest DonorRequest(int64_t cells = 40) {
  v1::PredictRequest request = SomeRequest(cells);
  request.mutable_cells()->clear_cell_types();
  request.mutable_cells()->set_new_context("donor 7");
  return request;
}

TEST_F(RequestValidation, CellsWithoutATypeAreOfTheNewContext) {
  v1::PredictRequest request = DonorRequest();
  const auto valid = Validate(request);
  ASSERT_TRUE(valid.ok()) << valid.status();
  ASSERT_NE(valid->task.controls->new_context, nullptr);
  EXPECT_EQ(valid->task.controls->new_context->name, "donor 7");
  request.mutable_cells()->add_cell_types("donor 7");
  EXPECT_TRUE(Validate(request).ok()) << "one entry for all";
  request.mutable_cells()->set_cell_types(0, "T0");
  ExpectInvalid(request, "cells.new_context", "TOO_FEW_CELLS");
}

TEST_F(RequestValidation, RefusesNewContextsThatAreNone) {
  ExpectInvalid(DonorRequest(29), "cells.new_context", "TOO_FEW_CELLS");
  v1::PredictRequest request = DonorRequest();
  request.mutable_cells()->set_new_context("T1");
  ExpectInvalid(request, "cells.new_context", "KNOWN_CELL_TYPE");
  request.mutable_cells()->set_new_context(std::string(257, 'x'));
  ExpectInvalid(request, "cells.new_context", "INVALID_VALUE");
  // Without it, its name is unknown, and the way is named.
  request = DonorRequest();
  request.mutable_cells()->clear_new_context();
  request.mutable_cells()->add_cell_types("donor 7");
  ExpectRefused(request, absl::StatusCode::kNotFound, "cells.cell_types", "UNKNOWN_CELL_TYPE");
  EXPECT_THAT(std::string(Validate(request).status().message()), HasSubstr("new_context"));
}

TEST_F(RequestValidation, RegisteredCellsKeepTheirNewContext) {
  const v1::PredictRequest inline_cells = DonorRequest();
  Violations violations;
  const RequestLimits limits;
  cells::ControlMatrix controls =
      DecodeControls(inline_cells.cells(), "cells", limits, &violations);
  ASSERT_TRUE(violations.empty());
  const std::string hash = ContentHash(controls);
  held_ = std::make_shared<const cells::ControlMatrix>(controls);
  v1::PredictRequest request = SomeRequest();
  request.set_control_set_id("known");
  const auto valid = Validate(request);
  ASSERT_TRUE(valid.ok()) << valid.status();
  EXPECT_EQ(valid->task.controls->new_context->key,
            Validate(inline_cells)->task.controls->new_context->key);
  controls.new_context = "donor 8";
  EXPECT_NE(ContentHash(controls), hash) << "the same cells under another name";
}

}  // namespace
}  // namespace unlasting::server
