#include "server/grpc/parse.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/slice.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "fathom/v1/admin_service.pb.h"
#include "fathom/v1/inference_service.pb.h"
#include "runtime/text/utf8.h"
#include "server/grpc/errors.h"

namespace fathom {
namespace {

namespace pb = google::protobuf;

void StringsToBytes(pb::DescriptorProto* message) {
  for (pb::FieldDescriptorProto& field : *message->mutable_field()) {
    if (field.type() == pb::FieldDescriptorProto::TYPE_STRING) {
      field.set_type(pb::FieldDescriptorProto::TYPE_BYTES);
    }
  }
  for (pb::DescriptorProto& nested : *message->mutable_nested_type()) StringsToBytes(&nested);
}

// The API's messages with every string declared as bytes, which parse whatever the strings hold.
class LenientMessages {
 public:
  LenientMessages() {
    AddFile(*v1::PredictRequest::descriptor()->file());
    AddFile(*v1::LoadTaskRequest::descriptor()->file());
  }

  std::unique_ptr<pb::Message> New(const pb::Message& like) {
    const pb::Descriptor* type = pool_.FindMessageTypeByName(like.GetDescriptor()->full_name());
    return type == nullptr ? nullptr
                           : std::unique_ptr<pb::Message>(factory_.GetPrototype(type)->New());
  }

 private:
  void AddFile(const pb::FileDescriptor& file) {
    if (pool_.FindFileByName(file.name()) != nullptr) return;
    for (int i = 0; i < file.dependency_count(); ++i) AddFile(*file.dependency(i));
    pb::FileDescriptorProto proto;
    file.CopyTo(&proto);
    for (pb::DescriptorProto& message : *proto.mutable_message_type()) StringsToBytes(&message);
    pool_.BuildFile(proto);
  }

  pb::DescriptorPool pool_;
  pb::DynamicMessageFactory factory_;
};

std::optional<absl::Status> FindBadString(const pb::Message& message, const std::string& prefix);

std::optional<absl::Status> CheckString(const std::string& value, const std::string& field) {
  const std::optional<size_t> bad = FirstInvalidUtf8(value);
  if (!bad) return std::nullopt;
  return InvalidField(field, absl::StrCat("not UTF-8 at byte ", *bad));
}

// Element `index` of a repeated field, or the field itself for -1.
std::optional<absl::Status> CheckValue(const pb::Message& message, const pb::FieldDescriptor* field,
                                       int index, const std::string& name) {
  const pb::Reflection& reflection = *message.GetReflection();
  if (field->type() == pb::FieldDescriptor::TYPE_BYTES) {
    return CheckString(index < 0 ? reflection.GetString(message, field)
                                 : reflection.GetRepeatedString(message, field, index),
                       name);
  }
  if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE) {
    return FindBadString(index < 0 ? reflection.GetMessage(message, field)
                                   : reflection.GetRepeatedMessage(message, field, index),
                         name + ".");
  }
  return std::nullopt;
}

std::optional<absl::Status> FindBadString(const pb::Message& message, const std::string& prefix) {
  std::vector<const pb::FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const pb::FieldDescriptor* field : fields) {
    const std::string name = prefix + field->name();
    if (!field->is_repeated()) {
      if (auto bad = CheckValue(message, field, -1, name)) return bad;
      continue;
    }
    const int size = message.GetReflection()->FieldSize(message, field);
    for (int i = 0; i < size; ++i) {
      if (auto bad = CheckValue(message, field, i, absl::StrCat(name, "[", i, "]"))) return bad;
    }
  }
  return std::nullopt;
}

bool Parse(const grpc::ByteBuffer& bytes, pb::Message* message) {
  grpc::ByteBuffer copy(bytes);  // shares the slices; the reader wants it mutable
  grpc::ProtoBufferReader reader(&copy);
  return reader.status().ok() && message->ParseFromZeroCopyStream(&reader);
}

}  // namespace

absl::Status ParseMessage(const grpc::ByteBuffer& bytes, pb::Message* message) {
  if (Parse(bytes, message)) return absl::OkStatus();
  static LenientMessages& lenient_messages = *new LenientMessages;
  const std::unique_ptr<pb::Message> lenient = lenient_messages.New(*message);
  if (lenient != nullptr && Parse(bytes, lenient.get())) {
    if (auto bad = FindBadString(*lenient, "")) return *std::move(bad);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("the bytes are not a ", message->GetDescriptor()->full_name(), " message"));
}

grpc::ByteBuffer SerializeMessage(const pb::Message& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace fathom
