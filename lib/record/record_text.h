// A record as JSON text: an object with `seq`, `time`, `server`, `app`, `type`, the ids, and its fields.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "json/json_tape.h"
#include "record/record.h"

namespace aribus::record {

// Writes the text of `record`, which is number `seq`, to `at`, where max_text_bytes(record) bytes have room,
// and returns its end.
char* write_text(const Record& record, uint64_t seq, char* at);
[[nodiscard]] size_t max_text_bytes(const Record& record);
inline constexpr size_t min_text_bytes = 55;  // of any record

// Reads what write_text() has written into `record`, and returns its seq; nothing when it is no record.
[[nodiscard]] std::optional<uint64_t> read_text(JsonTape& tape, std::string_view text, Record& record);

}  // namespace aribus::record
