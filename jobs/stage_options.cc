#include "jobs/stage_options.h"

#include <algorithm>
#include <stdexcept>

#include "jobs/kinds.h"
#include "jobs/quote.h"

namespace gorun::jobs {
namespace {

std::size_t row_of(const StageKind* kind, std::string_view name) {
  if (kind != nullptr) {
    const auto row = std::ranges::find(kind->options, name, &OptionRow::name);
    if (row != kind->options.end()) {
      return static_cast<std::size_t>(row - kind->options.begin());
    }
  }
  const std::string_view kind_name = kind == nullptr ? "(none)" : kind->name;
  throw std::logic_error("kind " + quote(kind_name) + " has no option " + quote(name));
}

}  // namespace

StageOptions::StageOptions(const StageKind& kind) : kind_(&kind), slots_(kind.options.size()) {}

const StageOptions::Slot& StageOptions::slot(std::string_view name) const {
  return slots_[row_of(kind_, name)];
}

bool StageOptions::has(std::string_view name) const {
  return !std::holds_alternative<std::monostate>(slot(name).value);
}

bool StageOptions::is_given(std::string_view name) const { return slot(name).where != ByteRange{}; }

ByteRange StageOptions::where(std::string_view name) const { return slot(name).where; }

void StageOptions::set(std::string_view name, OptionValue value, ByteRange where) {
  slots_[row_of(kind_, name)] = {std::move(value), where};
}

void StageOptions::copy_from(const StageOptions& other) {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const OptionRow& row = kind_->options[i];
    const OptionRow* const theirs = other.kind_->option(row.name);
    if (theirs != nullptr && theirs->type == row.type) slots_[i] = other.slot(row.name);
  }
}

template <class T>
const T& StageOptions::get(std::string_view name) const {
  const T* value = std::get_if<T>(&slot(name).value);
  if (value == nullptr) {
    throw std::logic_error("option " + quote(name) + " of kind " + quote(kind_->name) +
                           " is unset or of another type");
  }
  return *value;
}

bool StageOptions::flag(std::string_view name) const { return get<bool>(name); }

std::int64_t StageOptions::integer(std::string_view name) const { return get<std::int64_t>(name); }

std::optional<std::int64_t> StageOptions::find_integer(std::string_view name) const {
  return has(name) ? std::optional(integer(name)) : std::nullopt;
}

const std::string& StageOptions::text(std::string_view name) const {
  return get<std::string>(name);
}

const std::vector<std::string>& StageOptions::texts(std::string_view name) const {
  return get<std::vector<std::string>>(name);
}

const std::vector<std::int64_t>& StageOptions::integers(std::string_view name) const {
  return get<std::vector<std::int64_t>>(name);
}

const Template& StageOptions::text_template(std::string_view name) const {
  return get<Template>(name);
}

const std::vector<Template>& StageOptions::text_templates(std::string_view name) const {
  return get<std::vector<Template>>(name);
}

const Predicate& StageOptions::predicate(std::string_view name) const {
  return get<Predicate>(name);
}

const NamedPredicates& StageOptions::predicates(std::string_view name) const {
  return get<NamedPredicates>(name);
}

const NamedTexts& StageOptions::named_texts(std::string_view name) const {
  return get<NamedTexts>(name);
}
const AggregateOptions& StageOptions::aggregates(std::string_view name) const {
  return get<AggregateOptions>(name);
}

const ArtifactOptions& StageOptions::artifacts(std::string_view name) const {
  return get<ArtifactOptions>(name);
}

const NamedTemplates& StageOptions::named_templates(std::string_view name) const {
  return get<NamedTemplates>(name);
}

const std::vector<LiteralItem>& StageOptions::items(std::string_view name) const {
  return get<std::vector<LiteralItem>>(name);
}

const std::vector<Replacement>& StageOptions::replacements(std::string_view name) const {
  return get<std::vector<Replacement>>(name);
}

}  // namespace gorun::jobs
