// What LeakSanitizer is told to leave alone in this test; it asks for it by this name.
//
// LibTorch's PyTorchStreamReader throws out of its constructor for a broken zip file and does not
// free what its zip library had allocated: a few hundred bytes a broken file.
extern "C" const char* __lsan_default_suppressions();  // NOLINT: the name is the sanitizer's

extern "C" const char* __lsan_default_suppressions() { return "leak:mz_zip_reader_init\n"; }
