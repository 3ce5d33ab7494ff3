#include "core/anndata/hdf5.h"

#include <atomic>
#include <cstring>

#include "core/anndata/filters.h"
#include "core/base/utf8.h"

namespace unlasting::anndata {
namespace {

// More than any attribute of the format holds: a header alone must not make us allocate.
constexpr hssize_t kMaxAttributeValues = 1 << 20;

std::recursive_mutex* RoomMutex() {
  static auto* const mutex = new std::recursive_mutex;
  return mutex;
}

// True where HDF5 itself lets one thread in at a time. Also the room's first HDF5 call: a file from
// elsewhere must not make us open others through its external links.
bool PrepareLibrary() {
  static const bool thread_safe = [] {
    hbool_t safe = false;
    // Every file is closed by its owner. What could not be closed, because the disk was full, would
    // crash the program as it exits.
    H5dont_atexit();
    H5open();
    H5is_library_threadsafe(&safe);
    H5Lunregister(H5L_TYPE_EXTERNAL);
    RegisterFilters();
    return static_cast<bool>(safe);
  }();
  return thread_safe;
}

std::atomic<bool> lacked_memory{false};

herr_t NoteEntry(unsigned, const H5E_error2_t* error, void*) {
  if (error->min_num == H5E_NOSPACE || error->min_num == H5E_CANTALLOC) lacked_memory = true;
  return 0;
}

// Takes the place of HDF5's own printing of a failed call's error stack.
herr_t NoteFailure(hid_t stack, void*) {
  H5Ewalk2(stack, H5E_WALK_UPWARD, NoteEntry, nullptr);
  return 0;
}

herr_t CollectName(hid_t, const char* name, const H5L_info_t*, void* names) {
  static_cast<std::vector<std::string>*>(names)->push_back(name);
  return 0;
}

struct Attribute {
  Handle attribute;
  Handle type;
  Handle space;
  hssize_t points = -1;

  bool Is(H5T_class_t type_class) const {
    return type.ok() && points > 0 && H5Tget_class(type.get()) == type_class;
  }
};

Attribute OpenAttribute(hid_t object, const std::string& name) {
  Attribute result;
  if (!HasAttribute(object, name)) return result;
  result.attribute = Handle(H5Aopen(object, name.c_str(), H5P_DEFAULT));
  if (!result.attribute.ok()) return result;
  result.type = Handle(H5Aget_type(result.attribute.get()));
  result.space = Handle(H5Aget_space(result.attribute.get()));
  result.points = H5Sget_simple_extent_npoints(result.space.get());
  if (result.points > kMaxAttributeValues) result.points = -1;
  return result;
}

}  // namespace

Hdf5Scope::Hdf5Scope() : lock_(*RoomMutex(), std::defer_lock) {
  if (!PrepareLibrary()) lock_.lock();
  H5Eget_auto2(H5E_DEFAULT, &print_, &print_data_);
  H5Eset_auto2(H5E_DEFAULT, NoteFailure, nullptr);
}

Hdf5Scope::~Hdf5Scope() { H5Eset_auto2(H5E_DEFAULT, print_, print_data_); }

bool Hdf5LackedMemory() { return lacked_memory; }

bool LinkExists(hid_t group, const std::string& path) {
  // H5Lexists fails where a group on the way is absent: every prefix is asked for.
  for (size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    if (H5Lexists(group, path.substr(0, slash).c_str(), H5P_DEFAULT) <= 0) return false;
  }
  return H5Lexists(group, path.c_str(), H5P_DEFAULT) > 0 &&
         H5Oexists_by_name(group, path.c_str(), H5P_DEFAULT) > 0;
}

bool IsGroup(hid_t group, const std::string& path) {
  if (!LinkExists(group, path)) return false;
  const Handle object(H5Oopen(group, path.c_str(), H5P_DEFAULT));
  return object.ok() && H5Iget_type(object.get()) == H5I_GROUP;
}

std::vector<std::string> Members(hid_t group) {
  std::vector<std::string> names;
  hsize_t index = 0;
  H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &index, CollectName, &names);
  return names;
}

bool HasAttribute(hid_t object, const std::string& name) {
  return H5Aexists(object, name.c_str()) > 0;
}

std::vector<std::string> StringsAttribute(hid_t object, const std::string& name) {
  const Attribute found = OpenAttribute(object, name);
  if (!found.Is(H5T_STRING)) return {};
  std::vector<std::string> strings;
  if (H5Tis_variable_str(found.type.get()) > 0) {
    std::vector<char*> pointers(found.points, nullptr);
    if (H5Aread(found.attribute.get(), found.type.get(), pointers.data()) < 0) return {};
    for (const char* text : pointers) strings.emplace_back(text == nullptr ? "" : text);
    H5Dvlen_reclaim(found.type.get(), found.space.get(), H5P_DEFAULT, pointers.data());
    return strings;
  }
  const size_t size = H5Tget_size(found.type.get());
  if (size == 0 || size > static_cast<size_t>(kMaxAttributeValues)) return {};
  std::vector<char> buffer(size * static_cast<size_t>(found.points));
  if (H5Aread(found.attribute.get(), found.type.get(), buffer.data()) < 0) return {};
  for (size_t at = 0; at < buffer.size(); at += size) {
    strings.emplace_back(&buffer[at], strnlen(&buffer[at], size));
  }
  return strings;
}

std::string StringAttribute(hid_t object, const std::string& name) {
  const auto strings = StringsAttribute(object, name);
  return strings.size() == 1 ? strings[0] : "";
}

std::vector<int64_t> IntegersAttribute(hid_t object, const std::string& name) {
  const Attribute found = OpenAttribute(object, name);
  if (!found.Is(H5T_INTEGER)) return {};
  std::vector<int64_t> values(found.points);
  if (H5Aread(found.attribute.get(), H5T_NATIVE_INT64, values.data()) < 0) return {};
  return values;
}

bool FlagAttribute(hid_t object, const std::string& name) {
  const Attribute found = OpenAttribute(object, name);
  if ((!found.Is(H5T_ENUM) && !found.Is(H5T_INTEGER)) || found.points != 1 ||
      H5Tget_size(found.type.get()) != 1) {
    return false;
  }
  int8_t flag = 0;
  return H5Aread(found.attribute.get(), found.type.get(), &flag) >= 0 && flag != 0;
}

Handle ReferencedDataset(hid_t object, const std::string& name) {
  const Attribute found = OpenAttribute(object, name);
  if (!found.Is(H5T_REFERENCE) || found.points != 1 ||
      H5Tequal(found.type.get(), H5T_STD_REF_OBJ) <= 0) {
    return Handle();
  }
  hobj_ref_t reference = 0;
  if (H5Aread(found.attribute.get(), found.type.get(), &reference) < 0) return Handle();
  Handle target(H5Rdereference2(object, H5P_DEFAULT, H5R_OBJECT, &reference));
  return target.ok() && H5Iget_type(target.get()) == H5I_DATASET ? std::move(target) : Handle();
}

std::string ToUtf8(std::string text) { return IsUtf8(text) ? text : Latin1ToUtf8(text); }

}  // namespace unlasting::anndata
