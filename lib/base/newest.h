// The newest of many things.
#pragma once

#include <cstddef>
#include <iterator>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace aribus {

// Values by name; the newest `most` of them are kept. Every operation but erase_if takes constant time.
template <typename Value>
class Newest {
 public:
  explicit Newest(size_t most) : most_(most) {}

  // Sets the value of a name and makes it the newest one. Beyond `most` values the oldest is removed.
  void put(std::string_view name, Value value) {
    erase(name);
    values_.push_back({std::string(name), std::move(value)});
    by_name_.emplace(values_.back().name, std::prev(values_.end()));
    if (values_.size() > most_) erase(values_.front().name);
  }
  // nullptr when there is none.
  [[nodiscard]] Value* find(std::string_view name) {
    const auto at = by_name_.find(name);
    return at == by_name_.end() ? nullptr : &at->second->value;
  }
  [[nodiscard]] const Value* find(std::string_view name) const {
    return const_cast<Newest*>(this)->find(name);
  }
  void erase(std::string_view name) {
    const auto node = by_name_.extract(name);
    if (!node.empty()) values_.erase(node.mapped());
  }
  // Erases the values for which `is_over` is true.
  template <typename Predicate>
  void erase_if(const Predicate& is_over) {
    for (auto at = values_.begin(); at != values_.end();) {
      const auto next = std::next(at);
      if (is_over(at->value)) erase(at->name);
      at = next;
    }
  }
  void clear() {
    by_name_.clear();
    values_.clear();
  }
  [[nodiscard]] size_t size() const { return values_.size(); }

 private:
  struct Named {
    std::string name;
    Value value;
  };

  size_t most_;
  std::list<Named> values_;                                                            // the oldest first
  std::unordered_map<std::string_view, typename std::list<Named>::iterator> by_name_;  // names of values_
};

}  // namespace aribus
