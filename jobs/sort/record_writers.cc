#include "jobs/sort/record_writers.h"

#include <algorithm>
#include <utility>

namespace gorun::jobs {

RecordWriters::RecordWriters(std::size_t goroutines, std::size_t most_kept, Write write)
    : most_kept_(std::max(static_cast<std::int64_t>(most_kept), std::int64_t{1})),
      write_(std::move(write)),
      free_(most_kept_),
      given_(goroutines) {
  for (std::size_t h = 0; h < goroutines; ++h) {
    helpers_.go([this] {
      while (auto group = given_.recv()) {
        write_(*group);
        group->batches.clear();
        free_.release(share(*group));
      }
    });
  }
}

RecordWriters::~RecordWriters() {
  given_.close();
  helpers_.wait();
}

// At least one, so that wait() waits for it.
std::int64_t RecordWriters::share(const RecordGroup& group) const {
  return std::clamp(static_cast<std::int64_t>(group.kept_bytes), std::int64_t{1}, most_kept_);
}

void RecordWriters::give(RecordGroup group) {
  free_.acquire(share(group));
  static_cast<void>(given_.send(std::move(group)));  // closed by nobody else
}

void RecordWriters::wait() {
  free_.acquire(most_kept_);
  free_.release(most_kept_);
}

}  // namespace gorun::jobs
