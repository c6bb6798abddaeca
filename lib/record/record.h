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

// A member of a record's `fields`; of an object also what the reader of an event has met on its way.
struct Member {
  uint32_t begin;     // where it is, with its comma
  uint32_t id = 0;    // the number of the object's own id among the record's `ids`, from 1; 0: not known
  uint32_t made = 0;  // where its `creationtime` (RFC 3339) is in `fields`; 0: not known

  // What is in front of it has become longer by so many bytes.
  void move(uint32_t bytes) {
    begin += bytes;
    if (made != 0) made += bytes;
  }
  bool operator==(const Member&) const = default;
};

struct Record {
  WallTime time;
  std::string server;                        // the name of the Asterisk
  std::string app;                           // the Stasis application, or ""
  std::string type;                          // ARI's name of the event, or aribus' own with a dot
  const ari::ModelType* declared = nullptr;  // the type's declaration; nullptr: none, or not known
  IdSet ids;
  std::string fields;  // the members that follow the ids, as JSON text, each with a comma in front
  std::vector<Member> members;  // where each of them is

  // The JSON text of the first member of that name; "" when there is none. Required: the name has no escapes.
  [[nodiscard]] std::string_view member(std::string_view name) const;
  // Likewise; member number `place` is tried first, and `place` becomes the number of the one found.
  [[nodiscard]] std::string_view member(std::string_view name, size_t& place) const;
  // The own id and the `creationtime` of the object that this member shows; "" when they are not known.
  [[nodiscard]] std::string_view id_of(const Member& member) const {
    return member.id == 0 ? std::string_view() : ids[member.id - 1].text;
  }
  [[nodiscard]] std::string_view made_of(const Member& member) const {
    return member.made == 0 ? std::string_view() : std::string_view(fields).substr(member.made, rfc3339_size);
  }
  // Takes the first member of that name out, if there is one. Required: as for member().
  void remove_member(std::string_view name);
  // Adds a member at the end.
  void add_member(std::string_view name, std::string_view json);

 private:
  [[nodiscard]] std::string_view member_at(size_t place, std::string_view name) const;
};

}  // namespace aribus::record
