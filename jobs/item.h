// jobs/item.h - what flows between stages: a text and named fields, as views.
//
// Bytes are bytes: nothing here assumes UTF-8 or the absence of NUL. An item owns nothing; the
// batch that carries it keeps its bytes alive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
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

  /// True if `value` is a part of the text, and not just alike.
  [[nodiscard]] bool has_in_text(std::string_view value) const {
    return std::less_equal<>()(text.data(), value.data()) &&
           std::less_equal<>()(value.data() + value.size(), text.data() + text.size());
  }

  /// Bytes of the table of fields and of their values. Names belong to many items, and a value that
  /// is part of the text takes nothing.
  [[nodiscard]] std::size_t field_bytes() const {
    std::size_t bytes = field_count * sizeof(Field);
    for (const Field& field : all_fields()) {
      if (!has_in_text(field.value)) bytes += field.value.size();
    }
    return bytes;
  }
};

/// Adds up what items take. Those that were cut from the same one stand side by side and share its
/// fields, which count once.
class ItemBytes {
 public:
  void add(const Item& item) {
    total_ += item.text.size();
    if (item.fields == fields_) return;
    fields_ = item.fields;
    total_ += item.field_bytes();
  }
  [[nodiscard]] std::size_t total() const { return total_; }

 private:
  std::size_t total_ = 0;
  const Field* fields_ = nullptr;  // of the item before
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
