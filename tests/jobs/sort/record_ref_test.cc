// tests/jobs/sort/record_ref_test.cc - texts, lines and records behind one word.
#include "jobs/sort/record_ref.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "jobs/sort/sort_record.h"

namespace gorun::test::record_ref_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test

TEST_SUITE_BEGIN("jobs/sort/record_ref");

TEST_CASE("lines of any length are found again, and are records in a file") {
  for (const std::size_t size : {0U, 1U, 99U, 65'532U, 65'533U, 65'534U, 65'535U, 200'000U}) {
    CAPTURE(size);
    const std::string text = std::string(size, 'x') + "\ny";
    const std::string_view line(text.data(), size);
    const RecordRef ref = RecordRef::of_line(line);
    CHECK(ref.is_text());
    CHECK(ref.address() == text.data());
    CHECK((ref.text() == line));
    CHECK((key_of_record(ref) == line));
    std::string written;
    append_record(ref, &written);
    CHECK(written.size() == size_of_record(ref));
    CHECK(written.size() == size_of_record(written.data()));
    CHECK((key_of_record(written.data()) == line));
    std::vector<Field> fields;
    for (const RecordRef either : {ref, RecordRef(written.data())}) {
      const Item item = item_of_record(either, &fields);
      CHECK((item.text == line));
      CHECK(item.field_count == 0);
    }
    std::string again;
    append_record(written.data(), &again);
    CHECK((again == written));
  }
}

TEST_CASE("a text needs no line feed behind it") {
  const std::string text = "abc\nd";
  for (std::size_t size = 0; size <= text.size(); ++size) {
    CHECK(RecordRef::of_text({text.data(), size}).text() == text.substr(0, size));
  }
  CHECK(RecordRef::can_be_text(65'533));
  CHECK_FALSE(RecordRef::can_be_text(65'534));
  CHECK_FALSE(RecordRef(text.data()).is_text());
}

TEST_SUITE_END();

}  // namespace gorun::test::record_ref_test
