// LruMap is a map that knows which entry was used least recently, for caches. Its owner decides how
// much it may hold.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <utility>

namespace unlasting {

// Not thread-safe. Pointers to values hold until the entry is taken.
template <typename Key, typename Value>
class LruMap {
 public:
  // The entry becomes the most recent; null where there is none.
  Value* Find(const Key& key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->second;
  }

  // As the most recent. Keeps the value of a key that is there already.
  Value* Insert(const Key& key, Value value) {
    if (Value* const present = Find(key)) return present;
    entries_.emplace_front(key, std::move(value));
    places_[key] = entries_.begin();
    return &entries_.front().second;
  }

  // The least recent one; contract: there is one.
  const Value& Oldest() const { return entries_.back().second; }
  Value TakeOldest() {
    Value value = std::move(entries_.back().second);
    places_.erase(entries_.back().first);
    entries_.pop_back();
    return value;
  }

  size_t size() const { return entries_.size(); }

 private:
  using Entries = std::list<std::pair<const Key, Value>>;  // most recent first
  Entries entries_;
  std::map<Key, typename Entries::iterator> places_;
};

}  // namespace unlasting
