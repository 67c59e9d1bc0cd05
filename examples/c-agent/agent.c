/* An agent in C, against the contract itself. It logs, asks a person, and answers
 * {"echo": <its input>, "answer": <what the person said>}. Both are JSON already, so putting them
 * side by side gives JSON.
 *
 * Nothing is freed: a sandbox lives for one call.
 */
#include <stdlib.h>
#include <string.h>

#include "contract.h"

#define TEXT(literal) ((text){literal, sizeof literal - 1})

/* The host puts here what it hands over. */
EXPORT("cabi_realloc")
void *cabi_realloc(void *old, size_t old_length, size_t align, size_t length) {
    (void)old_length, (void)align;
    void *at = realloc(old, length);
    if (at == NULL) abort();
    return at;
}

static result_reply result;

static result_reply *fails(failure why) {
    result = (result_reply){.is_failure = 1, .failure = why};
    return &result;
}

static char *put(char *at, text part) {
    memcpy(at, part.at, part.length);
    return at + part.length;
}

/* {"echo": input, "answer": answer} */
static text joined(text input, text answer) {
    const text begin = TEXT("{\"echo\":"), middle = TEXT(",\"answer\":"), end = TEXT("}");
    const text parts[] = {begin, input, middle, answer, end};
    size_t length = 0;
    for (size_t i = 0; i < 5; i++) length += parts[i].length;
    char *whole = cabi_realloc(NULL, 0, 1, length), *at = whole;
    for (size_t i = 0; i < 5; i++) at = put(at, parts[i]);
    return (text){whole, length};
}

EXPORT("workflowforge:plugin/agent@0.1.0#invoke")
result_reply *invoke(const call *task) {
    const text line = TEXT("about to ask");
    log_write(INFO, line.at, line.length, NULL, 0);

    const question asked = {.prompt = TEXT("Shall I answer?"), .options = TEXT("{}")};
    static result_answers answers;
    /* Where the answer is not there yet, this does not return: the run waits without a sandbox, and
     * the agent runs from its top again. */
    human_ask(&asked, 1, &answers);
    if (answers.is_failure) return fails(answers.failure);
    const result_json answer = answers.list.at[0];
    if (answer.is_failure) return fails(answer.failure);

    const text output = joined(task->input, answer.json);
    result = (result_reply){.reply = {.output = output, .extra = TEXT("{}")}};
    return &result;
}
