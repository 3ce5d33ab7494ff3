// JobPriority says how soon a caller wants a task done, for those that queue tasks.
#pragma once

namespace unlasting::predict {

// A person waits for an interactive job; a bulk job takes the steps that interactive jobs leave.
enum class JobPriority { kInteractive, kBulk };

}  // namespace unlasting::predict
