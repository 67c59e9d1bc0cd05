/* What this agent uses of the contract (wit/), as C sees it.
 *
 * On wasm32 the canonical ABI lays records out as C lays structs out, and a variant is a byte that
 * says which case it is, then a union. A text or a list is a pointer and a length. So a header like
 * this one can be written by hand; `wit-bindgen c` writes it of the whole contract.
 */
#ifndef CONTRACT_H
#define CONTRACT_H

#include <stddef.h>
#include <stdint.h>

#define IMPORT(interface, function)                                                                \
    __attribute__((import_module("workflowforge:plugin/" interface "@0.1.0"), import_name(function)))
#define EXPORT(name) __attribute__((export_name(name)))

typedef struct {
    const char *at;
    size_t length;
} text;

typedef struct {
    uint8_t is_some;
    text value;
} option_text;

typedef struct {
    uint8_t is_some;
    uint64_t value;
} option_u64;

/* types.failure: invalid-input, denied, limit, upstream, cancelled, failed. */
enum { INVALID_INPUT, DENIED, LIMIT, UPSTREAM, CANCELLED, FAILED };

typedef struct {
    text code, message;
    uint8_t retryable;
    option_u64 retry_after_ms;
    text details;
} problem;

typedef struct {
    text capability, resource, hint;
} denial;

typedef struct {
    uint8_t kind;
    union {
        problem problem;
        denial denial;
    };
} failure;

/* agent.call and agent.reply. */
typedef struct {
    text agent, task, run;
    option_text thread;
    text workflow, node;
    uint32_t step, attempt;
    uint64_t timeout_ms;
    text input, config, context, extra;
} call;

typedef struct {
    text output;
    const void *exits;
    size_t exits_length;
    text extra;
} reply;

typedef struct {
    uint8_t is_failure;
    union {
        reply reply;
        failure failure;
    };
} result_reply;

/* log.write */
enum { TRACE, DEBUG, INFO, WARN, ERROR };
IMPORT("log", "write")
void log_write(int level, const char *message, size_t length, const void *fields, size_t count);

/* human.ask */
typedef struct {
    text prompt;
    option_text schema;
    option_u64 deadline_ms;
    option_text assignee;
    text options;
} question;

typedef struct {
    uint8_t is_failure;
    union {
        text json;
        failure failure;
    };
} result_json;

typedef struct {
    uint8_t is_failure;
    union {
        struct {
            const result_json *at;
            size_t length;
        } list;
        failure failure;
    };
} result_answers;

IMPORT("human", "ask")
void human_ask(const question *questions, size_t count, result_answers *result);

#endif
