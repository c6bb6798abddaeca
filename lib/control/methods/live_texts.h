// Texts made of the live objects.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace aribus::control {

// Remembers the texts that somebody still holds, so that all who ask for the same at the same cursor share
// one: it is made once, and lies in memory once. Lives on the loop's thread.
class LiveTexts {
 public:
  using Key = std::vector<std::vector<std::string>>;  // what is asked for, and under which bounds

  // `cursor` is the end of the stream: between two records nothing changes.
  [[nodiscard]] std::shared_ptr<const std::string> get(const std::string& cursor, const Key& key,
                                                       const std::function<std::string()>& make);

 private:
  std::string cursor_;
  std::map<Key, std::weak_ptr<const std::string>> texts_;
};

}  // namespace aribus::control
