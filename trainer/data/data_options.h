// Data options are what the settings of unlasting-train say about cells, in the terms of the rooms
// that read, prepare and group them.
#pragma once

#include "core/cells/dataset.h"
#include "core/cells/preprocess.h"
#include "trainer/data/training_data.h"
#include "trainer/settings/config.pb.h"

namespace unlasting::trainer {

cells::LoadOptions LoadOptionsOf(const TrainConfig& config);
cells::PreprocessOptions PreprocessOptionsOf(const TrainConfig& config);
TrainingDataOptions TrainingDataOptionsOf(const TrainConfig& config);

}  // namespace unlasting::trainer
