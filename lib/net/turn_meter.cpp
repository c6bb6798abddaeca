#include "net/turn_meter.h"

#include <algorithm>
#include <utility>

namespace aribus {

using detail::make_handle;

TurnMeter::TurnMeter(Loop& loop)
    : loop_(loop), prepare_(make_handle<uv_prepare_t>("prepare", [&](uv_prepare_t* raw) {
        return uv_prepare_init(loop.raw(), raw);
      })) {
  prepare_->call = [this](int) { end_turn(); };
  uv_prepare_start(&prepare_->raw,  // not by fire(), which begins a turn
                   [](uv_prepare_t* raw) { detail::Handle<uv_prepare_t>::from(raw)->call(0); });
  uv_unref(reinterpret_cast<uv_handle_t*>(&prepare_->raw));
}

void TurnMeter::end_turn() {
  constexpr uint64_t minute_ns = 60'000'000'000;
  const uint64_t began = loop_.take_turn_began();
  if (turns_++ == 0 || began == 0) return;
  const uint64_t now = uv_hrtime();
  const std::chrono::microseconds busy((now - began) / 1000);
  if (const uint64_t minute = now / minute_ns; minute != minute_) {
    minute_before_ = minute == minute_ + 1 ? this_minute_ : std::chrono::microseconds(0);
    this_minute_ = std::chrono::microseconds(0);
    minute_ = minute;
  }
  this_minute_ = std::max(this_minute_, busy);
  longest_ = std::max(longest_, busy);
  durations_.add(busy);
}

std::chrono::microseconds TurnMeter::longest_lately() const {
  return std::max(this_minute_, minute_before_);
}

}  // namespace aribus
