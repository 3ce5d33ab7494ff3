// Protobuf's map_field.h for builds under ThreadSanitizer. There the header adds two counters to a
// map, by which races show, and the distribution's library, which was built without them, would
// read such a map wrongly. It is included here as the library was built; all else still sees that
// ThreadSanitizer is on.
#pragma once

// Before the macro goes: headers of the standard library look at it too.
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <vector>

#pragma push_macro("__SANITIZE_THREAD__")
#undef __SANITIZE_THREAD__
#include_next <google/protobuf/map_field.h>
#pragma pop_macro("__SANITIZE_THREAD__")
