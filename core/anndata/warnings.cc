#include "core/anndata/warnings.h"

#include <cstdio>
#include <mutex>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

namespace unlasting::anndata {
namespace {

// A process that opens files for months must not remember them all.
constexpr size_t kMaxRemembered = 1000;

struct State {
  std::mutex mutex;
  WarningHandler handler;  // empty: the default
  std::set<std::string> said;
};

State& Shared() {
  static auto* const state = new State;
  return *state;
}

}  // namespace

void SetWarningHandler(WarningHandler handler) {
  State& state = Shared();
  const std::lock_guard<std::mutex> lock(state.mutex);
  state.handler = std::move(handler);
  state.said.clear();
}

void Warn(const std::string& path, const std::string& what) {
  const std::string message = absl::StrCat(path, ": ", what);
  State& state = Shared();
  const std::lock_guard<std::mutex> lock(state.mutex);
  if (state.said.size() >= kMaxRemembered) state.said.clear();
  if (!state.said.insert(message).second) return;
  if (state.handler) {
    state.handler(message);
  } else {
    std::fprintf(stderr, "warning: %s\n", message.c_str());
  }
}

}  // namespace unlasting::anndata
