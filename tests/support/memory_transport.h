// A transport that frames messages otherwise than the Unix socket: in memory, with a length in front.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "net/loop.h"
#include "session/transport.h"

namespace aribus::test {

// A frame is four bytes, the highest first, and then text. The first bit says that the message goes on in the
// next frame, the others are the number of bytes of text. A message has no "\n" at its end.
inline constexpr size_t frame_head_bytes = 4;
inline constexpr uint32_t goes_on = 1U << 31;

// Turns lines into frames, on a wire that takes only so many bytes at a time.
class FrameWriter {
 public:
  // Gives the wire bytes, and returns how many it took.
  using Put = std::function<size_t(std::string_view)>;

  explicit FrameWriter(Put put) : put_(std::move(put)) {}

  // As Transport::write().
  size_t write(std::string_view bytes) {
    size_t taken = 0;
    for (;;) {
      kept_.erase(0, put_(kept_));
      if (!kept_.empty() || taken == bytes.size()) return taken;
      const std::string_view rest = bytes.substr(taken);
      if (!in_frame_ && !begin_frame(rest)) return taken;
      const size_t count = kept_.empty() ? put_(rest.substr(0, left_)) : 0;
      taken += count;
      left_ -= count;
      in_line_ = in_line_ || count > 0;
      if (!in_line_ && left_ > 0) {  // the wire has the frame's head, or a part of it
        kept_ += rest[0];
        ++taken;
        --left_;
        in_line_ = true;
      }
      if (!kept_.empty() || left_ > 0) return taken;
      in_frame_ = false;
      if (!ends_line_) continue;
      ++taken;
      in_line_ = false;
    }
  }

 private:
  // Returns whether the wire took a part of the head.
  bool begin_frame(std::string_view bytes) {
    const size_t end = bytes.find('\n');
    ends_line_ = end != std::string_view::npos;
    left_ = ends_line_ ? end : bytes.size();
    const auto number = static_cast<uint32_t>(left_) | (ends_line_ ? 0 : goes_on);
    std::string head;
    for (int shift = 24; shift >= 0; shift -= 8) head += static_cast<char>(number >> shift);
    const size_t count = put_(head);
    if (count == 0) return false;
    kept_ = head.substr(count);
    in_frame_ = true;
    return true;
  }

  Put put_;
  std::string kept_;        // taken, and not on the wire yet
  size_t left_ = 0;         // text of the frame that was not taken yet
  bool in_frame_ = false;   // its head was begun
  bool ends_line_ = false;  // the frame is the last one of its message
  bool in_line_ = false;    // a part of the line was taken
};

// Turns frames into lines.
class FrameReader {
 public:
  // Appends what is in `bytes`, which continue those of the last call, to `lines`.
  void read(std::string_view bytes, std::string& lines) {
    while (!bytes.empty()) {
      if (head_.size() < frame_head_bytes) {
        head_ += move_out(bytes, frame_head_bytes - head_.size());
        if (head_.size() < frame_head_bytes) return;
        number_ = 0;
        for (const char byte : head_) number_ = number_ << 8 | static_cast<uint8_t>(byte);
        left_ = number_ & ~goes_on;
      }
      const std::string_view text = move_out(bytes, left_);
      lines += text;
      left_ -= text.size();
      if (left_ > 0) return;
      if ((number_ & goes_on) == 0) lines += '\n';
      head_.clear();
    }
  }

 private:
  static std::string_view move_out(std::string_view& bytes, size_t count) {
    const std::string_view out = bytes.substr(0, count);
    bytes.remove_prefix(out.size());
    return out;
  }

  std::string head_;
  uint32_t number_ = 0;  // that the head says
  size_t left_ = 0;      // of the frame's text
};

// What is between the two ends of a connection in memory.
struct MemoryWire {
  std::string to_daemon;   // bytes under way
  std::string to_program;  // likewise, at most `window`
  size_t window = SIZE_MAX;
  bool program_sends = true;  // false: it has closed its sending side
  bool has_program = true;
  bool has_daemon = true;
  std::optional<session::Transport::Ending> ending;  // that the daemon gave
  std::function<void()> changed = [] {};             // the program has done something
};

// The daemon's end.
class MemoryTransport final : public session::Transport {
 public:
  MemoryTransport(Loop& loop, std::shared_ptr<MemoryWire> wire)
      : wire_(std::move(wire)),
        writer_([this](std::string_view bytes) { return put(bytes); }),
        turn_(loop, [this] { report(); }) {
    wire_->changed = [this] { look(); };
  }
  ~MemoryTransport() override {
    wire_->changed = [] {};
    wire_->has_daemon = false;
  }

  void start(std::function<void(bool, bool)> on_ready) override { on_ready_ = std::move(on_ready); }
  void watch(bool input, bool output) override {
    input_ = input;
    output_ = output;
    look();
  }
  [[nodiscard]] Input read(std::string& bytes) override {
    if (!wire_->has_program) return Input::closed;
    if (wire_->to_daemon.empty()) return wire_->program_sends ? Input::nothing : Input::end;
    bytes.clear();
    reader_.read(wire_->to_daemon.substr(0, 64 << 10), bytes);
    wire_->to_daemon.erase(0, 64 << 10);
    return bytes.empty() ? read(bytes) : Input::bytes;
  }
  [[nodiscard]] std::optional<size_t> write(std::span<iovec> pieces) override {
    if (!wire_->has_program) return std::nullopt;
    size_t taken = 0;
    for (const iovec& piece : pieces) {
      const size_t count = writer_.write({static_cast<const char*>(piece.iov_base), piece.iov_len});
      taken += count;
      if (count < piece.iov_len) break;
    }
    return taken;
  }
  [[nodiscard]] bool is_hung_up() const override { return !wire_->has_program; }
  void close(Ending ending) override {
    if (wire_->ending) throw std::logic_error("closed twice");
    wire_->ending = ending;
  }

 private:
  [[nodiscard]] bool has_input() const {
    return input_ && (!wire_->to_daemon.empty() || !wire_->program_sends || !wire_->has_program);
  }
  [[nodiscard]] bool takes_output() const {
    return output_ && (wire_->to_program.size() < wire_->window || !wire_->has_program);
  }
  void look() {
    if (!wire_->ending && (has_input() || takes_output())) turn_.request();
  }
  void report() {
    if (wire_->ending) return;
    on_ready_(has_input(), takes_output());
    look();
  }
  size_t put(std::string_view bytes) {
    const size_t count = std::min(bytes.size(), wire_->window - wire_->to_program.size());
    wire_->to_program += bytes.substr(0, count);
    return count;
  }

  std::shared_ptr<MemoryWire> wire_;
  FrameReader reader_;
  FrameWriter writer_;
  std::function<void(bool, bool)> on_ready_;
  bool input_ = false;
  bool output_ = false;
  EndOfTurn turn_;
};

}  // namespace aribus::test
