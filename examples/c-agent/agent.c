/* An agent in C, against the contract itself. It logs, asks a person, and answers
 * {"echo": <its input>, "answer": <what the person said>}. Both are JSON already, so putting them
 * side by side gives JSON.
 *
 * plugin.h is written by wit-bindgen. What is handed back is freed by plugin.c, so it is allocated
 * here; nothing else is freed, since a sandbox lives for one call.
 */
#include <stdlib.h>
#include <string.h>

#include "plugin.h"

typedef exports_workflowforge_plugin_agent_call_t call;
typedef exports_workflowforge_plugin_agent_reply_t reply;
typedef exports_workflowforge_plugin_agent_failure_t failure;
typedef workflowforge_plugin_human_request_t request;
typedef plugin_string_t text;

static text text_of(const char *literal) {
    text made;
    plugin_string_dup(&made, literal);
    return made;
}

static uint8_t *put(uint8_t *at, text part) {
    memcpy(at, part.ptr, part.len);
    return at + part.len;
}

/* {"echo": input, "answer": answer} */
static text joined(text input, text answer) {
    const text parts[] = {text_of("{\"echo\":"), input, text_of(",\"answer\":"), answer,
                          text_of("}")};
    text whole = {.len = 0};
    for (size_t i = 0; i < 5; i++) whole.len += parts[i].len;
    uint8_t *at = whole.ptr = malloc(whole.len);
    if (at == NULL) abort();
    for (size_t i = 0; i < 5; i++) at = put(at, parts[i]);
    return whole;
}

/* Whether the person answered; `answer` or `why` is then set. */
static bool ask(const char *prompt, text *answer, failure *why) {
    request question = {.prompt = text_of(prompt), .options = text_of("{}")};
    workflowforge_plugin_human_list_request_t questions = {&question, 1};
    workflowforge_plugin_human_list_result_json_failure_t answers;
    /* Where the answer is not there yet, this does not return: the run waits without a sandbox, and
     * the agent runs from its top again. */
    if (!workflowforge_plugin_human_ask(&questions, &answers, why)) return false;
    if (answers.ptr[0].is_err) {
        *why = answers.ptr[0].val.err;
        return false;
    }
    *answer = answers.ptr[0].val.ok;
    return true;
}

bool exports_workflowforge_plugin_agent_invoke(call *task, reply *made, failure *why) {
    text line = text_of("about to ask");
    plugin_list_tuple2_string_string_t fields = {NULL, 0};
    workflowforge_plugin_log_write(WORKFLOWFORGE_PLUGIN_LOG_LEVEL_INFO, &line, &fields);

    text answer;
    if (!ask("Shall I answer?", &answer, why)) return false;
    *made = (reply){.output = joined(task->input, answer), .extra = text_of("{}")};
    return true;
}
