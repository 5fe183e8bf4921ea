#include "jobs/sort/record_writers.h"

#include <utility>

namespace gorun::jobs {

RecordWriters::RecordWriters(std::size_t goroutines, std::size_t groups, Write write)
    : groups_(groups), write_(std::move(write)), done_(groups), given_(groups) {
  for (std::size_t g = 0; g < groups; ++g) {
    static_cast<void>(done_.send(std::make_unique<RecordGroup>()));
  }
  for (std::size_t h = 0; h < goroutines; ++h) {
    helpers_.go([this] {
      while (auto group = given_.recv()) {
        write_(**group);
        (*group)->batches.clear();
        static_cast<void>(done_.send(std::move(*group)));  // has room for all
      }
    });
  }
}

RecordWriters::~RecordWriters() {
  given_.close();
  helpers_.wait();
}

void RecordWriters::give(RecordGroup* group) {
  auto free = done_.recv();
  std::swap(**free, *group);
  static_cast<void>(given_.send(std::move(*free)));  // has room for all
}

void RecordWriters::wait() {
  std::vector<GroupPtr> all;
  while (all.size() < groups_) all.push_back(std::move(*done_.recv()));
  for (GroupPtr& group : all) static_cast<void>(done_.send(std::move(group)));
}

}  // namespace gorun::jobs
