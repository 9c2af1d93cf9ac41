#include "runtime/model/tensor_pickle.h"

#include <array>
#include <cstring>
#include <map>
#include <set>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "runtime/model/json_fields.h"

namespace fathom {
namespace {

constexpr size_t kMaxDimensions = 16;
constexpr size_t kMaxValues = 1 << 20;  // about 20 a tensor; bounds the memory of a crafted file

// Values live in one vector and refer to each other by index: a pickle can build cycles.
using Ref = size_t;

struct Mark {};
struct None {};
struct Global {
  std::string name;  // "module.attribute"
};
struct Tuple {
  std::vector<Ref> items;
};
struct Dict {
  std::vector<std::pair<Ref, Ref>> items;
};
struct Storage {
  c10::ScalarType dtype;
  std::string key;
  int64_t size;
};
using Value = std::variant<Mark, None, bool, int64_t, std::string, Global, Tuple, Dict, Storage,
                           PickledTensor>;

constexpr std::array<std::pair<std::string_view, c10::ScalarType>, 8> kStorages = {{
    {"torch.FloatStorage", c10::ScalarType::Float},
    {"torch.HalfStorage", c10::ScalarType::Half},
    {"torch.BFloat16Storage", c10::ScalarType::BFloat16},
    {"torch.DoubleStorage", c10::ScalarType::Double},
    {"torch.LongStorage", c10::ScalarType::Long},
    {"torch.IntStorage", c10::ScalarType::Int},
    {"torch.ByteStorage", c10::ScalarType::Byte},
    {"torch.BoolStorage", c10::ScalarType::Bool},
}};
constexpr std::string_view kOrderedDict = "collections.OrderedDict";
constexpr std::string_view kRebuildTensor = "torch._utils._rebuild_tensor_v2";
constexpr std::string_view kRebuildParameter = "torch._utils._rebuild_parameter";

const c10::ScalarType* FindStorage(std::string_view name) {
  for (const auto& [known, dtype] : kStorages) {
    if (known == name) return &dtype;
  }
  return nullptr;
}

bool IsKnownGlobal(std::string_view name) {
  return name == kOrderedDict || name == kRebuildTensor || name == kRebuildParameter ||
         FindStorage(name) != nullptr;
}

// The stack machine. Thrown inside, caught in ParseTensorPickle: every step can fail.
struct PickleError {
  std::string what;
};

class Machine {
 public:
  explicit Machine(std::string_view bytes) : bytes_(bytes) {}

  std::vector<PickledTensor> Run() {
    while (Step()) {
    }
    return Collect(Pop());
  }

 private:
  // False after STOP.
  bool Step();
  // The opcodes that push a plain value. False if `opcode` is none of them.
  bool PushLiteral(unsigned char opcode);

  // --- the bytes ---
  std::string_view Take(uint64_t count) {
    if (count > bytes_.size()) throw PickleError{"ends in the middle of an opcode"};
    const std::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }
  template <typename Integer>
  Integer TakeInteger() {
    Integer value;
    std::memcpy(&value, Take(sizeof(Integer)).data(), sizeof(Integer));
    return value;
  }
  std::string TakeLine() {
    const size_t end = bytes_.find('\n');
    if (end == std::string_view::npos) throw PickleError{"has a global name that does not end"};
    std::string line(Take(end));
    Take(1);
    return line;
  }
  int64_t TakeLong() {
    const auto count = TakeInteger<uint8_t>();
    if (count > sizeof(int64_t)) throw PickleError{"holds an integer of more than 64 bits"};
    const std::string_view digits = Take(count);  // two's complement, little endian
    uint64_t value = !digits.empty() && (digits.back() & 0x80) != 0 ? ~uint64_t{0} : 0;
    std::memcpy(&value, digits.data(), digits.size());
    return static_cast<int64_t>(value);
  }

  // --- the stack ---
  void Push(Value value) {
    if (values_.size() == kMaxValues) throw PickleError{"holds too many values"};
    stack_.push_back(values_.size());
    values_.push_back(std::move(value));
  }
  Ref Pop() {
    if (stack_.empty()) throw PickleError{"takes from an empty stack"};
    const Ref top = stack_.back();
    stack_.pop_back();
    return top;
  }
  std::vector<Ref> PopItems(size_t count) {
    if (stack_.size() < count) throw PickleError{"takes from an empty stack"};
    std::vector<Ref> items(stack_.end() - static_cast<ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return items;
  }
  std::vector<Ref> PopToMark() {
    size_t count = 0;
    while (count < stack_.size() &&
           !std::holds_alternative<Mark>(values_[stack_[stack_.size() - 1 - count]])) {
      ++count;
    }
    std::vector<Ref> items = PopItems(count);
    Pop();  // the mark
    return items;
  }
  void Remember(uint32_t slot) {
    if (stack_.empty()) throw PickleError{"takes from an empty stack"};
    memo_[slot] = stack_.back();
  }
  void Recall(uint32_t slot) {
    auto found = memo_.find(slot);
    if (found == memo_.end()) throw PickleError{"refers to a value that it never stored"};
    stack_.push_back(found->second);
  }
  template <typename Kind>
  const Kind& As(Ref ref, const char* expected) const {
    const Kind* value = std::get_if<Kind>(&values_[ref]);
    if (value == nullptr) throw PickleError{absl::StrCat("lacks ", expected)};
    return *value;
  }

  // --- what the opcodes build ---
  void PushGlobal();
  void PushStorage();
  void SetItems(const std::vector<Ref>& items);
  void Reduce();
  void Build();
  PickledTensor RebuildTensor(const std::vector<Ref>& arguments) const;
  std::vector<int64_t> Integers(Ref tuple) const;
  std::vector<PickledTensor> Collect(Ref dict) const;

  std::string_view bytes_;
  std::vector<Value> values_;
  std::vector<Ref> stack_;
  std::map<uint32_t, Ref> memo_;
};

bool Machine::Step() {
  const auto opcode = TakeInteger<uint8_t>();
  if (PushLiteral(opcode)) return true;
  switch (opcode) {
    case 0x80:  // PROTO
      if (TakeInteger<uint8_t>() > 2) throw PickleError{"is of a newer protocol than 2"};
      break;
    case 'q':  // BINPUT
      Remember(TakeInteger<uint8_t>());
      break;
    case 'r':  // LONG_BINPUT
      Remember(TakeInteger<uint32_t>());
      break;
    case 'h':  // BINGET
      Recall(TakeInteger<uint8_t>());
      break;
    case 'j':  // LONG_BINGET
      Recall(TakeInteger<uint32_t>());
      break;
    case 't':  // TUPLE
      Push(Tuple{PopToMark()});
      break;
    case 0x85:  // TUPLE1
    case 0x86:  // TUPLE2
    case 0x87:  // TUPLE3
      Push(Tuple{PopItems(opcode - 0x84u)});
      break;
    case 'c':  // GLOBAL
      PushGlobal();
      break;
    case 'Q':  // BINPERSID
      PushStorage();
      break;
    case 'R':  // REDUCE
      Reduce();
      break;
    case 's':  // SETITEM
      SetItems(PopItems(2));
      break;
    case 'u':  // SETITEMS
      SetItems(PopToMark());
      break;
    case 'b':  // BUILD
      Build();
      break;
    case '.':  // STOP
      return false;
    default:
      throw PickleError{absl::StrCat("uses opcode ", opcode, ", which no dict of tensors needs")};
  }
  return true;
}

bool Machine::PushLiteral(unsigned char opcode) {
  switch (opcode) {
    case '(':
      Push(Mark{});
      return true;
    case 'N':
      Push(None{});
      return true;
    case 0x88:  // NEWTRUE
    case 0x89:  // NEWFALSE
      Push(opcode == 0x88);
      return true;
    case 'K':  // BININT1
      Push(int64_t{TakeInteger<uint8_t>()});
      return true;
    case 'M':  // BININT2
      Push(int64_t{TakeInteger<uint16_t>()});
      return true;
    case 'J':  // BININT
      Push(int64_t{TakeInteger<int32_t>()});
      return true;
    case 0x8a:  // LONG1
      Push(TakeLong());
      return true;
    case 'X':  // BINUNICODE
      Push(std::string(Take(TakeInteger<uint32_t>())));
      return true;
    case ')':  // EMPTY_TUPLE
      Push(Tuple{});
      return true;
    case '}':  // EMPTY_DICT
      Push(Dict{});
      return true;
    default:
      return false;
  }
}

void Machine::PushGlobal() {
  std::string module = TakeLine();
  std::string name = absl::StrCat(module, ".", TakeLine());
  if (!IsKnownGlobal(name)) {
    throw PickleError{absl::StrCat("names ", Quote(name), ", which no dict of tensors needs")};
  }
  Push(Global{std::move(name)});
}

// ("storage", torch.FloatStorage, key, device, elements)
void Machine::PushStorage() {
  const Tuple& id = As<Tuple>(Pop(), "the tuple of a storage");
  if (id.items.size() != 5) throw PickleError{"has a storage of another form than torch.save's"};
  const Global& type = As<Global>(id.items[1], "the type of a storage");
  const c10::ScalarType* dtype = FindStorage(type.name);
  if (dtype == nullptr) throw PickleError{absl::StrCat("has a storage of type ", Quote(type.name))};
  Storage storage{*dtype, As<std::string>(id.items[2], "the key of a storage"),
                  As<int64_t>(id.items[4], "the size of a storage")};
  Push(std::move(storage));
}

void Machine::SetItems(const std::vector<Ref>& items) {
  if (items.size() % 2 != 0) throw PickleError{"has a key without a value"};
  if (stack_.empty()) throw PickleError{"takes from an empty stack"};
  Dict* dict = std::get_if<Dict>(&values_[stack_.back()]);
  if (dict == nullptr) throw PickleError{"sets items of what is no dict"};
  for (size_t i = 0; i < items.size(); i += 2) dict->items.emplace_back(items[i], items[i + 1]);
}

void Machine::Reduce() {
  const std::vector<Ref> arguments = As<Tuple>(Pop(), "the arguments of a call").items;
  const std::string name = As<Global>(Pop(), "the name of a call").name;
  if (name == kRebuildTensor) {
    Push(RebuildTensor(arguments));
  } else if (name == kRebuildParameter && !arguments.empty()) {
    Push(As<PickledTensor>(arguments[0], "the tensor of a parameter"));
  } else if (name == kOrderedDict && arguments.empty()) {
    Push(Dict{});
  } else {
    throw PickleError{absl::StrCat("calls ", name, " in an unknown way")};
  }
}

// An OrderedDict's attributes (the _metadata of a state_dict) say nothing of its tensors.
void Machine::Build() {
  Pop();
  if (stack_.empty()) throw PickleError{"takes from an empty stack"};
  As<Dict>(stack_.back(), "the dict of an attribute");
}

std::vector<int64_t> Machine::Integers(Ref tuple) const {
  const std::vector<Ref>& items = As<Tuple>(tuple, "the sizes of a tensor").items;
  if (items.size() > kMaxDimensions) {
    throw PickleError{absl::StrCat("has a tensor of more than ", kMaxDimensions, " dimensions")};
  }
  std::vector<int64_t> integers;
  for (Ref item : items) integers.push_back(As<int64_t>(item, "a size of a tensor"));
  return integers;
}

// (storage, offset, sizes, strides, requires_grad, backward_hooks, …)
PickledTensor Machine::RebuildTensor(const std::vector<Ref>& arguments) const {
  if (arguments.size() < 4) throw PickleError{"has a tensor without its sizes"};
  const Storage& storage = As<Storage>(arguments[0], "the storage of a tensor");
  PickledTensor tensor;
  tensor.dtype = storage.dtype;
  tensor.storage_key = storage.key;
  tensor.storage_size = storage.size;
  tensor.offset = As<int64_t>(arguments[1], "the offset of a tensor");
  tensor.sizes = Integers(arguments[2]);
  tensor.strides = Integers(arguments[3]);
  return tensor;
}

std::vector<PickledTensor> Machine::Collect(Ref dict) const {
  std::vector<PickledTensor> tensors;
  std::set<std::string> names;
  for (const auto& [key, value] : As<Dict>(dict, "a dict at its top").items) {
    const std::string& name = As<std::string>(key, "a name: a key of its dict is no string");
    if (!names.insert(name).second) throw PickleError{absl::StrCat("repeats ", Quote(name))};
    if (!std::holds_alternative<PickledTensor>(values_[value])) {
      throw PickleError{absl::StrCat("holds ", Quote(name), ", which is no tensor")};
    }
    tensors.push_back(std::get<PickledTensor>(values_[value]));
    tensors.back().name = name;
  }
  return tensors;
}

}  // namespace

absl::StatusOr<std::vector<PickledTensor>> ParseTensorPickle(std::string_view bytes) {
  try {
    return Machine(bytes).Run();
  } catch (const PickleError& error) {
    return absl::InvalidArgumentError(absl::StrCat("its pickle ", error.what));
  }
}

}  // namespace fathom
