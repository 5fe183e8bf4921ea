// jobs/records/chunk_origin.h - where a chunk of a file comes from, as "read" tells "split".
//
// The splitter names the file and the byte of a record that is wrong, takes the names of columns
// from the first line of a file of which it sees the middle, and has to know whether a chunk is
// part of an array. All that travels as fields of the chunk, which only these two stages see:
// "split" takes them off, and what cuts for it has no other readers (jobs/read_cuts.h). A space in
// their names keeps them apart from names that people write.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "jobs/batch.h"
#include "jobs/records/json_framing.h"

namespace gorun::jobs {

struct ChunkOrigin {
  std::string_view path;
  std::uint64_t offset = 0;  // of the chunk's first byte in the file
  std::string_view header;   // of CSV: the file's first record, if the chunk does not begin with it
  JsonFraming framing = JsonFraming::kLines;  // of JSON

  /// Adds the fields to an item of `batch`.
  void put_on(Item* item, Batch* batch) const;
  /// Takes them off; nothing if it has none.
  [[nodiscard]] static std::optional<ChunkOrigin> take_off(Item* item);
};

}  // namespace gorun::jobs
