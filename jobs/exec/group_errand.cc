#include "jobs/exec/group_errand.h"

#include <cstdint>
#include <limits>
#include <utility>

namespace gorun::jobs {
namespace {

class GroupErrand final : public Errand {
 public:
  GroupErrand(GroupPrinter::Group group, ExecShared& shared, Context& context)
      : group_(std::move(group)), shared_(shared), context_(context) {}
  Flow run() override {
    GroupPrinter printer(context_.cancel_fd(), std::numeric_limits<std::uint64_t>::max());
    const auto error = printer.print(group_);
    return error ? fail_to_write(*error, shared_, context_) : Flow::kMore;
  }

 private:
  const GroupPrinter::Group group_;
  ExecShared& shared_;
  Context& context_;
};

}  // namespace

std::unique_ptr<Errand> make_group_errand(GroupPrinter::Group group, ExecShared& shared,
                                          Context& context) {
  return std::make_unique<GroupErrand>(std::move(group), shared, context);
}

}  // namespace gorun::jobs
