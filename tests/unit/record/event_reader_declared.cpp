// Every type of event that Asterisk declares, as declared and with one fault at a time.
#include <algorithm>
#include <functional>

#include <rapidjson/pointer.h>

#include "record/record.h"
#include "tests/catch.h"
#include "tests/unit/ari/sample.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::record;
using ari::Field;
using ari::ModelType;
using ari::Type;
using aribus::test::json;
using aribus::test::read_event;
using aribus::test::to_line;

namespace {

const WallTime received_in_2030 = *parse_time("2030-01-01T00:00:00.000Z");

// `params` of the notification that becomes of `event`.
Json record_of(const std::string& event) {
  const std::string line = to_line(read_event(event, event.size(), "pbx1", received_in_2030), 1);
  return copy_of(*find(json(line), "params"));
}

// A field somewhere in an event: where, as a JSON pointer and as errors say it, and what it is.
struct Place {
  std::string pointer;
  std::string where;
  const Field* field;
};

void add_places(const ModelType& model, const std::string& pointer, const std::string& where,
                std::vector<Place>& places) {
  for (const Field& field : model.fields) {
    const std::string name(field.name);
    places.push_back({pointer + "/" + name, where + name, &field});
    if (field.model == nullptr) continue;
    const std::string item = field.list ? "/0" : "", shown = field.list ? "[0]" : "";
    add_places(*field.model, pointer + "/" + name + item, where + name + shown + ".", places);
  }
}

std::vector<Place> places_of(const ModelType& event) {
  std::vector<Place> places;
  add_places(event, "", "", places);
  std::erase_if(places, [](const Place& place) { return place.pointer == "/type"; });  // without it: no event
  return places;
}

void for_each_event(const std::function<void(const ModelType&)>& check) {
  size_t count = 0;
  for (const ModelType& model : ari::models()) {
    if (!model.event) continue;
    INFO(model.name);
    check(model);
    ++count;
  }
  CHECK(count > 40);
}

// Something that is not of the field's type; null for those that take anything.
JsonValue wrong_for(const Field& field) {
  if (field.list) return JsonValue("no array");
  switch (field.type) {
    case Type::string:
      return JsonValue(7);
    case Type::object:
      return JsonValue();
    default:
      return JsonValue("nothing such");
  }
}

void check_fault(const Json& event, const Place& place) {
  const Json record = record_of(to_text(event));
  INFO(place.where << ": " << to_text(record));
  CHECK(std::string(find_string(record, "invalid")).starts_with(place.where + ": "));
  CHECK(find(record, "known") == nullptr);
}

}  // namespace

TEST_CASE("an event of any declared type, as declared, is known and valid") {
  for_each_event([](const ModelType& model) {
    const Json record = record_of(test::sample(model));
    INFO(to_text(record));
    CHECK(find_string(record, "type") == model.name);
    CHECK(find(record, "known") == nullptr);
    CHECK(find(record, "invalid") == nullptr);
    CHECK(find(record, "fields") == nullptr);
  });
}

TEST_CASE("an event of any declared type that lacks a required field says which") {
  for_each_event([](const ModelType& model) {
    const Json whole = json(test::sample(model));
    for (const Place& place : places_of(model)) {
      Json event = copy_of(whole);
      rapidjson::Pointer(place.pointer.c_str()).Erase(event);
      if (place.field->required) {
        check_fault(event, place);
      } else {
        INFO(place.where);
        CHECK(find(record_of(to_text(event)), "invalid") == nullptr);
      }
    }
  });
}

TEST_CASE("an event of any declared type with a field of another type says which") {
  for_each_event([](const ModelType& model) {
    const Json whole = json(test::sample(model));
    for (const Place& place : places_of(model)) {
      JsonValue wrong = wrong_for(*place.field);
      if (wrong.IsNull()) continue;
      Json event = copy_of(whole);
      rapidjson::Pointer(place.pointer.c_str()).Set(event, wrong);
      check_fault(event, place);
    }
  });
}

TEST_CASE("every time of every declared type of event becomes RFC 3339 in UTC") {
  for_each_event([](const ModelType& model) {
    const Json record = record_of(test::sample(model));
    INFO(to_text(record));
    const bool timed = model.find("timestamp") != nullptr;
    CHECK(find_string(record, "time") == (timed ? "2026-11-22T20:46:17.690Z" : "2030-01-01T00:00:00.000Z"));
    CHECK(find(record, "timestamp") == nullptr);
    for (const Place& place : places_of(model)) {
      if (place.field->type != Type::date || place.pointer == "/timestamp") continue;
      INFO(place.where);
      const JsonValue* value = rapidjson::Pointer(place.pointer.c_str()).Get(record);
      REQUIRE(value != nullptr);
      CHECK(as_view(*value) == "2026-11-22T20:46:17.690Z");
    }
  });
}
