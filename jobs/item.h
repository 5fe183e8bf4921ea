// jobs/item.h - what flows between stages: a text and named fields, as views.
//
// Bytes are bytes: nothing here assumes UTF-8 or the absence of NUL. An item owns nothing; the
// batch that carries it keeps its bytes alive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "jobs/template.h"

namespace gorun::jobs {

enum class FieldType : std::uint8_t {
  kText,
  kNumber,  // the value is a JSON number: outputs that have numbers write it bare
};

struct Field {
  std::string_view name;
  std::string_view value;
  FieldType type = FieldType::kText;
};

struct Item {
  std::string_view text;
  const Field* fields = nullptr;  // field_count of them; names are unique
  std::uint32_t field_count = 0;

  [[nodiscard]] std::span<const Field> all_fields() const { return {fields, field_count}; }

  /// nullptr if the item has no such field.
  [[nodiscard]] const Field* find(std::string_view name) const {
    for (const Field& field : all_fields()) {
      if (field.name == name) return &field;
    }
    return nullptr;
  }
};

/// An item as templates see it.
class TemplateItem final : public ItemView {
 public:
  /// Both outlive this.
  TemplateItem(const Item& item, std::string_view run_status)
      : item_(item), run_status_(run_status) {}
  [[nodiscard]] std::string_view text() const override { return item_.text; }
  [[nodiscard]] bool append_field(std::string_view name, std::string* out) const override {
    const Field* field = item_.find(name);
    if (field == nullptr) return false;
    out->append(field->value);
    return true;
  }
  [[nodiscard]] std::string_view run_status() const override { return run_status_; }

 private:
  const Item& item_;
  std::string_view run_status_;
};

}  // namespace gorun::jobs
