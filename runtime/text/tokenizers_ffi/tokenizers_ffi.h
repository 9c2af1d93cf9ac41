/* The Hugging Face tokenizers crate as C functions. Only runtime/text/tokenizer.cc calls them.
 *
 * A FathomTokenizer never changes after it is made: any number of threads may encode with one at
 * once. No Rust panic leaves these functions: it comes back as FATHOM_TOKENIZER_INTERNAL.
 *
 * On any code other than FATHOM_TOKENIZER_OK nothing but *message is written: a text for a person,
 * that the caller frees with fathom_tokenizer_message_free. On OK *message is left alone. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct FathomTokenizer FathomTokenizer;

typedef enum {
  FATHOM_TOKENIZER_OK = 0,
  FATHOM_TOKENIZER_INVALID = 1,  /* the given file or text cannot be used */
  FATHOM_TOKENIZER_INTERNAL = 2, /* the crate failed on input that it should take */
} FathomTokenizerCode;

/* Bytes that stay the caller's. data == NULL with size 0: absent, or empty. */
typedef struct {
  const char* data;
  size_t size;
} FathomBytes;

typedef struct {
  uint8_t lowercase;              /* 0 or 1 */
  int8_t strip_accents;           /* 0 or 1; -1: as lowercase */
  uint8_t tokenize_chinese_chars; /* 0 or 1 */
} FathomBertVocabOptions;

typedef enum {
  FATHOM_TRUNCATION_ERROR = 0,
  FATHOM_TRUNCATION_LONGEST_FIRST = 1,
  FATHOM_TRUNCATION_ONLY_FIRST = 2,
  FATHOM_TRUNCATION_ONLY_SECOND = 3,
} FathomTruncation;

typedef struct {
  FathomBytes first;
  FathomBytes second; /* read only if has_second is 1 */
  uint8_t has_second; /* 0 or 1 */
  uint8_t truncation; /* a FathomTruncation */
  uint8_t with_spans; /* 0 or 1: FathomTokens.spans, which takes longer */
  int32_t max_tokens; /* special tokens included */
} FathomEncodeRequest;

/* The bytes of a text that a token stands for, end exclusive. */
typedef struct {
  int32_t begin;
  int32_t end;
  int32_t text; /* 0: the first, 1: the second, -1: a special token of no text */
} FathomTokenSpan;

/* Arrays of size entries, owned by the library: free them with fathom_tokenizer_tokens_free. */
typedef struct {
  int32_t* ids;
  int32_t* segment_ids;
  FathomTokenSpan* spans; /* NULL unless with_spans was 1 */
  size_t size;
  int32_t full_tokens; /* count before truncation, special tokens included */
} FathomTokens;

/* From the bytes of a tokenizer.json. Its padding and truncation are dropped. *tokenizer is the
 * caller's: free it with fathom_tokenizer_free. */
FathomTokenizerCode fathom_tokenizer_from_json(FathomBytes json, FathomTokenizer** tokenizer,
                                               char** message);

/* From the bytes of a BERT vocab.txt: one token a line, its id is the line's number from 0. */
FathomTokenizerCode fathom_tokenizer_from_bert_vocab(FathomBytes vocab,
                                                     const FathomBertVocabOptions* options,
                                                     FathomTokenizer** tokenizer, char** message);

/* Tokens of one text or a pair with the special tokens around them. */
FathomTokenizerCode fathom_tokenizer_encode(const FathomTokenizer* tokenizer,
                                            const FathomEncodeRequest* request,
                                            FathomTokens* tokens, char** message);

/* One more than the largest id, added tokens included. */
int32_t fathom_tokenizer_vocab_size(const FathomTokenizer* tokenizer);

/* NULL is allowed in all three. After the second, *tokens holds nothing. */
void fathom_tokenizer_free(FathomTokenizer* tokenizer);
void fathom_tokenizer_tokens_free(FathomTokens* tokens);
void fathom_tokenizer_message_free(char* message);

#ifdef __cplusplus
}
#endif
