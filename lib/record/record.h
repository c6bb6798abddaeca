// One record of the stream: an event of ARI, normalized, or one of the daemon's own (own_records.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ari/schema.h"
#include "base/time.h"
#include "record/id_set.h"

namespace aribus::record {

struct Record {
  WallTime time;
  std::string server;                        // the name of the Asterisk
  std::string app;                           // the Stasis application, or ""
  std::string type;                          // ARI's name of the event, or aribus' own with a dot
  const ari::ModelType* declared = nullptr;  // the type's declaration; nullptr: none, or not known
  IdSet ids;
  std::string fields;  // the members that follow the ids, as JSON text, each with a comma in front
  // Where in `fields` each of them begins, with its comma.
  std::vector<uint32_t> members;

  // The JSON text of the first member of that name; "" when there is none. Required: the name has no escapes.
  [[nodiscard]] std::string_view member(std::string_view name) const;
  // Likewise; member number `place` is tried first, and `place` becomes the number of the one found.
  [[nodiscard]] std::string_view member(std::string_view name, size_t& place) const;
  // Takes the first member of that name out, if there is one. Required: as for member().
  void remove_member(std::string_view name);
  // Adds a member at the end.
  void add_member(std::string_view name, std::string_view json);

 private:
  [[nodiscard]] std::string_view member_at(size_t place, std::string_view name) const;
};

}  // namespace aribus::record
