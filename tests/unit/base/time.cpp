#include "base/time.h"

#include "tests/catch.h"

using namespace aribus;

namespace {

std::string in_utc(std::string_view text) {
  const auto time = parse_time(text);
  return time ? to_rfc3339(*time) : "no time";
}

}  // namespace

TEST_CASE("a time is written in RFC 3339 with milliseconds") {
  CHECK(to_rfc3339(WallTime{}) == "1970-01-01T00:00:00.000Z");
  CHECK(to_rfc3339(WallTime(std::chrono::milliseconds(-1))) == "1969-12-31T23:59:59.999Z");
  CHECK(to_rfc3339(WallTime(std::chrono::milliseconds(951'782'400'007))) == "2000-02-29T00:00:00.007Z");
}

TEST_CASE("Asterisk's times are read") {
  CHECK(in_utc("2026-11-22T23:47:29.970+0000") == "2026-11-22T23:47:29.970Z");
  CHECK(in_utc("2026-11-22T23:47:29.970-0500") == "2026-11-23T04:47:29.970Z");
  CHECK(in_utc("2026-11-22T23:47:29.970+0530") == "2026-11-22T18:17:29.970Z");
}

TEST_CASE("RFC 3339 is read in all its forms") {
  CHECK(in_utc("2026-11-22T23:47:29Z") == "2026-11-22T23:47:29.000Z");
  CHECK(in_utc("2026-11-22t23:47:29z") == "2026-11-22T23:47:29.000Z");
  CHECK(in_utc("2026-01-01T00:30:00+01:00") == "2025-12-31T23:30:00.000Z");
  CHECK(in_utc("2026-12-31T23:30:00-01:00") == "2027-01-01T00:30:00.000Z");
}

TEST_CASE("fractions of a second are cut to milliseconds") {
  CHECK(in_utc("2026-11-22T23:47:29.9Z") == "2026-11-22T23:47:29.900Z");
  CHECK(in_utc("2026-11-22T23:47:29.05Z") == "2026-11-22T23:47:29.050Z");
  CHECK(in_utc("2026-11-22T23:47:29.9999999999999999Z") == "2026-11-22T23:47:29.999Z");
}

TEST_CASE("the 29th of February is a day of leap years only") {
  CHECK(in_utc("2024-02-29T12:00:00Z") == "2024-02-29T12:00:00.000Z");
  CHECK(in_utc("2000-02-29T12:00:00Z") == "2000-02-29T12:00:00.000Z");
  CHECK_FALSE(parse_time("2026-02-29T12:00:00Z"));
  CHECK_FALSE(parse_time("1900-02-29T12:00:00Z"));
}

TEST_CASE("a leap second is the first second of the next minute") {
  CHECK(in_utc("2016-12-31T23:59:60Z") == "2017-01-01T00:00:00.000Z");
}

TEST_CASE("what is no time gives nothing") {
  const std::string_view wrong[] = {"",
                                    "now",
                                    "2026",
                                    "2026-11-22",
                                    "2026-11-22T23:47:29",
                                    "2026-11-22 23:47:29Z",
                                    "2026-11-22T23:47Z",
                                    "2026-11-22T23:47:29.Z",
                                    "2026-11-22T23:47:29.970",
                                    "2026-11-22T23:47:29.970Zx",
                                    "2026-11-22T23:47:29.970+",
                                    "2026-11-22T23:47:29.970+00",
                                    "2026-11-22T23:47:29.970+0000x",
                                    "2026-11-22T23:47:29.970+2400",
                                    "2026-11-22T23:47:29.970+0060",
                                    "2026-13-22T23:47:29Z",
                                    "2026-00-22T23:47:29Z",
                                    "2026-11-31T23:47:29Z",
                                    "2026-11-00T23:47:29Z",
                                    "2026-11-22T24:00:00Z",
                                    "2026-11-22T23:60:00Z",
                                    "2026-11-22T23:47:61Z",
                                    "-026-11-22T23:47:29Z",
                                    "+2026-11-22T23:47:29Z",
                                    "2026-1-22T23:47:29Z"};
  for (const std::string_view text : wrong) {
    INFO(text);
    CHECK_FALSE(parse_time(text));
  }
}

TEST_CASE("a time that RFC 3339 could not write again gives nothing") {
  // Their years in UTC are -1 and 10000.
  CHECK_FALSE(parse_time("0000-01-01T00:00:00+00:01"));
  CHECK_FALSE(parse_time("9999-12-31T23:59:59-00:01"));
  CHECK(in_utc("0000-01-01T00:00:00Z") == "0000-01-01T00:00:00.000Z");
  CHECK(in_utc("9999-12-31T23:59:59.999Z") == "9999-12-31T23:59:59.999Z");
}

TEST_CASE("the present can be written and read back") {
  const WallTime now = wall_now();
  CHECK(now > WallTime(std::chrono::milliseconds(1'700'000'000'000)));
  CHECK(parse_time(to_rfc3339(now)) == now);
}

TEST_CASE("a time in any form becomes one form, and what is no time stays") {
  CHECK(normalized_time("2026-11-26T22:07:17.679+1300") == "2026-11-26T09:07:17.679Z");
  CHECK(normalized_time("2026-11-26T09:07:17.679Z") == "2026-11-26T09:07:17.679Z");
  CHECK(normalized_time("2026-11-26T09:07:17+0000") == "2026-11-26T09:07:17.000Z");
  CHECK(normalized_time("soon") == "soon");
  CHECK(normalized_time("").empty());
}
