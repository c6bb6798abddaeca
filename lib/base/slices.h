// Work that is done in slices.
#pragma once

#include <algorithm>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <utility>

namespace aribus {

// Work over many objects, as a coroutine that pauses when its slice is used up:
//
//   Slices count(const Objects& objects) {
//     for (const auto& object : objects) {
//       …
//       co_await Done{1};       // so much of the slice is used; may pause here
//     }
//     co_await more(objects);   // a part that is Slices, too
//   }
//
// What the work refers to may change while it pauses. Destroying it ends it where it pauses. (g++ 12 destroys
// temporary objects in an expression with co_await twice: make them before.)
class [[nodiscard]] Slices {
 public:
  // Units of work: one is a small object, some ten microseconds.
  struct Done {
    size_t units = 1;
  };
  struct promise_type;
  using Handle = std::coroutine_handle<promise_type>;

  Slices() = default;
  Slices(Slices&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Slices& operator=(Slices&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Slices() {
    if (handle_) handle_.destroy();
  }

  // Does the next slice: it ends at the first pause behind `units`. Returns whether all is done; throws what
  // the work throws. Required: it was made by a coroutine, and is not all done.
  [[nodiscard]] bool run(size_t units);

 private:
  explicit Slices(Handle handle) : handle_(handle) {}

  Handle handle_;
};

struct Slices::promise_type {
  promise_type* whole = this;  // what run() was called for
  Handle part;                 // of `whole`: what is under way
  Handle next;                 // goes on when this is done
  size_t left = 0;             // of `whole`: units of this slice
  std::exception_ptr error;

  Slices get_return_object() {
    part = Handle::from_promise(*this);
    return Slices(part);
  }
  std::suspend_always initial_suspend() noexcept { return {}; }
  auto final_suspend() noexcept {
    struct End {
      bool await_ready() noexcept { return false; }
      std::coroutine_handle<> await_suspend(Handle ended) noexcept {
        promise_type& promise = ended.promise();
        if (!promise.next) return std::noop_coroutine();
        promise.whole->part = promise.next;
        return promise.next;
      }
      void await_resume() noexcept {}
    };
    return End{};
  }
  void return_void() {}
  void unhandled_exception() { error = std::current_exception(); }

  auto await_transform(Done done) {
    struct Pause {
      bool goes_on;
      bool await_ready() const noexcept { return goes_on; }
      void await_suspend(std::coroutine_handle<>) const noexcept {}
      void await_resume() const noexcept {}
    };
    whole->left -= std::min(whole->left, done.units);
    return Pause{whole->left > 0};
  }
  auto await_transform(Slices&& part_of_it) {
    struct Wait {
      Slices work;
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(Handle waits) noexcept {
        promise_type& promise = work.handle_.promise();
        promise.whole = waits.promise().whole;
        promise.next = waits;
        promise.whole->part = work.handle_;
        return work.handle_;
      }
      void await_resume() const {
        if (work.handle_.promise().error) std::rethrow_exception(work.handle_.promise().error);
      }
    };
    return Wait{std::move(part_of_it)};
  }
};

inline bool Slices::run(size_t units) {
  promise_type& promise = handle_.promise();
  promise.left = units;
  promise.part.resume();
  if (promise.error) std::rethrow_exception(promise.error);
  return handle_.done();
}

}  // namespace aribus
