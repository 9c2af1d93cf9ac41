// Debian's Abseil is not instrumented, so ThreadSanitizer does not see that the last owner of an
// absl::Status, which counts its references with atomics, is the one that frees it.
extern "C" const char* __tsan_default_suppressions();

extern "C" const char* __tsan_default_suppressions() { return "race:Status::Unref\n"; }
