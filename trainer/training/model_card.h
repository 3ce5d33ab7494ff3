// RenderCard writes the model card of a bundle, card.md: what it was trained on, how well it
// predicts, and where it must not be trusted.
#pragma once

#include <string>

#include "core/bundle/manifest.h"
#include "core/evaluate/scorecard.h"

namespace unlasting::trainer {

std::string RenderCard(const bundle::Manifest& manifest, const evaluate::Scorecard& scorecard);

}  // namespace unlasting::trainer
