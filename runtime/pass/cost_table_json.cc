#include "runtime/pass/cost_table_json.h"

#include <cmath>
#include <utility>

#include "runtime/model/gemm_times_json.h"

namespace fathom {
namespace {

struct TimesField {
  const char* name;
  RowTimes CostTable::*member;
};
constexpr TimesField kTimes[] = {{"query_key_value", &CostTable::query_key_value},
                                 {"attention_dense", &CostTable::attention_dense},
                                 {"ffn", &CostTable::ffn},
                                 {"epilogue", &CostTable::epilogue}};

struct NumberField {
  const char* name;
  double CostTable::*member;
};
constexpr NumberField kNumbers[] = {
    {"attention_call", &CostTable::attention_call},
    {"attention_token", &CostTable::attention_token},
    {"attention_token_squared", &CostTable::attention_token_squared},
    {"adapter", &CostTable::adapter},
    {"adapter_row_width", &CostTable::adapter_row_width},
    {"cls_call", &CostTable::cls_call},
    {"cls_block", &CostTable::cls_block},
    {"cls_token", &CostTable::cls_token},
    {"embedding_row", &CostTable::embedding_row},
    {"head", &CostTable::head},
    {"pass", &CostTable::pass}};

}  // namespace

nlohmann::json ToJson(const CostTable& table) {
  nlohmann::json json;
  for (const auto& [name, member] : kTimes) json[name] = ToJson(table.*member);
  for (const auto& [name, member] : kNumbers) json[name] = table.*member;
  return json;
}

std::optional<CostTable> CostTableFromJson(const nlohmann::json& json) {
  try {
    CostTable table;
    for (const auto& [name, member] : kTimes) {
      std::optional<RowTimes> times = RowTimesFromJson(json.at(name));
      if (!times.has_value()) return std::nullopt;
      table.*member = *std::move(times);
    }
    for (const auto& [name, member] : kNumbers) {
      table.*member = json.at(name).get<double>();
      if (!std::isfinite(table.*member) || table.*member < 0) return std::nullopt;
    }
    return table;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

}  // namespace fathom
