// card.md of a bundle: what it was trained on, how well it does, where it must not be trusted.
#pragma once

#include <string>

#include "core/bundle/manifest.h"
#include "core/evaluate/scorecard.h"

namespace unlasting::trainer {

std::string RenderCard(const bundle::Manifest& manifest, const evaluate::Scorecard& scorecard);

}  // namespace unlasting::trainer
