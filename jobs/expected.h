// jobs/expected.h - a value or the reason why there is none.
//
// For operations on the outside world (files, children), whose failures are part of the input:
// the caller turns an error into a failed item, an "errors" port or a message. Mistakes in a job
// file are Diagnostics and travel in Result<T> (jobs/diagnostic.h).
// Not chosen: std::system_error thrown. One unreadable file among a million is not exceptional,
//   and an exception must not be alive while a goroutine parks.
#pragma once

#include <utility>
#include <variant>

namespace gorun::jobs {

/// Holds exactly one T or one E. T and E are different types, and each converts to it.
template <class T, class E>
class [[nodiscard]] Expected {
 public:
  Expected(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Expected(E error) : state_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  /// The value; std::bad_variant_access when there is none.
  [[nodiscard]] const T& value() const& { return std::get<0>(state_); }
  [[nodiscard]] T& value() & { return std::get<0>(state_); }
  [[nodiscard]] T&& value() && { return std::get<0>(std::move(state_)); }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }

  /// The error; std::bad_variant_access when there is a value.
  [[nodiscard]] const E& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, E> state_;
};

}  // namespace gorun::jobs
