// tests/jobs/text/byte_buffer_test.cc - where bytes come to lie, and that they stay.

#include "jobs/text/byte_buffer.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

namespace gorun::test::byte_buffer_test {

using gorun::jobs::ByteBuffer;

TEST_SUITE_BEGIN("jobs/text/byte_buffer");

TEST_CASE("large ones begin 64 bytes behind the border of a page") {
  for (const std::size_t capacity :
       {std::size_t{32} << 10U, std::size_t{256} << 10U, (std::size_t{1} << 20U) + 17}) {
    CAPTURE(capacity);
    ByteBuffer buffer(capacity);
    CHECK(reinterpret_cast<std::uintptr_t>(buffer.data()) % 4096 == 64);
    CHECK(buffer.capacity() == capacity);
    std::memset(buffer.data(), 'x', buffer.capacity());  // for AddressSanitizer
  }
}

TEST_CASE("what is kept stays when it grows, and moving moves nothing") {
  ByteBuffer buffer(10);
  std::memcpy(buffer.data(), "0123456789", 10);
  for (const std::size_t capacity : {11U, 40'000U, 100'000U}) {
    buffer.reserve(capacity, 10);
    CHECK(buffer.capacity() == capacity);
    CHECK(std::string(buffer.data(), 10) == "0123456789");
  }
  const char* const bytes = buffer.data();
  buffer.reserve(5);
  CHECK(buffer.data() == bytes);
  ByteBuffer other(std::move(buffer));
  CHECK(other.data() == bytes);
  CHECK(other.span().size() == 100'000);
  // NOLINTNEXTLINE(bugprone-use-after-move): empty is what it is to be
  CHECK(buffer.capacity() == 0);
  buffer.reserve(3);
  CHECK(buffer.data() != nullptr);
  buffer = std::move(other);
  CHECK(buffer.data() == bytes);
}

TEST_SUITE_END();

}  // namespace gorun::test::byte_buffer_test
